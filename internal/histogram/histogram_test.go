package histogram_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/histogram"
)

func TestBounds(t *testing.T) {
	for _, tt := range []struct {
		name string
		v    float64
		want []uint64
	}{
		{"below the first", 0.25, []uint64{1, 0, 0}},
		{"on a bound", 1, []uint64{1, 0, 0}},
		{"above it", 1.25, []uint64{0, 1, 0}},
		{"on the last", 2, []uint64{0, 1, 0}},
		{"beyond all", 3, []uint64{0, 0, 1}},
		{"negative", -1, []uint64{1, 0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := histogram.New([]float64{1, 2})
			h.Observe(tt.v)
			assert.Equal(t, histogram.Snapshot{Bounds: []float64{1, 2}, Counts: tt.want, Count: 1, Sum: tt.v}, h.Snapshot())
		})
	}
}

func TestEmpty(t *testing.T) {
	assert.Equal(t, histogram.Snapshot{Bounds: []float64{1}, Counts: []uint64{0, 0}}, histogram.New([]float64{1}).Snapshot())
}

func TestSnapshotIsACopy(t *testing.T) {
	h := histogram.New([]float64{1})
	h.Observe(0.5)
	before := h.Snapshot()
	h.Observe(0.5)
	h.Observe(2)
	assert.Equal(t, histogram.Snapshot{Bounds: []float64{1}, Counts: []uint64{1, 0}, Count: 1, Sum: 0.5}, before)
	assert.Equal(t, histogram.Snapshot{Bounds: []float64{1}, Counts: []uint64{2, 1}, Count: 3, Sum: 3}, h.Snapshot())
}
