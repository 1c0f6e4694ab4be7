package histogram

import (
	"math"
	"slices"

	"github.com/lightstep/go-expohisto/structure"
)

// exponentialSize is the greatest number of buckets of an exponential histogram: OpenTelemetry's
// default. Its relative error is 4 % for values that range from a second to a day.
const exponentialSize = 160

// Exponential counts observations in buckets whose bounds grow by a constant factor. The factor
// adapts to the range of the observations. It must be used by one goroutine only.
type Exponential struct {
	counts structure.Float64
	// rounding is the difference between the restored sum and the sum of the replayed observations.
	rounding float64
}

// ExponentialSnapshot is an immutable copy, in the terms of OTLP.
type ExponentialSnapshot struct {
	// The growth factor is 2^(2^-Scale).
	Scale int32
	// Zeros counts the observations that are zero. Negative observations do not occur.
	Zeros, Count  uint64
	Sum, Min, Max float64
	// Offset is the index of the first of Counts.
	Offset int32
	Counts []uint64
}

// NewExponential returns an empty histogram.
func NewExponential() *Exponential {
	e := &Exponential{}
	e.counts.Init(structure.NewConfig(structure.WithMaxSize(exponentialSize)))
	return e
}

// Observe counts one observation, which must not be negative.
func (e *Exponential) Observe(v float64) { e.counts.Update(max(0, v)) }

// Snapshot copies the counts.
func (e *Exponential) Snapshot() ExponentialSnapshot {
	buckets := e.counts.Positive()
	s := ExponentialSnapshot{
		Scale: e.counts.Scale(), Zeros: e.counts.ZeroCount(), Count: e.counts.Count(), Sum: e.counts.Sum() + e.rounding,
		Min: e.counts.Min(), Max: e.counts.Max(), Offset: buckets.Offset(), Counts: make([]uint64, buckets.Len()),
	}
	for i := range s.Counts {
		s.Counts[i] = buckets.At(uint32(i))
	}
	return s
}

// Restore loads a saved snapshot into an empty histogram. Each observation is counted again at the
// middle of its bucket; minimum, maximum and sum are exact.
func (e *Exponential) Restore(s ExponentialSnapshot) {
	if s.Zeros > 0 {
		e.counts.UpdateByIncr(0, s.Zeros)
	}
	counts := append([]uint64(nil), s.Counts...)
	// The minimum and the maximum determine the scale.
	if i := lastCounted(counts); i >= 0 {
		e.counts.Update(s.Max)
		counts[i]--
	}
	if i := firstCounted(counts); i >= 0 && s.Zeros == 0 {
		e.counts.Update(s.Min)
		counts[i]--
	}
	for i, n := range counts {
		if n > 0 {
			e.counts.UpdateByIncr(math.Exp2((float64(s.Offset)+float64(i)+0.5)*math.Exp2(-float64(s.Scale))), n)
		}
	}
	e.rounding = s.Sum - e.counts.Sum()
}

func firstCounted(counts []uint64) int {
	return slices.IndexFunc(counts, func(n uint64) bool { return n > 0 })
}

func lastCounted(counts []uint64) int {
	for i, count := range slices.Backward(counts) {
		if count > 0 {
			return i
		}
	}
	return -1
}
