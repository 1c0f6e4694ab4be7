package jobprobe

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// holdingSink keeps what it is given until the test says what became of it.
type holdingSink struct {
	*probetest.Sink
	without bool // there is no pipeline
	given   chan given
}

type given struct {
	what   string // the uid of an event, or the id of a span
	onDone func(probe.Result)
}

func (s *holdingSink) WantsLogs() bool   { return !s.without }
func (s *holdingSink) WantsTraces() bool { return !s.without }

func (s *holdingSink) SendLogs(logs plog.Logs, onDone func(probe.Result)) {
	uid, _ := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().Get("log.record.uid")
	s.given <- given{"event " + uid.Str(), onDone}
}

func (s *holdingSink) SendTraces(traces ptrace.Traces, onDone func(probe.Result)) {
	s.given <- given{"span " + traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SpanID().String(), onDone}
}

// undelivered is a jobs folder, and what is kept of it over restarts of the collector.
type undelivered struct {
	t     *testing.T
	jobs  string
	store *fakeStorage
}

// start starts a collector, which has looked at the folder when this returns.
func (u *undelivered) start(without bool) (*Probe, *holdingSink) {
	u.t.Helper()
	id := component.MustNewID("fake_storage")
	env, sink := probetest.Env()
	holding := &holdingSink{Sink: sink, without: without, given: make(chan given, 64)}
	env.Sink, env.Storage = holding, &id
	p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), env)
	env.Snapshots.Processes.Publish(&process.Snapshot{Time: time.Now(), Instances: []process.Instance{{ID: "facefusion-3f2a", JobsHostPath: u.jobs}}})
	require.NoError(u.t, p.Start(u.t.Context(), fakeHost{id: u.store}))
	require.Eventually(u.t, func() bool { s := p.latest.Load(); return s != nil && len(s.Queues) > 0 && !s.Queues[0].Scanning }, 20*time.Second, time.Millisecond)
	return p, holding
}

// complete has a job be in the folder, completed.
func (u *undelivered) complete(name string) {
	text := `{"version": "1", "date_created": "2026-11-22T16:13:21+00:00", "date_updated": "2026-11-22T16:13:25+00:00", "steps": [{"status": "completed", "args": {}}]}`
	require.NoError(u.t, os.WriteFile(filepath.Join(u.jobs, "completed", name+".json"), []byte(text), 0o600))
}

// TestWhatIsUndeliveredAtARestart: the collector is started anew while the events and the traces of
// a run are on their way. What was not delivered is sent again, with the ids that it had, before
// anything else, and once; and no slot of the outbox stays taken.
func TestWhatIsUndeliveredAtARestart(t *testing.T) {
	for name, test := range map[string]struct {
		results []probe.Result // of the event and of the trace; none where the collector is killed
		without bool           // the next collector has no pipelines
		again   bool
	}{
		"delivered":                         {results: []probe.Result{probe.Delivered}},
		"dropped: the queue was full":       {results: []probe.Result{probe.Dropped}},
		"abandoned by a shutdown":           {results: []probe.Result{probe.Abandoned}, again: true},
		"killed before an answer":           {again: true},
		"killed, and then without pipeline": {without: true},
	} {
		t.Run(name, func(t *testing.T) {
			u := &undelivered{t: t, jobs: filepath.Join(t.TempDir(), ".jobs"), store: &fakeStorage{values: map[string][]byte{}}}
			for _, name := range []string{"drafted", "queued", "completed", "failed"} {
				require.NoError(t, os.MkdirAll(filepath.Join(u.jobs, name), 0o755))
			}
			p, sink := u.start(false)
			u.complete("a")
			event, trace := receive(t, sink), receive(t, sink)
			require.Contains(t, event.what, "event")
			require.Contains(t, trace.what, "span")
			require.True(t, u.store.has("outbox/0"))
			require.True(t, u.store.has("outbox/1"))
			for _, result := range test.results {
				event.onDone(result)
				trace.onDone(result)
			}
			require.NoError(t, p.Shutdown(context.Background()))

			p, sink = u.start(test.without)
			if test.again {
				for _, want := range []string{event.what, trace.what} {
					got := receive(t, sink)
					assert.Equal(t, want, got.what)
					got.onDone(probe.Delivered)
				}
			}
			if !test.without {
				u.complete("b")
				for range 2 {
					got := receive(t, sink)
					assert.NotContains(t, []string{event.what, trace.what}, got.what, "sent again")
					got.onDone(probe.Delivered)
				}
			}
			require.NoError(t, p.Shutdown(context.Background()))
			for slot := range 4 {
				assert.False(t, u.store.has("outbox/"+string(rune('0'+slot))), slot)
			}
		})
	}
}

func receive(t *testing.T, sink *holdingSink) given {
	t.Helper()
	select {
	case g := <-sink.given:
		return g
	case <-time.After(20 * time.Second):
		require.FailNow(t, "nothing was sent")
		return given{}
	}
}
