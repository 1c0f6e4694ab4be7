package gpu

import (
	"cmp"
	"slices"
	"time"
)

// sampleBuffer follows the driver's sample buffer of one task. It belongs to the GPU's worker.
type sampleBuffer struct {
	// last is the timestamp of the newest entry seen; 0 before the first read.
	last uint64
	// lastImplausible is the timestamp of the newest implausible entry. Such entries do not advance
	// last, so the driver returns them again.
	lastImplausible uint64
	emptyReads      int
}

// emptyReadLimit is how many reads in a row may return nothing new before the position is
// discarded. After the host's clock was set back, no entry is newer than last until the clock has
// caught up.
const emptyReadLimit = 3

// maxGap keeps the difference of two timestamps within a Duration; longestSample cuts it anyway.
const maxGap = uint64(longestSample / time.Microsecond)

// follow sums up the new entries and reports whether all of them are plausible. The first read only
// sets the position: earlier entries belong to no window.
func (b *sampleBuffer) follow(entries []Sample) (s sum, plausible bool) {
	plausible = true
	slices.SortFunc(entries, func(x, y Sample) int { return cmp.Compare(x.Timestamp, y.Timestamp) })
	first := b.last == 0
	for _, e := range entries {
		f, ok := fraction(e.Value)
		if e.Timestamp == 0 && e.Value == 0 || e.Timestamp != 0 && e.Timestamp <= b.last {
			// Never filled, or seen before.
			continue
		}
		if !ok || e.Timestamp == 0 {
			plausible = plausible && e.Timestamp != 0 && e.Timestamp <= b.lastImplausible
			b.lastImplausible = max(b.lastImplausible, e.Timestamp)
			continue
		}
		if !first {
			s.add(f, time.Duration(min(e.Timestamp-b.last, maxGap))*time.Microsecond)
		}
		b.last = e.Timestamp
	}
	b.emptyReads++
	if s.samples > 0 || first {
		b.emptyReads = 0
	}
	if b.emptyReads >= emptyReadLimit {
		*b = sampleBuffer{lastImplausible: b.lastImplausible}
	}
	return s, plausible
}
