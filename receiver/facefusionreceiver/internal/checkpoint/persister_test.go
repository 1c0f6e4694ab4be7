package checkpoint_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/checkpoint"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/outbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// storageExtension is a storage extension whose values outlive its clients.
type storageExtension struct {
	component.StartFunc
	component.ShutdownFunc
	mu      sync.Mutex
	values  map[string][]byte
	failure error
	asked   string
	open    int
}

type fakeClient struct{ *storageExtension }

func (s *storageExtension) GetClient(_ context.Context, kind component.Kind, id component.ID, name string) (storage.Client, error) {
	s.open++
	s.asked = fmt.Sprintf("%v %v %v", kind, id, name)
	return fakeClient{s}, nil
}

func (c fakeClient) Get(context.Context, string) ([]byte, error) { panic("not used") }
func (c fakeClient) Set(context.Context, string, []byte) error   { panic("not used") }
func (c fakeClient) Delete(context.Context, string) error        { panic("not used") }

func (c fakeClient) Close(context.Context) error {
	c.open--
	return nil
}

func (c fakeClient) Batch(ctx context.Context, operations ...*storage.Operation) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure != nil {
		return c.failure
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, o := range operations {
		switch o.Type {
		case storage.Get:
			o.Value = c.values[o.Key]
		case storage.Set:
			c.values[o.Key] = o.Value
		case storage.Delete:
			delete(c.values, o.Key)
		}
	}
	return nil
}

type componentHost map[component.ID]component.Component

func (h componentHost) GetExtensions() map[component.ID]component.Component { return h }

var (
	fileStorage = component.MustNewID("file_storage")
	receiver    = component.MustNewIDWithName("facefusion", "a")
)

func openStore(t *testing.T, s *storageExtension) *checkpoint.Persister {
	t.Helper()
	m, err := checkpoint.Open(t.Context(), componentHost{fileStorage: s}, fileStorage, receiver, "jobs")
	require.NoError(t, err)
	return m
}

func newStore() *storageExtension { return &storageExtension{values: make(map[string][]byte)} }

func logs(body string) *outbox.Entry {
	l := plog.NewLogs()
	l.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr(body)
	return &outbox.Entry{Logs: &l}
}

func traces(name string) *outbox.Entry {
	s := ptrace.NewTraces()
	s.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetName(name)
	return &outbox.Entry{Traces: &s}
}

// names are what the entries hold.
func names(entries []*outbox.Entry) []string {
	all := make([]string, 0, len(entries))
	for _, p := range entries {
		if p.Logs != nil {
			all = append(all, p.Logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Str())
		} else {
			all = append(all, p.Traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Name())
		}
	}
	return all
}

