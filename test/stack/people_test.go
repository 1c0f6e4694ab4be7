//go:build stack

package stack

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// people are the receivers of notifications: a WeCom API, a DingTalk robot, a mail server and a
// dead man's switch.
type people struct {
	web  *httptest.Server
	mail string

	mu                              sync.Mutex
	wecom, dingtalk, mails, watches []string
}

func startPeople(t *testing.T) *people {
	t.Helper()
	p := &people{}
	p.web = httptest.NewServer(p)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.mail = listener.Addr().String()
	var conversations sync.WaitGroup
	conversations.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conversations.Go(func() { p.take(conn) })
		}
	})
	t.Cleanup(func() {
		p.web.Close()
		_ = listener.Close()
		conversations.Wait()
	})
	return p
}

func (p *people) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case r.URL.Path == "/gettoken" && r.URL.Query().Get("corpsecret") == "wecom's secret":
		_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok","access_token":"token"}`)
	case r.URL.Path == "/message/send" && r.URL.Query().Get("access_token") == "token":
		p.wecom = append(p.wecom, string(body))
		_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok"}`)
	case r.URL.Path == "/robot/send" && r.URL.Query().Get("access_token") == "robot's token":
		p.dingtalk = append(p.dingtalk, string(body))
		_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok"}`)
	case r.URL.Path == "/alive":
		p.watches = append(p.watches, string(body))
	default:
		http.NotFound(w, r)
	}
}

// take serves one SMTP session that requires a password.
func (p *people) take(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	text := textproto.NewConn(conn)
	_ = text.PrintfLine("220 test")
	signed := false
	for {
		line, err := text.ReadLine()
		if err != nil {
			return
		}
		switch verb, _, _ := strings.Cut(line, " "); strings.ToUpper(verb) {
		case "EHLO":
			_ = text.PrintfLine("250-test")
			_ = text.PrintfLine("250 AUTH PLAIN")
		case "AUTH":
			// "\0facefusion@example.com\0mail's password"
			signed = line == "AUTH PLAIN AGZhY2VmdXNpb25AZXhhbXBsZS5jb20AbWFpbCdzIHBhc3N3b3Jk"
			_ = text.PrintfLine("235 welcome")
		case "DATA":
			_ = text.PrintfLine("354 go on")
			data, _ := text.ReadDotBytes()
			if signed {
				p.mu.Lock()
				p.mails = append(p.mails, string(data))
				p.mu.Unlock()
			}
			_ = text.PrintfLine("250 taken")
		case "QUIT":
			_ = text.PrintfLine("221 bye")
			return
		default:
			_ = text.PrintfLine("250 test")
		}
	}
}

// received returns the first message that a channel got with all of the words.
func (p *people) received(channel *[]string, words ...string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
next:
	for _, message := range *channel {
		for _, word := range words {
			if !strings.Contains(message, word) {
				continue next
			}
		}
		return message
	}
	return ""
}

// fields of a message that is JSON.
func fields(t *testing.T, message string) map[string]any {
	t.Helper()
	var all map[string]any
	require.NoError(t, json.Unmarshal([]byte(message), &all), message)
	return all
}
