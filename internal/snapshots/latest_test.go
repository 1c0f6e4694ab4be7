package snapshots

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLoadReturnsTheLatest(t *testing.T) {
	var s Store
	require.Nil(t, s.Processes.Load())
	first, second := &process.Snapshot{}, &process.Snapshot{}
	s.Processes.Publish(first)
	require.Same(t, first, s.Processes.Load())
	s.Processes.Publish(second)
	require.Same(t, second, s.Processes.Load())
	require.Nil(t, s.GPUUse.Load())
}

func TestSubscribersSeeWhatWasPublished(t *testing.T) {
	var l Latest[process.Snapshot]
	var seen []*process.Snapshot
	l.Subscribe(func() { seen = append(seen, l.Load()) })
	first, second := &process.Snapshot{}, &process.Snapshot{}
	l.Publish(first)
	l.Publish(second)
	require.Len(t, seen, 2)
	require.Same(t, first, seen[0])
	require.Same(t, second, seen[1])
}