func TestRecords(t *testing.T) {
	s := newStore()
	m := openStore(t, s)
	assert.Equal(t, "Receiver facefusion/a jobs", s.asked, "each receiver has its own")
	require.NoError(t, m.Save(t.Context(), []checkpoint.Item{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")}}, nil))
	require.NoError(t, m.Save(t.Context(), []checkpoint.Item{{Key: "a"}, {Key: "b", Value: []byte("3")}}, nil))
	values, err := m.Load(t.Context(), []string{"b", "a", "c"})
	require.NoError(t, err)
	assert.Equal(t, [][]byte{[]byte("3"), nil, nil}, values)
	require.NoError(t, m.Close(t.Context()))
	require.NoError(t, m.Close(t.Context()))
	assert.Zero(t, s.open)
}

// TestWhatHasNotArrivedIsSentAgain: whatever was saved and not acknowledged when the collector
// died, in its order.
func TestWhatHasNotArrivedIsSentAgain(t *testing.T) {
	s := newStore()
	m := openStore(t, s)
	entries := []*outbox.Entry{logs("first"), traces("second"), logs("third")}
	require.NoError(t, m.Save(t.Context(), nil, entries))
	m.Ack(entries[0])
	fourth := []*outbox.Entry{traces("fourth")}
	require.NoError(t, m.Save(t.Context(), nil, fourth))
	// The first is gone for good with this Save, and its slot is free for the next.
	require.NoError(t, m.Save(t.Context(), nil, []*outbox.Entry{logs("fifth")}))

	m = openStore(t, s)
	unacked, err := m.Unacked(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"second", "third", "fourth", "fifth"}, names(unacked))
	for _, p := range unacked {
		m.Ack(p)
	}
	require.NoError(t, m.Save(t.Context(), nil, []*outbox.Entry{logs("sixth")}))

	m = openStore(t, s)
	unacked, err = m.Unacked(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"sixth"}, names(unacked))
}

func TestAllOrNothing(t *testing.T) {
	s := newStore()
	m := openStore(t, s)
	first := logs("first")
	require.NoError(t, m.Save(t.Context(), nil, []*outbox.Entry{first}))
	before := maps.Clone(s.values)
	m.Ack(first)
	s.failure = errors.New("no space left")
	second := logs("second")
	err := m.Save(t.Context(), []checkpoint.Item{{Key: "a", Value: []byte("1")}}, []*outbox.Entry{second})
	require.ErrorIs(t, err, s.failure)
	assert.Equal(t, before, s.values)
	assert.False(t, second.Saved())
	m.Ack(second) // it was sent all the same
	s.failure = nil
	require.NoError(t, m.Save(t.Context(), nil, nil))
	assert.Empty(t, s.values, "what was acknowledged before the failure is forgotten after it")
}

func TestACancelledObservationIsSaved(t *testing.T) {
	s := newStore()
	m := openStore(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, m.Save(ctx, []checkpoint.Item{{Key: "a", Value: []byte("1")}}, nil), "the loop that observes ends, what it saw does not")
	assert.Contains(t, s.values, "a")
}

func TestEntriesWithoutRoomAreNotSaved(t *testing.T) {
	s := newStore()
	m := openStore(t, s)
	var entries []*outbox.Entry
	for i := range 1030 {
		entries = append(entries, logs(fmt.Sprint(i)))
	}
	require.NoError(t, m.Save(t.Context(), nil, entries))
	require.Len(t, s.values, 1024)
	assert.True(t, entries[1023].Saved())
	assert.False(t, entries[1024].Saved())
	for _, p := range entries {
		m.Ack(p)
	}
	require.NoError(t, m.Save(t.Context(), nil, nil))
	assert.Empty(t, s.values)
	again := make([]*outbox.Entry, 0, 1024)
	for i := range 1024 {
		again = append(again, logs(fmt.Sprint(i)))
	}
	require.NoError(t, m.Save(t.Context(), nil, again))
	assert.True(t, again[1023].Saved(), "a slot whose entry was acknowledged is free")
}

func TestMalformedEntriesAreDeleted(t *testing.T) {
	s := newStore()
	for slot, value := range []string{"", "l", "x12345678", "l12345678\xff\xff", "t12345678\xff\xff"} {
		s.values["outbox/"+fmt.Sprint(slot)] = []byte(value)
	}
	m := openStore(t, s)
	unacked, err := m.Unacked(t.Context())
	require.NoError(t, err)
	assert.Empty(t, unacked)
	require.NoError(t, m.Save(t.Context(), nil, nil))
	delete(s.values, "outbox/0")
	assert.Empty(t, s.values)
}

func TestErrorsNameTheExtensionAndTheRemedy(t *testing.T) {
	_, err := checkpoint.Open(t.Context(), componentHost{}, fileStorage, receiver, "jobs")
	require.ErrorContains(t, err, `storage is "file_storage", and there is no such extension: add it`)
	_, err = checkpoint.Open(t.Context(), componentHost{fileStorage: nothing{}}, fileStorage, receiver, "jobs")
	require.ErrorContains(t, err, `storage is "file_storage", which stores nothing`)
	s := newStore()
	m := openStore(t, s)
	s.failure = errors.New("input/output error")
	_, err = m.Unacked(t.Context())
	require.ErrorContains(t, err, "load saved state: the storage is not available: input/output error")
	require.True(t, strings.HasPrefix(m.Save(t.Context(), []checkpoint.Item{{Key: "a", Value: []byte("1")}}, nil).Error(), "save state"))
}

type nothing struct {
	component.StartFunc
	component.ShutdownFunc
}

// broken is a storage extension whose disk is full.
type broken struct{ nothing }

func (broken) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	return nil, errors.New("no space left on device")
}

// TestMemoryIsOptional: a storage that does not work is logged, and a probe goes on without. A
// storage that is not configured is an error.
func TestMemoryIsOptional(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	m, err := checkpoint.Open(t.Context(), componentHost{fileStorage: broken{}}, fileStorage, receiver, "jobs")
	require.ErrorIs(t, err, checkpoint.ErrUnavailable)
	require.NoError(t, m.Without(t.Context(), zap.New(core), err))
	require.Equal(t, 1, logs.Len())

	s := newStore()
	m = openStore(t, s)
	s.failure = errors.New("input/output error")
	_, err = m.Unacked(t.Context())
	require.NoError(t, m.Without(t.Context(), zap.New(core), err))
	require.Zero(t, s.open)

	m, err = checkpoint.Open(t.Context(), componentHost{}, fileStorage, receiver, "jobs")
	require.Error(t, m.Without(t.Context(), zap.New(core), err))
}
