package histogram_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/histogram"
)

func TestExponential(t *testing.T) {
	e := histogram.NewExponential()
	for _, v := range []float64{0, 1, 1, 60, 3600} {
		e.Observe(v)
	}
	before := e.Snapshot()
	e.Observe(7200)
	assert.Equal(t, uint64(5), before.Count, "a snapshot is a copy")
	assert.Equal(t, uint64(1), before.Zeros)
	assert.InDelta(t, 3662, before.Sum, 1e-9)
	assert.InDelta(t, 0, before.Min, 0)
	assert.InDelta(t, 3600, before.Max, 0)
	require.LessOrEqual(t, len(before.Counts), 160)

	var counted uint64
	base := math.Pow(2, math.Pow(2, -float64(before.Scale)))
	for i, n := range before.Counts {
		counted += n
		upper := math.Pow(base, float64(before.Offset)+float64(i)+1)
		if n > 0 {
			near := false
			for _, v := range []float64{1, 60, 3600} {
				near = near || v <= upper*1.0001 && v >= upper/base*0.9999
			}
			assert.True(t, near, "bucket up to %v", upper)
		}
	}
	assert.Equal(t, uint64(4), counted)
}

func TestExponentialRestore(t *testing.T) {
	for _, values := range [][]float64{{}, {0}, {2.5}, {2, 2}, {1, 7200}, {0, 0, 1, 1, 60, 3600, 3601}, {0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}} {
		before := histogram.NewExponential()
		for _, v := range values {
			before.Observe(v)
		}
		want := before.Snapshot()
		restored := histogram.NewExponential()
		restored.Restore(want)
		got := restored.Snapshot()
		assert.Equal(t, want.Count, got.Count, "%v", values)
		assert.Equal(t, want.Zeros, got.Zeros, "%v", values)
		assert.InDelta(t, want.Sum, got.Sum, 1e-9, "%v", values)
		if want.Count > 0 {
			assert.InDelta(t, want.Min, got.Min, 0, "%v", values)
			assert.InDelta(t, want.Max, got.Max, 0, "%v", values)
		}
		if want.Zeros == 0 {
			assert.Equal(t, want, got, "%v", values)
		}
	}
}
