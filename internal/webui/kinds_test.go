package webui_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// api is a service of HTTP around FaceFusion: a few paths, and 404 for the rest.
func (h *host) api(port int, m replayedMoment) *fakeServer {
	s := &fakeServer{}
	s.play(m)
	h.network.listen(loopback(port), s)
	return s
}

// TestServerOfAnotherKind: a service that is no Gradio answers, is asked once a minute, and its
// silence is known after two.
func TestServerOfAnotherKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.api(8000, replayedMoment{})
		first := only(t, h.pass(h.process("1/1", 8000)))
		assert.Equal(t, webui.StateAnswering, first.State)
		assert.Equal(t, webui.KindHTTP, first.Kind)
		assert.Equal(t, []string{"GET /gradio_api/startup-events", "GET /startup-events", "GET /capabilities"}, s.takeAsked(), "once, to find out what it is")
		for range 10 * 12 {
			assert.Equal(t, webui.StateAnswering, only(t, h.pass(h.process("1/1", 8000))).State)
		}
		assert.LessOrEqual(t, len(s.takeAsked()), 11, "at most one request a minute")

		s.play(replayedMoment{}, "/gradio_api/startup-events", "/startup-events", "/capabilities")
		var state webui.ServerState
		for range 2 * 12 {
			state = only(t, h.pass(h.process("1/1", 8000))).State
		}
		assert.Equal(t, webui.StateUnresponsive, state)
		s.play(replayedMoment{})
		for range 12 {
			state = only(t, h.pass(h.process("1/1", 8000))).State
		}
		assert.Equal(t, webui.StateAnswering, state)
		assert.Equal(t, webui.StateDown, only(t, h.pass()).State)
	})
}

// TestServerBecomesGradio: a program that serves something else while it starts is recognized
// within three minutes.
func TestServerBecomesGradio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.api(7860, replayedMoment{})
		h.pass(h.process("1/1", 7860))
		s.play(h.idle)
		var got webui.Server
		for range 3 * 12 {
			got = only(t, h.pass(h.process("1/1", 7860)))
		}
		assert.Equal(t, webui.StateReady, got.State)
		assert.Equal(t, webui.KindGradio, got.Kind)
	})
}

// TestFaceFusion4 knows the api of FaceFusion 4 by its capabilities, which it answers without a
// session.
func TestFaceFusion4(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.api(8000, replayedMoment{}.with("/capabilities", 200, `{"execution_providers":["cpu"]}`))
		got := only(t, h.pass(h.process("1/1", 8000)))
		assert.Equal(t, webui.StateReady, got.State)
		assert.Equal(t, webui.KindHTTP, got.Kind)
		s.takeAsked()
		for range 12 {
			assert.Equal(t, webui.StateReady, only(t, h.pass(h.process("1/1", 8000))).State)
		}
		assert.Equal(t, []string{"GET /capabilities", "GET /capabilities", "GET /capabilities", "GET /capabilities"}, s.takeAsked())
		s.play(replayedMoment{}.with("/capabilities", 500, ``))
		for range 4 {
			got = only(t, h.pass(h.process("1/1", 8000)))
		}
		assert.Equal(t, webui.StateAnswering, got.State, "it is in trouble, and answers")
	})
}

// TestGatewayInFront: of a configured endpoint, the gateway's answer is not that of the server.
func TestGatewayInFront(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := &fakeServer{}
		h.network.listen("proxy.example", s)
		endpoint := webui.Target{Instance: "ff", URL: mustURL(t, "https://proxy.example")}
		s.play(replayedMoment{}.with("/gradio_api/startup-events", 502, `bad gateway`))
		h.pass(endpoint)
		assert.Equal(t, webui.StateUnresponsive, only(t, h.pass(endpoint)).State)
		s.play(h.idle)
		assert.Equal(t, webui.StateReady, only(t, h.pass(endpoint)).State, "at once")
	})
}

func quiet(h http.Handler) *httptest.Server {
	ts := httptest.NewUnstartedServer(h)
	ts.Config.ErrorLog = log.New(io.Discard, "", 0)
	return ts
}

// observeFound asks a process whose socket was found: nobody knows whether it speaks TLS.
func observeFound(t *testing.T, address string) webui.Server {
	t.Helper()
	tracker := webui.NewTracker(webui.Settings{Timeout: time.Minute})
	defer tracker.Close()
	target := webui.Target{Instance: "ff", Process: "1/1", Port: 7860, URL: mustURL(t, "http://"+address)}
	var snapshot *webui.Snapshot
	for range 2 {
		var err error
		snapshot, err = tracker.Observe(t.Context(), []webui.Target{target}, nil)
		require.NoError(t, err)
	}
	return only(t, snapshot)
}

// TestFoundServerSpeaksTLS: TLS is distinguished from a connection that is reset, and what is
// behind it is asked.
func TestFoundServerSpeaksTLS(t *testing.T) {
	gradio := &fakeServer{}
	gradio.play(readRecording(t, "5.50.0").Moments["idle"])
	for _, tt := range []struct {
		name    string
		handler http.Handler
		listen  func(net.Listener, *tls.Config) net.Listener
		state   webui.ServerState
		kind    webui.ServerKind
	}{
		{"Gradio, and an answer in plain HTTP", gradio, nil, webui.StateReady, webui.KindGradio},
		{"Gradio, and an alert", gradio, alerting, webui.StateReady, webui.KindGradio},
		{"Gradio, and a reset", gradio, resetting, webui.StateReady, webui.KindGradio},
		{"another", http.NotFoundHandler(), alerting, webui.StateAnswering, webui.KindHTTP},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ts := quiet(tt.handler)
			if tt.listen == nil {
				ts.StartTLS() // net/http answers plain HTTP with a 400
			} else {
				certificate := quiet(nil)
				certificate.StartTLS()
				config := &tls.Config{Certificates: certificate.TLS.Certificates}
				certificate.Close()
				ts.Listener = tt.listen(ts.Listener, config)
				ts.Start()
			}
			defer ts.Close()
			got := observeFound(t, ts.Listener.Addr().String())
			assert.Equal(t, tt.state, got.State)
			assert.Equal(t, tt.kind, got.Kind)
		})
	}
}

