package board

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCellHoldsTheLatest(t *testing.T) {
	var b Board
	require.Nil(t, b.GPUs.Latest())
	first, second := &gpu.Snapshot{}, &gpu.Snapshot{}
	b.GPUs.Publish(first)
	require.Same(t, first, b.GPUs.Latest())
	b.GPUs.Publish(second)
	require.Same(t, second, b.GPUs.Latest())
	require.Nil(t, b.Processes.Latest())
}

func TestSubscribersSeeWhatWasPublished(t *testing.T) {
	var c Cell[gpu.Snapshot]
	var seen []*gpu.Snapshot
	c.Subscribe(func() { seen = append(seen, c.Latest()) })
	first, second := &gpu.Snapshot{}, &gpu.Snapshot{}
	c.Publish(first)
	c.Publish(second)
	require.Len(t, seen, 2)
	require.Same(t, first, seen[0])
	require.Same(t, second, seen[1])
}
