package gpu

import (
	"cmp"
	"slices"
	"time"
)

// buffer follows the driver's sample buffer of one task. It belongs to the GPU's worker.
type buffer struct {
	// last is the timestamp of the newest entry seen; 0 before the first read.
	last   uint64
	silent int
}

// silentReads is how often a buffer may have nothing new before its timestamps are no longer trusted: after the host's clock was set back, the driver has
// nothing newer than what was seen until the clock has caught up.
const silentReads = 3

// maxGap keeps the difference of two timestamps within a Duration; longestSample cuts it anyway.
const maxGap = uint64(longestSample / time.Microsecond)

// follow sums up the new entries. The first read only finds the place: what the buffer held before belongs to nobody's window.
func (b *buffer) follow(entries []Sample) sum {
	var s sum
	slices.SortFunc(entries, func(x, y Sample) int { return cmp.Compare(x.Timestamp, y.Timestamp) })
	first := b.last == 0
	for _, e := range entries {
		f, ok := fraction(e.Value)
		if !ok || e.Timestamp <= b.last {
			continue
		}
		if !first {
			s.add(f, time.Duration(min(e.Timestamp-b.last, maxGap))*time.Microsecond)
		}
		b.last = e.Timestamp
	}
	b.silent++
	if s.samples > 0 || first {
		b.silent = 0
	}
	if b.silent >= silentReads {
		*b = buffer{}
	}
	return s
}
