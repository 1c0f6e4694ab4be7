package histogram_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/histogram"
)

func observe(bounds []float64, values ...float64) histogram.Snapshot {
	h := histogram.New(bounds)
	for _, v := range values {
		h.Observe(v)
	}
	return h.Snapshot()
}

func TestMergeIsAsIfOneHadSeenAll(t *testing.T) {
	bounds := []float64{1, 5, 60}
	a := observe(bounds, 0.5, 1, 70)
	assert.Equal(t, observe(bounds, 0.5, 1, 70, 3, 60), a.Merge(observe(bounds, 3, 60)))
	assert.Equal(t, observe(bounds, 0.5, 1, 70), a, "the parts stay as they are")
}

func TestCoarserIsAsIfItHadFewerBounds(t *testing.T) {
	values := []float64{0.5, 1, 2, 5, 6, 60, 61}
	all := observe([]float64{1, 5, 60}, values...)
	assert.Equal(t, observe([]float64{1, 60}, values...), all.Coarser([]float64{1, 60}))
	assert.Equal(t, observe([]float64{5}, values...), all.Coarser([]float64{5, 7}), "what is no bound cannot become one")
	assert.Equal(t, observe(nil, values...).Counts, all.Coarser(nil).Counts)
	assert.Equal(t, all, all.Coarser([]float64{1, 5, 60}))
}

// A merged histogram equals one that counted all observations, for ranges that are close together
// and far apart.
func TestMergedExponentialsAreAsIfOneHadSeenAll(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		one, other, both := histogram.NewExponential(), histogram.NewExponential(), histogram.NewExponential()
		for part, spread := range map[*histogram.Exponential]float64{one: 1, other: float64(int(1) << dice.IntN(24))} {
			for range dice.IntN(40) {
				v := dice.Float64() * spread
				if dice.IntN(10) == 0 {
					v = 0
				}
				part.Observe(v)
				both.Observe(v)
			}
		}
		got, want := one.Snapshot().Merge(other.Snapshot()), both.Snapshot()
		require.InDelta(t, want.Sum, got.Sum, 1e-6)
		require.LessOrEqual(t, len(got.Counts), 160)
		require.Equal(t, want.Count, got.Count)
		require.Equal(t, want.Zeros, got.Zeros)
		require.InDelta(t, want.Min, got.Min, 0)
		require.InDelta(t, want.Max, got.Max, 0)
		if len(want.Counts) == 0 {
			require.Empty(t, got.Counts)
			continue
		}
		// A part may be coarser than the whole: then the whole is made as coarse.
		empty := histogram.ExponentialSnapshot{Scale: got.Scale}
		want = want.Merge(empty)
		require.Equal(t, want.Scale, got.Scale)
		require.Equal(t, trim(want), trim(got))
	}
}

// trim leaves out the empty buckets at both ends.
func trim(s histogram.ExponentialSnapshot) map[int32]uint64 {
	counts := map[int32]uint64{}
	for i, n := range s.Counts {
		if n > 0 {
			counts[s.Offset+int32(i)] = n
		}
	}
	return counts
}
