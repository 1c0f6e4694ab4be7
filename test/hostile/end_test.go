package hostile

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// textStore takes what is sent to it, and keeps the bytes: a text in them is found as it is.
type textStore struct {
	*httptest.Server
	mu   sync.Mutex
	text bytes.Buffer
}

func newStore(t *testing.T) *textStore {
	t.Helper()
	s := &textStore{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			if unpacked, err := gzip.NewReader(r.Body); err == nil {
				body = unpacked
			}
		}
		text, _ := io.ReadAll(body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.text.Write(text)
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *textStore) has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.text.String(), text)
}

// endWithin is how long an end may take in all, with a share that hangs and queues that are not
// empty.
const endWithin = 2 * time.Second

// TestTheEndBesideAStoppedShare: SIGTERM comes right after a job was seen to end. The collector
// ends within two seconds, and what it saw is with the store: sent, or kept in the queue on disk
// and sent by the next one.
func TestTheEndBesideAStoppedShare(t *testing.T) {
	s, checkouts := fiveInstances(t)
	for _, path := range checkouts {
		serverOf(t, 0, path)
	}
	store := newStore(t)
	env := []string{"STATE_DIRECTORY=" + filepath.Join(openFolder(t), "state"), "OTLP_ENDPOINT=" + store.URL}
	c := startWith(t, []string{"all-signals.yaml"}, env)
	c.eventually(t, 30*time.Second, "five jobs folders", open(5))
	s.stop()
	defer s.resume()
	time.Sleep(2 * time.Second)
	for n, id := range []string{"last-of-the-first", "last-of-the-second"} {
		job(t, checkouts[1], id)
		c.eventually(t, 10*time.Second, "the job is counted", func(p page) bool {
			total, _ := p.sum("facefusion_job_finished_total")
			return total == 1
		})
		took := c.terminate(t)
		t.Logf("ended within %v, sent: %t", took, store.has(id))
		require.Less(t, took, endWithin)
		c = startWith(t, []string{"all-signals.yaml"}, env)
		c.eventually(t, 30*time.Second, "four jobs folders", open(4))
		require.Eventually(t, func() bool { return store.has(id) }, 20*time.Second, 50*time.Millisecond, "%d: %s", n, c.log)
	}
	// One that has just started has asked the share something. A request that the server of the
	// share has taken is not withdrawn by the kernel, which keeps the process until it is answered.
	require.Less(t, c.terminate(t, s.resume), endWithin)
}
