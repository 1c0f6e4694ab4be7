package histogram

import (
	"math"
	"slices"

	"github.com/lightstep/go-expohisto/structure"
)

// exponentialSize is how many buckets an exponential histogram has at most: the default of
// OpenTelemetry, 4 % of error from a second to a day.
const exponentialSize = 160

// Exponential counts observations in buckets whose bounds grow by a constant factor, which adapts
// to what is observed. It belongs to one goroutine.
type Exponential struct {
	counts structure.Float64
	// rounding is what the sum lost in Restore.
	rounding float64
}

// ExponentialSnapshot is a copy that nobody changes, in the terms of OTLP.
type ExponentialSnapshot struct {
	// Scale gives the factor: 2^(2^-Scale).
	Scale int32
	// Zeros counts the observations of zero; below zero there are none.
	Zeros, Count  uint64
	Sum, Min, Max float64
	// Offset is the index of the first of Counts.
	Offset int32
	Counts []uint64
}

// NewExponential makes an empty one.
func NewExponential() *Exponential {
	e := &Exponential{}
	e.counts.Init(structure.NewConfig(structure.WithMaxSize(exponentialSize)))
	return e
}

// Observe counts one observation, which is not below zero.
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

// Restore sets what was counted before, in an empty histogram. Each observation counts again in the
// middle of its bucket; least, greatest and sum are exact.
func (e *Exponential) Restore(s ExponentialSnapshot) {
	if s.Zeros > 0 {
		e.counts.UpdateByIncr(0, s.Zeros)
	}
	counts := append([]uint64(nil), s.Counts...)
	// The scale follows from the extremes.
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
	for i := len(counts) - 1; i >= 0; i-- {
		if counts[i] > 0 {
			return i
		}
	}
	return -1
}
