package histogram

import "slices"

// Merge is the sum of two histograms that have the same bounds.
func (s Snapshot) Merge(o Snapshot) Snapshot {
	sum := Snapshot{Bounds: s.Bounds, Counts: slices.Clone(s.Counts), Count: s.Count + o.Count, Sum: s.Sum + o.Sum}
	for i, n := range o.Counts {
		sum.Counts[i] += n
	}
	return sum
}

// Coarser keeps only the bounds that are among the given ones: the buckets between two kept bounds
// are added up.
func (s Snapshot) Coarser(bounds []float64) Snapshot {
	c := Snapshot{Counts: []uint64{0}, Count: s.Count, Sum: s.Sum}
	for i, n := range s.Counts {
		c.Counts[len(c.Bounds)] += n
		if i < len(s.Bounds) && slices.Contains(bounds, s.Bounds[i]) {
			c.Bounds = append(c.Bounds, s.Bounds[i])
			c.Counts = append(c.Counts, 0)
		}
	}
	return c
}

// Merge is the sum of two histograms, at the scale of the coarser, or at one at which the sum does
// not have too many buckets.
func (s ExponentialSnapshot) Merge(o ExponentialSnapshot) ExponentialSnapshot {
	sum := ExponentialSnapshot{
		Scale: min(s.Scale, o.Scale), Zeros: s.Zeros + o.Zeros, Count: s.Count + o.Count, Sum: s.Sum + o.Sum,
		Min: min(s.Min, o.Min), Max: max(s.Max, o.Max),
	}
	switch {
	case s.Count == 0:
		sum.Min, sum.Max = o.Min, o.Max
	case o.Count == 0:
		sum.Min, sum.Max = s.Min, s.Max
	}
	first, last := sum.span(s, o)
	for last-first >= exponentialSize {
		sum.Scale--
		first, last = sum.span(s, o)
	}
	if first > last {
		return sum
	}
	sum.Offset, sum.Counts = first, make([]uint64, last-first+1)
	for _, part := range [...]ExponentialSnapshot{s, o} {
		for i, n := range part.Counts {
			sum.Counts[(part.Offset+int32(i))>>(part.Scale-sum.Scale)-first] += n
		}
	}
	return sum
}

// span is from the first to the last bucket of all parts at the scale of the sum; from one to zero
// if none has a bucket. A scale that is lower by one joins each two buckets.
func (s ExponentialSnapshot) span(parts ...ExponentialSnapshot) (first, last int32) {
	first, last = 1, 0
	for _, part := range parts {
		if len(part.Counts) == 0 {
			continue
		}
		begin, end := part.Offset>>(part.Scale-s.Scale), (part.Offset+int32(len(part.Counts))-1)>>(part.Scale-s.Scale)
		if first > last {
			first, last = begin, end
		}
		first, last = min(first, begin), max(last, end)
	}
	return first, last
}
