package jobprobe

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/outbox"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// fakeStorage is a storage extension in memory, and its only client.
type fakeStorage struct {
	component.StartFunc
	component.ShutdownFunc
	storage.Client // nil: only what follows is called

	mu     sync.Mutex
	values map[string][]byte
}

func (s *fakeStorage) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	return s, nil
}

func (s *fakeStorage) Close(context.Context) error { return nil }

func (s *fakeStorage) Batch(_ context.Context, operations ...*storage.Operation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range operations {
		switch o.Type {
		case storage.Get:
			o.Value = s.values[o.Key]
		case storage.Set:
			s.values[o.Key] = o.Value
		case storage.Delete:
			delete(s.values, o.Key)
		}
	}
	return nil
}

func (s *fakeStorage) has(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[key] != nil
}

type fakeHost map[component.ID]component.Component

func (h fakeHost) GetExtensions() map[component.ID]component.Component { return h }

// lateSink delivers when the test says so.
type lateSink struct {
	*probetest.Sink
	delivered chan func(probe.Result)
}

func (s *lateSink) SendLogs(_ plog.Logs, onDone func(probe.Result)) { s.delivered <- onDone }

func TestADeliveredBatchIsForgottenWithoutAPass(t *testing.T) {
	id := component.MustNewID("fake_storage")
	store := &fakeStorage{values: map[string][]byte{}}
	env, sink := probetest.Env()
	late := &lateSink{Sink: sink, delivered: make(chan func(probe.Result), 8)}
	env.Sink, env.Storage = late, &id
	jobs := filepath.Join(t.TempDir(), ".jobs")
	for _, name := range []string{"drafted", "queued", "completed", "failed"} {
		require.NoError(t, os.MkdirAll(filepath.Join(jobs, name), 0o755))
	}
	cfg := NewDefaultConfig()
	cfg.Interval = time.Hour
	p := New(cfg, NewDefaultHistogramsConfig(), env)
	env.Snapshots.Processes.Publish(&process.Snapshot{Time: time.Now(), Instances: []process.Instance{{ID: "facefusion-3f2a", JobsHostPath: jobs}}})
	require.NoError(t, p.Start(t.Context(), fakeHost{id: store}))
	defer func() { require.NoError(t, p.Shutdown(context.Background())) }()
	require.Eventually(t, func() bool { s := p.latest.Load(); return s != nil && s.Queues[0].Hinted }, 10*time.Second, time.Millisecond)

	text := `{"version": "1", "date_created": "2026-11-22T16:13:21+00:00", "date_updated": null, "steps": []}`
	require.NoError(t, os.WriteFile(filepath.Join(jobs, "drafted", "a.json"), []byte(text), 0o600))
	ack := <-late.delivered
	require.True(t, store.has("outbox/0"))
	var before uint64
	require.Eventually(t, func() bool { // until the passes that the file caused are over
		n := p.Health().Observations
		still := n == before
		before = n
		return still
	}, 10*time.Second, 100*time.Millisecond)
	ack(probe.Delivered)
	require.Eventually(t, func() bool { return !store.has("outbox/0") }, 10*time.Second, time.Millisecond)
	require.Equal(t, before, p.Health().Observations)

	// One that was abandoned at a shutdown is sent again after the next start.
	require.NoError(t, os.WriteFile(filepath.Join(jobs, "drafted", "b.json"), []byte(text), 0o600))
	abandon := <-late.delivered
	require.True(t, store.has("outbox/0"))
	abandon(probe.Abandoned)
	require.Never(t, func() bool { return !store.has("outbox/0") }, 200*time.Millisecond, 20*time.Millisecond)
}

// TestADeliveryEndsAfterTheProbe: where a later probe fails to start, the queue is still delivering
// when the probe is shut down.
func TestADeliveryEndsAfterTheProbe(t *testing.T) {
	id := component.MustNewID("fake_storage")
	env, sink := probetest.Env()
	late := &lateSink{Sink: sink, delivered: make(chan func(probe.Result), 1)}
	env.Sink, env.Storage = late, &id
	p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), env)
	require.NoError(t, p.Start(t.Context(), fakeHost{id: &fakeStorage{values: map[string][]byte{}}}))
	logs := plog.NewLogs()
	logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	entries := []*outbox.Entry{{Logs: &logs}}
	require.NoError(t, p.save(t.Context(), entries))
	p.send(entries)
	require.NoError(t, p.Shutdown(t.Context()))
	require.NoError(t, p.Shutdown(t.Context()))
	(<-late.delivered)(probe.Delivered)
	require.False(t, entries[0].Saved())
}