// alerting is TLS as OpenSSL has it: a client that speaks something else gets an alert.
func alerting(l net.Listener, config *tls.Config) net.Listener {
	return peeking{l, config, func(c net.Conn) { _, _ = c.Write([]byte{0x15, 3, 3, 0, 2, 2, 70}) }}
}

// resetting is TLS as asyncio has it: such a client is hung up on.
func resetting(l net.Listener, config *tls.Config) net.Listener {
	return peeking{l, config, func(net.Conn) {}}
}

type peeking struct {
	net.Listener
	config *tls.Config
	plain  func(net.Conn)
}

func (p peeking) Accept() (net.Conn, error) {
	for {
		conn, err := p.Listener.Accept()
		if err != nil {
			return nil, err
		}
		first := make([]byte, 1)
		if _, err := io.ReadFull(conn, first); err != nil {
			conn.Close()
			continue
		}
		const handshake = 0x16
		if first[0] != handshake {
			p.plain(conn)
			conn.Close()
			continue
		}
		return tls.Server(&prefixed{Conn: conn, prefix: first}, p.config), nil
	}
}

// prefixed gives back what was read of a connection.
type prefixed struct {
	net.Conn
	prefix []byte
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.prefix) > 0 {
		n := copy(b, p.prefix)
		p.prefix = p.prefix[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

// TestFoundServerSpeaksSomethingElse: a gRPC server answers HTTP/1.1 with frames of HTTP/2.
func TestFoundServerSpeaksSomethingElse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			// What comes before the request was written, net/http may take for the end of an idle
			// connection.
			_, _ = conn.Read(make([]byte, 1<<10))
			_, _ = conn.Write([]byte{0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 64, 0, '\n'})
			conn.Close()
		}
	}()
	got := observeFound(t, l.Addr().String())
	assert.Equal(t, webui.StateAnswering, got.State)
	assert.Equal(t, webui.KindUnknown, got.Kind)
	require.NoError(t, l.Close())
	<-done
}

// TestServerThatSpeaksFirst: a gRPC server sends its settings before it is asked. That these are
// there before the request is written, which happens on a busy host, does not matter.
func TestServerThatSpeaksFirst(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				_, _ = conn.Write([]byte("SSH-2.0-OpenSSH_9.9\r\n"))
				_, _ = conn.Read(make([]byte, 1<<10))
				conn.Close()
			})
		}
	})
	client := webui.Direct()
	transport := client.Transport.(*http.Transport)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		time.Sleep(5 * time.Millisecond) // real time, in which the host is busy
		return conn, err
	}
	target := webui.Target{Instance: "ff", Process: "1/1", Port: 7860, URL: mustURL(t, "http://"+l.Addr().String())}
	var observers sync.WaitGroup
	for range 8 {
		observers.Go(func() {
			for range 40 {
				snapshot, err := webui.NewTracker(webui.Settings{Client: client}).Observe(t.Context(), []webui.Target{target}, []string{"ff"})
				assert.NoError(t, err)
				assert.Equal(t, []line{{7860, webui.StateAnswering}}, lines(snapshot))
			}
		})
	}
	observers.Wait()
	require.NoError(t, l.Close())
	wg.Wait()
}

// TestTheSocketThatAnswersIsTheServer: of a process with several ports, a debugger's is the lowest.
// The others are asked some times only.
func TestTheSocketThatAnswersIsTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		target := h.process("1/1", 5678)
		h.hang(5678)
		h.hang(6000)
		for _, port := range []int{6000, 8000} {
			target.Others = append(target.Others, webui.Address{Port: uint16(port), URL: mustURL(t, "http://"+loopback(port))})
		}
		h.refuse(8000)
		snapshot := h.observe(target)
		assert.Empty(t, snapshot.Choices, "it does not answer yet")
		h.serve(8000)
		for range 3 {
			snapshot = h.observe(target)
		}
		assert.Equal(t, []webui.Choice{{Instance: "ff", Process: "1/1", Port: 8000}}, snapshot.Choices)

		target = h.process("1/1", 8000)
		assert.Equal(t, []line{{8000, webui.StateReady}}, lines(h.observe(target)))
		snapshot = h.observe(target)
		assert.Equal(t, []line{{8000, webui.StateReady}}, lines(snapshot))
		assert.Empty(t, snapshot.Choices)
	})
}

// TestOtherSocketsAreLeftAlone: where none is understood, nobody is asked for ever; where the first
// one is, nobody else is asked.
func TestOtherSocketsAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		first, other := h.hang(5678), h.hang(6000)
		target := h.process("1/1", 5678)
		target.Others = []webui.Address{{Port: 6000, URL: mustURL(t, "http://"+loopback(6000))}}
		for range 100 {
			h.observe(target)
			time.Sleep(5 * time.Second)
		}
		assert.LessOrEqual(t, len(other.takeAsked()), 3)
		assert.NotEmpty(t, first.takeAsked())

		h = newHost(t)
		h.serve(7860)
		other = h.hang(6000)
		target = h.process("1/1", 7860)
		target.Others = []webui.Address{{Port: 6000, URL: mustURL(t, "http://"+loopback(6000))}}
		for range 10 {
			assert.Equal(t, []line{{7860, webui.StateReady}}, lines(h.observe(target)))
		}
		assert.Empty(t, other.takeAsked())
	})
}
