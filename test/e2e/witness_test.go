//go:build e2e

package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// witness receives events and traces over OTLP and keeps those of each job. Duplicates count once,
// as in a store that deduplicates by id.
type witness struct {
	server *httptest.Server

	// away makes it refuse everything, as an unavailable store does.
	away atomic.Bool

	mu sync.Mutex
	// received are the transitions by log.record.uid; again counts those that came more than once.
	received map[string]jobTransition
	again    int
	// runs are the outcomes by trace.
	runs map[string]string
	// reached are the reported states of each job.
	reached map[string]map[string]bool
}

// jobTransition is the content of one event.
type jobTransition struct{ job, to string }

func newWitness(t *testing.T) *witness {
	t.Helper()
	w := &witness{received: map[string]jobTransition{}, runs: map[string]string{}, reached: map[string]map[string]bool{}}
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	return w
}

// ServeHTTP takes what an OTLP exporter sends without compression. A request to export is, on the
// wire, the data.
func (w *witness) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	if w.away.Load() {
		http.Error(answer, "away", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(request.Body)
	if err == nil {
		err = w.take(request.URL.Path, body)
	}
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	answer.Header().Set("Content-Type", "application/x-protobuf")
}

func (w *witness) take(path string, body []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if path == "/v1/traces" {
		traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(body)
		if err == nil {
			w.takeTraces(traces)
		}
		return err
	}
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(body)
	if err == nil {
		w.takeLogs(logs)
	}
	return err
}

func (w *witness) takeTraces(traces ptrace.Traces) {
	for _, rs := range traces.ResourceSpans().All() {
		root := rs.ScopeSpans().At(0).Spans().At(0)
		outcome, _ := root.Attributes().Get("facefusion.outcome")
		w.runs[root.TraceID().String()] = outcome.Str()
	}
}

func (w *witness) takeLogs(logs plog.Logs) {
	for _, rl := range logs.ResourceLogs().All() {
		for _, record := range rl.ScopeLogs().At(0).LogRecords().All() {
			uid, there := record.Attributes().Get("log.record.uid")
			to, changed := record.Attributes().Get("facefusion.job.transition.to")
			if !there || !changed {
				continue
			}
			job, _ := record.Attributes().Get("facefusion.job.id")
			if _, before := w.received[uid.Str()]; before {
				w.again++
			}
			w.received[uid.Str()] = jobTransition{job.Str(), to.Str()}
			if w.reached[job.Str()] == nil {
				w.reached[job.Str()] = map[string]bool{}
			}
			w.reached[job.Str()][to.Str()] = true
		}
	}
}

// has reports whether the event of a job's transition to the state arrived.
func (w *witness) has(job, state string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reached[job][state]
}

// outcomes counts the traces by outcome, transitions the events by their state.
func (w *witness) outcomes() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	counts := map[string]int{}
	for _, outcome := range w.runs {
		counts[outcome]++
	}
	return counts
}

func (w *witness) transitions() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	counts := map[string]int{}
	for _, t := range w.received {
		counts[t.to]++
	}
	return counts
}
