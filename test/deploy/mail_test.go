package deploy

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"testing"

	"github.com/prometheus/alertmanager/config"
	"github.com/stretchr/testify/require"
)

func TestMail(t *testing.T) {
	address, received := mailServer(t)
	cfg, tmpl := load(t)
	rcv := named(t, cfg, "mail")
	mailing := rcv.EmailConfigs[0]
	require.True(t, *mailing.RequireTLS, "mail goes in the open")
	require.Equal(t, "/etc/alertmanager/secrets/smtp-password", mailing.AuthPasswordFile)

	// The test's server supports neither TLS nor passwords.
	off := false
	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	mailing.Smarthost, mailing.RequireTLS, mailing.AuthUsername, mailing.AuthPasswordFile = config.HostPort{Host: host, Port: port}, &off, "", ""
	deliver(t, rcv, tmpl, "email", firing("info"))

	message, err := mail.ReadMessage(strings.NewReader(<-received))
	require.NoError(t, err)
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, "[FaceFusion] info: FaceFusionServerDown on gpu-7", subject)
	require.Equal(t, "facefusion@example.com", message.Header.Get("To"))
	require.Equal(t, plain("info"), textPart(t, message))
}

// textPart is the only part of the message: there is no HTML.
func textPart(t *testing.T, message *mail.Message) string {
	t.Helper()
	_, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	require.NoError(t, err)
	parts := multipart.NewReader(message.Body, params["boundary"])
	part, err := parts.NextRawPart()
	require.NoError(t, err)
	require.Contains(t, part.Header.Get("Content-Type"), "text/plain")
	text, err := io.ReadAll(quotedprintable.NewReader(part))
	require.NoError(t, err)
	_, err = parts.NextRawPart()
	require.ErrorIs(t, err, io.EOF)
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// mailServer accepts one mail.
func mailServer(t *testing.T) (address string, received <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	mails := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		text := textproto.NewConn(conn)
		_ = text.PrintfLine("220 test")
		for {
			line, err := text.ReadLine()
			if err != nil {
				return
			}
			switch verb, _, _ := strings.Cut(line, " "); strings.ToUpper(verb) {
			case "DATA":
				_ = text.PrintfLine("354 go on")
				data, _ := text.ReadDotBytes()
				mails <- string(data)
				_ = text.PrintfLine("250 taken")
			case "QUIT":
				_ = text.PrintfLine("221 bye")
				return
			default:
				_ = text.PrintfLine("250 test")
			}
		}
	}()
	return listener.Addr().String(), mails
}
