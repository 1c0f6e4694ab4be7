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
