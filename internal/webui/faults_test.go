package webui_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// errRefused is what a dialer says where nothing listens.
var errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}

// patience is the deadline of a request that is meant to miss it, in real time. The others have far
// more than they need.
const patience = 100 * time.Millisecond

// probed is one request and how it went, without its duration.
type probed struct {
	probe  webui.ProbeName
	status int
	err    string
}

func probesOf(s webui.Server) []probed {
	var list []probed
	for _, p := range s.Probes {
		list = append(list, probed{p.Probe, p.StatusCode, p.ErrorType})
	}
	return list
}

// observeURL asks a process that listens there, with a transport of its own, often enough to
// believe its silence.
func observeURL(t *testing.T, rawURL string, timeout time.Duration) webui.Server {
	t.Helper()
	tracker := webui.NewTracker(webui.Settings{Client: &http.Client{Transport: &http.Transport{}}, Timeout: timeout})
	defer tracker.Close()
	target := webui.Target{Instance: "ff", Process: "1/1", Port: 7860, URL: mustURL(t, rawURL)}
	_, err := tracker.Observe(t.Context(), []webui.Target{target}, nil)
	require.NoError(t, err)
	snapshot, err := tracker.Observe(t.Context(), []webui.Target{target}, nil)
	require.NoError(t, err)
	return only(t, snapshot)
}

func observeHandler(t *testing.T, h http.HandlerFunc, timeout time.Duration) webui.Server {
	t.Helper()
	ts := httptest.NewServer(h)
	defer ts.Close()
	return observeURL(t, ts.URL, timeout)
}

func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// What is no answer of a Gradio is that of another server, if it is one of HTTP; each for a reason
// out of a fixed list.
func TestServerAnswersNonsense(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	bomb := pack(t, 10<<20)
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		status  int
		err     string
	}{
		{name: "hangs", handler: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, err: "timeout"},
		{name: "HTML", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<html>sign in</html>")
		}, err: "invalid_response"},
		{name: "HTML that says it is JSON", handler: func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, "<html>") }, err: "invalid_response"},
		{name: "JSON without a type", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, "false")
		}, err: "invalid_response"},
		{name: "500", handler: func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 500, "Traceback: /home/someone") }, status: 500},
		{name: "401", handler: func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 401, `{"detail":"Not authenticated"}`) }, status: 401},
		{name: "404", handler: http.NotFound, status: 404},
		{name: "a status that nobody counts", handler: func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 418, "false") }, err: "other"},
		{name: "a redirect", handler: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/login", http.StatusFound)
		}, err: "redirect"},
		{name: "a redirect to itself", handler: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"/", http.StatusTemporaryRedirect)
		}, err: "redirect"},
		{name: "reset before", handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, err: "connection_reset"},
		{name: "a gzip bomb", handler: func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, "identity", r.Header.Get("Accept-Encoding"))
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb)
		}, err: "invalid_response"},
		{name: "invalid JSON", handler: func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, `fal`) }, err: "invalid_response"},
		{name: "other JSON", handler: func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, `{"status":"ok"}`) }, err: "invalid_response"},
		{name: "null", handler: func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, `null`) }, err: "invalid_response"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			timeout := time.Minute
			if tt.err == "timeout" {
				timeout = patience
			}
			got := observeHandler(t, tt.handler, timeout)
			state, kind := webui.StateAnswering, webui.KindHTTP
			if tt.err == "timeout" || tt.err == "connection_reset" {
				state, kind = webui.StateUnresponsive, webui.KindUnknown
			}
			assert.Equal(t, state, got.State)
			assert.Equal(t, kind, got.Kind)
			want := []probed{{webui.ProbeLoop, tt.status, tt.err}}
			if tt.status == http.StatusNotFound {
				want = []probed{{webui.ProbeCapabilities, tt.status, tt.err}, want[0]}
			}
			assert.Equal(t, want, probesOf(got))
		})
	}
}

// pack makes a gzip file of that many zeros, about a thousandth of them long.
func pack(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.Copy(w, io.LimitReader(zeros{}, size))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func TestServerAnswers1GB(t *testing.T) {
	var sent atomic.Int64
	got := observeHandler(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		n, _ := io.Copy(w, io.LimitReader(zeros{}, 1<<30))
		sent.Add(n)
	}, time.Minute)
	assert.Equal(t, webui.StateAnswering, got.State)
	assert.Equal(t, []probed{{webui.ProbeLoop, 0, "invalid_response"}}, probesOf(got))
	// what the sockets on both sides hold comes on top of what is read
	assert.Less(t, sent.Load(), int64(64<<20))
}

func TestServerRefuses(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := "http://" + listener.Addr().String()
	require.NoError(t, listener.Close())

	t.Run("a process that has not served yet", func(t *testing.T) {
		got := observeURL(t, closed, time.Minute)
		assert.Equal(t, webui.StateStarting, got.State)
		assert.Equal(t, []probed{{webui.ProbeLoop, 0, "connection_refused"}}, probesOf(got))
	})
	t.Run("a configured endpoint", func(t *testing.T) {
		tracker := webui.NewTracker(webui.Settings{Client: &http.Client{Transport: &http.Transport{}}, Timeout: time.Minute})
		defer tracker.Close()
		snapshot, err := tracker.Observe(t.Context(), []webui.Target{{Instance: "ff", URL: mustURL(t, closed)}}, nil)
		require.NoError(t, err)
		assert.Equal(t, webui.StateDown, only(t, snapshot).State)
	})
}

