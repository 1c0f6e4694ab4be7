package histogram

import "sort"

// Histogram counts observations. It must be used by one goroutine only; Snapshot returns a copy for
// others.
type Histogram struct {
	bounds []float64
	counts []uint64
	count  uint64
	sum    float64
}

// Snapshot is an immutable copy of a histogram.
type Snapshot struct {
	// Bounds are the upper bounds of all buckets but the last, ascending.
	Bounds []float64
	// Counts has one entry more than Bounds. The counts are not cumulative.
	Counts []uint64
	Count  uint64
	Sum    float64
}

// New returns a histogram with ascending upper bounds. It keeps the slice and does not change it.
func New(bounds []float64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

// Observe counts one observation in the first bucket whose upper bound is at least that value.
func (h *Histogram) Observe(v float64) {
	h.counts[sort.SearchFloat64s(h.bounds, v)]++
	h.count++
	h.sum += v
}

// Snapshot copies the counts.
func (h *Histogram) Snapshot() Snapshot {
	return Snapshot{Bounds: h.bounds, Counts: append([]uint64(nil), h.counts...), Count: h.count, Sum: h.sum}
}

// Restore loads a saved snapshot. One with another number of buckets is ignored.
func (h *Histogram) Restore(counts []uint64, sum float64) {
	if len(counts) != len(h.counts) {
		return
	}
	copy(h.counts, counts)
	h.count, h.sum = 0, sum
	for _, n := range counts {
		h.count += n
	}
}
