package webui_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// recording is a file of testdata/web.
type recording struct {
	Gradio  string
	Moments map[string]replayedMoment
}

// replayedMoment maps paths to answers.
type replayedMoment map[string]replayedAnswer

type replayedAnswer struct {
	Status  int
	Headers map[string]string
	Body    string
}

func readRecording(t *testing.T, name string) recording {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "web", name+".json"))
	require.NoError(t, err)
	var r recording
	require.NoError(t, json.Unmarshal(data, &r))
	return r
}

// with returns the moment with another answer at a path.
func (m replayedMoment) with(path string, status int, body string) replayedMoment {
	changed := replayedMoment{}
	maps.Copy(changed, m)
	changed[path] = replayedAnswer{Status: status, Headers: map[string]string{"content-type": "application/json"}, Body: body}
	return changed
}

// fakeServer plays a moment, and notes what it was asked. It runs in front of real sockets, and as
// a transport where time is not real.
type fakeServer struct {
	mu     sync.Mutex
	moment replayedMoment
	asked  []string
	// hangs names paths that are never answered.
	hangs map[string]bool
}

func (s *fakeServer) play(m replayedMoment, hangs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moment = m
	s.hangs = map[string]bool{}
	for _, path := range hangs {
		s.hangs[path] = true
	}
}

// takeAsked returns what was asked since it was last taken.
func (s *fakeServer) takeAsked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	a, found := s.moment[r.URL.Path]
	hangs := s.hangs[r.URL.Path]
	s.mu.Unlock()
	if hangs {
		<-r.Context().Done()
		return
	}
	if !found {
		a = replayedAnswer{Status: http.StatusNotFound, Headers: map[string]string{"content-type": "application/json"}, Body: `{"detail":"Not Found"}`}
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	w.Header().Set("content-length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

// replayNetwork is a transport without sockets, so that a bubble of synctest may hold it: servers
// by host and port.
type replayNetwork struct {
	mu      sync.Mutex
	servers map[string]http.Handler
}

func (n *replayNetwork) listen(host string, h http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.servers == nil {
		n.servers = map[string]http.Handler{}
	}
	n.servers[host] = h
}

func (n *replayNetwork) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	h := n.servers[r.URL.Host]
	n.mu.Unlock()
	if h == nil {
		return nil, errRefused
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	require.NoError(t, err)
	return u
}

// only is the snapshot's one server.
func only(t *testing.T, s *webui.Snapshot) webui.Server {
	t.Helper()
	require.Len(t, s.Servers, 1)
	return s.Servers[0]
}