// A stopped process (SIGSTOP) still has its connections accepted, by the kernel.
func TestServerIsStopped(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	got := observeURL(t, "http://"+listener.Addr().String(), patience)
	assert.Equal(t, webui.StateUnresponsive, got.State)
	assert.Equal(t, []probed{{webui.ProbeLoop, 0, "timeout"}}, probesOf(got))
}

// A header that comes a byte at a time does not come in time.
func TestServerSendsSlowHeaders(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		tick := time.NewTicker(patience / 10)
		defer tick.Stop()
		for _, b := range []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nfalse") {
			if _, err := conn.Write([]byte{b}); err != nil {
				return
			}
			<-tick.C
		}
	}()
	got := observeURL(t, "http://"+listener.Addr().String(), patience)
	assert.Equal(t, webui.StateUnresponsive, got.State)
	assert.Equal(t, []probed{{webui.ProbeLoop, 0, "timeout"}}, probesOf(got))
	require.NoError(t, listener.Close())
	<-done
}

func TestServerSpeaksTLS(t *testing.T) {
	ts := httptest.NewUnstartedServer(http.NotFoundHandler())
	ts.Config.ErrorLog = log.New(io.Discard, "", 0)
	ts.StartTLS()
	defer ts.Close()
	got := observeURL(t, ts.URL, time.Minute)
	assert.Equal(t, webui.StateAnswering, got.State)
	assert.Equal(t, webui.KindUnknown, got.Kind)
	assert.Equal(t, []probed{{webui.ProbeLoop, 0, "tls"}}, probesOf(got))
}

func TestServerCannotBeReached(t *testing.T) {
	got := observeURL(t, "http://unknown.invalid:7860", patience)
	assert.Equal(t, webui.StateUnresponsive, got.State)
	require.Len(t, got.Probes, 1)
	assert.Contains(t, []string{"other", "timeout"}, got.Probes[0].ErrorType)
}

// Behind a port that once served FaceFusion, each endpoint may go wrong by itself.
func TestOneEndpointAnswersNonsense(t *testing.T) {
	idle := readRecording(t, "5.50.0").Moments["idle"]
	for _, tt := range []struct {
		name   string
		moment replayedMoment
		want   webui.ServerState
	}{
		{"negative queue", idle.with("/gradio_api/queue/status", 200, `{"msg":"estimation","queue_size":-1}`), webui.StateUnresponsive},
		{"huge queue", idle.with("/gradio_api/queue/status", 200, `{"msg":"estimation","queue_size":1e300}`), webui.StateUnresponsive},
		{"queue beyond a memory", idle.with("/gradio_api/queue/status", 200, `{"msg":"estimation","queue_size":9223372036854775807}`), webui.StateUnresponsive},
		{"no queue size", idle.with("/gradio_api/queue/status", 200, `{"msg":"estimation"}`), webui.StateUnresponsive},
		{"another message", idle.with("/gradio_api/queue/status", 200, `{"msg":"queue_full","queue_size":0}`), webui.StateUnresponsive},
		{"queue 500", idle.with("/gradio_api/queue/status", 500, ``), webui.StateUnresponsive},
		{"app 500", idle.with("/gradio_api/app_id", 500, ``), webui.StateUnresponsive},
		{"app without id", idle.with("/gradio_api/app_id", 200, `{}`), webui.StateUnresponsive},
		{"summary 500", idle.with("/monitoring/summary", 500, ``), webui.StateReady},
		{"summary without functions", idle.with("/monitoring/summary", 200, `{}`), webui.StateReady},
		{"summary too long", idle.with("/monitoring/summary", 200, `{"functions":{}`+strings.Repeat(" ", 300<<10)+`}`), webui.StateReady},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := observeTimes(t, tt.moment, 2)
			assert.Equal(t, tt.want, got.State)
			if strings.HasPrefix(tt.name, "summary") {
				assert.Nil(t, got.Functions)
			}
			assert.Equal(t, tt.want == webui.StateReady, got.QueueSize.Known)
		})
	}
}

func TestObserveIsCancelled(t *testing.T) {
	asked := make(chan struct{}, 1)
	ts := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer ts.Close()
	tracker := webui.NewTracker(webui.Settings{Client: &http.Client{Transport: &http.Transport{}}, Timeout: time.Hour})
	defer tracker.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	snapshot, err := tracker.Observe(ctx, []webui.Target{{Instance: "ff", Process: "1/1", Port: 7860, URL: mustURL(t, ts.URL)}}, nil)
	require.ErrorIs(t, err, context.Canceled)
	assert.Nil(t, snapshot)
}

// No cookie, and no connection, is kept between requests.
func TestNothingIsKept(t *testing.T) {
	idle := readRecording(t, "5.50.0").Moments["idle"]
	s := &fakeServer{}
	s.play(idle)
	connections := map[string]bool{}
	requests := 0
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		requests++
		assert.Empty(t, r.Header.Get("Cookie"))
		assert.True(t, r.Close)
		w.Header().Set("Set-Cookie", "session=1")
		s.ServeHTTP(w, r)
	}))
	defer ts.Close()
	observeURL(t, ts.URL, time.Minute)
	assert.Equal(t, 4+3, requests, "the second time without the statistics")
	assert.Len(t, connections, requests)
}
