package backoff

import "time"

// The default pace: what is missing is asked for again soon at first, for it may just be starting,
// and rarely later.
var defaultPace = Pace{First: time.Second, Longest: 30 * time.Second}

// Pace is how far apart attempts are: First after the first failure, then twice as long after each
// further one, up to Longest.
type Pace struct{ First, Longest time.Duration }

// Backoff is the state of one thing that is tried again. The zero Backoff is ready. It belongs to
// one goroutine.
type Backoff struct {
	delay time.Duration
	next  time.Time
}

// Ready says whether the next attempt is due.
func (b *Backoff) Ready(now time.Time) bool { return !now.Before(b.next) }

// Failed notes an attempt that failed, and returns how long to wait for the next: 1 s at first, 30
// s at most.
func (b *Backoff) Failed(now time.Time) time.Duration { return b.FailedAt(now, defaultPace) }

// FailedAt is Failed at another pace.
func (b *Backoff) FailedAt(now time.Time, pace Pace) time.Duration {
	b.delay = min(max(2*b.delay, pace.First), pace.Longest)
	b.next = now.Add(b.delay)
	return b.delay
}

// Reset notes an attempt that succeeded.
func (b *Backoff) Reset() { *b = Backoff{} }
