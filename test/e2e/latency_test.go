//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// budget is the greatest latency, at p99, from an event to its arrival at an OTLP receiver on this
// host.
const budget = 100 * time.Millisecond

// stopwatch is an OTLP receiver that notes when each event came, by its body.
type stopwatch struct {
	server *httptest.Server

	mu   sync.Mutex
	came map[string]time.Time
}

func newStopwatch(t *testing.T) *stopwatch {
	t.Helper()
	w := &stopwatch{came: map[string]time.Time{}}
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	return w
}

// ServeHTTP takes what an OTLP exporter sends without compression: on the wire a request is the
// data.
func (w *stopwatch) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	now := time.Now()
	answer.Header().Set("Content-Type", "application/x-protobuf")
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(body)
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, rl := range logs.ResourceLogs().All() {
		for _, record := range rl.ScopeLogs().At(0).LogRecords().All() {
			w.came[record.Body().Str()] = now
		}
	}
}

// since waits for an event whose body begins with a text, and returns how long after a moment it
// came.
func (w *stopwatch) since(t *testing.T, from time.Time, body string) time.Duration {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < 10*time.Second; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		for text, at := range w.came {
			if strings.HasPrefix(text, body) && !at.Before(from) {
				w.mu.Unlock()
				return at.Sub(from)
			}
		}
		w.mu.Unlock()
	}
	require.FailNow(t, "it was not reported: "+body)
	return 0
}

// timed starts the agent with a default OTLP exporter that receives the events.
func timed(t *testing.T, overrides string) (*collector, *stopwatch) {
	t.Helper()
	w := newStopwatch(t)
	c := start(t, overrides+fmt.Sprintf(`
exporters: {otlp_http: {endpoint: %q, compression: none}}
service: {pipelines: {logs: {receivers: [facefusion], exporters: [otlp_http]}}}
`, w.server.URL))
	return c, w
}

// samples is how many are measured, of those during which the machine did not keep this test
// waiting itself.
const samples = 100

// loadEnv is how many processes compute all the time while `make latency` measures; then every
// sample counts, and what is measured is not what is promised.
const loadEnv = "FACEFUSION_LATENCY_LOAD"

// load is how many processes compute.
func load(t *testing.T) int {
	t.Helper()
	text := os.Getenv(loadEnv)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, loadEnv)
	return n
}

// measurement is a series of latencies.
type measurement struct {
	computing int
	took      []time.Duration
	disturbed int
	late      atomic.Int64 // by how much the machine was late at most since it was set to zero
}

// measure begins a series. Meanwhile it records the machine's own wake-up latency, which would
// dominate the measurement on a busy machine.
func measure(t *testing.T) *measurement {
	m := &measurement{computing: load(t)}
	for range m.computing {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done")
		require.NoError(t, cmd.Start())
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // it may have been killed with the context
			_ = cmd.Wait()         // killed
		})
	}
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended) })
	go func() {
		for {
			begin := time.Now()
			select {
			case <-ended:
				return
			case <-time.After(time.Millisecond):
			}
			m.late.Store(max(m.late.Load(), int64(time.Since(begin)-time.Millisecond)))
		}
	}()
	return m
}

// full reports whether there are enough samples, or the machine is too busy for more.
func (m *measurement) full() bool { return len(m.took) >= samples || m.disturbed >= 4*samples }

// add measures one event, from before it occurs until it arrives.
func (m *measurement) add(happen func(), came func(from time.Time) time.Duration) {
	m.late.Store(0)
	from := time.Now()
	happen()
	took := came(from)
	if m.computing == 0 && m.late.Load() > int64(budget/10) {
		m.disturbed++
		return
	}
	m.took = append(m.took, took)
}

// report prints what was measured, and fails beyond the budget.
func (m *measurement) report(t *testing.T, what string) {
	t.Helper()
	require.GreaterOrEqual(t, len(m.took), samples, "the machine is too busy to measure anything: %d samples were disturbed", m.disturbed)
	slices.Sort(m.took)
	p50, p99 := m.took[len(m.took)/2], m.took[(len(m.took)*99+99)/100-1] // the nearest rank
	t.Logf("%s: p50 %v, p99 %v, longest %v of %d; %d more were disturbed", what, tenths(p50), tenths(p99), tenths(m.took[len(m.took)-1]), len(m.took), m.disturbed)
	if m.computing == 0 {
		assert.Less(t, p99, budget, what)
	}
}

func tenths(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// TestJobsAreReportedAtOnce measures each change of a job's file.
func TestJobsAreReportedAtOnce(t *testing.T) {
	c, w := timed(t, "")
	h := simulate(t, 1)
	_, err := h.StartServer(0, nil)
	require.NoError(t, err)
	folder := h.Jobs(0)
	c.eventually(t, 5*time.Second, "the folder is seen", func(p page) bool { return p.is(0, "facefusion_job_count", "facefusion_job_state", "waiting") })
	m := measure(t)
	for i := 0; !m.full(); i++ {
		id := fmt.Sprintf("job-%d", i)
		for _, change := range []struct {
			state string
			make  func() error
		}{
			{"drafted", func() error { return folder.Create(id, jobs.StepArgs{Target: "clip.mp4"}) }},
			{"waiting", func() error { return folder.Submit(id) }},
			{"running", func() error { return folder.Start(id, 0) }},
			{"completed", func() error { return folder.Complete(id) }},
		} {
			m.add(func() { require.NoError(t, change.make()) },
				func(from time.Time) time.Duration { return w.since(t, from, "FaceFusion job "+id+": "+change.state) })
		}
	}
	m.report(t, "change of a job file")
}

// TestExitsAreReportedAtOnce measures the exits of killed processes.
func TestExitsAreReportedAtOnce(t *testing.T) {
	c, w := timed(t, "")
	h := simulate(t, 1)
	_, err := h.StartServer(0, nil)
	require.NoError(t, err)
	c.eventually(t, 5*time.Second, "the instance is known", func(p page) bool { return p.is(1, "facefusion_process_up") })
	m := measure(t)
	for !m.full() {
		var runners []*host.Proc // several at a time, as it takes up to a second until one is seen
		for range 10 {
			runner, err := h.StartRunner(0, "job-run-all")
			require.NoError(t, err)
			runners = append(runners, runner)
		}
		for _, runner := range runners {
			w.since(t, time.Time{}, fmt.Sprintf("FaceFusion runner started, pid %d", runner.PID()))
		}
		for _, runner := range runners {
			m.add(func() { require.NoError(t, runner.Kill(syscall.SIGKILL)) },
				func(from time.Time) time.Duration {
					return w.since(t, from, fmt.Sprintf("FaceFusion runner exited, pid %d: killed, signal 9", runner.PID()))
				})
		}
	}
	m.report(t, "exit of a process")
}

// TestXIDsAreReportedAtOnce measures XIDs, from the driver's event on.
func TestXIDsAreReportedAtOnce(t *testing.T) {
	c, w := timed(t, fakeDriver(t, ""))
	c.eventually(t, 20*time.Second, "none yet", func(p page) bool { return p.is(0, "hw_errors_total", "hw_id", secondGPU, "error_type", "xid_79") })
	m := measure(t)
	for i := 0; !m.full(); i++ {
		time.Sleep(60 * time.Millisecond) // in a storm they are reported every 50 ms
		m.add(func() { require.NoError(t, control(fmt.Sprintf("xids %d:1:%d", i+1, 1000+i))) },
			func(from time.Time) time.Duration {
				return w.since(t, from, fmt.Sprintf("GPU 1 reports XID %d", 1000+i))
			})
	}
	m.report(t, "XID")
}
