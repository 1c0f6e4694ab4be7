// Package backoff spaces out attempts at something that keeps failing.
package backoff

import "time"

// What is missing is asked for again soon at first, for it may just be starting, and rarely later.
const (
	firstDelay   = time.Second
	longestDelay = 30 * time.Second
)

// Backoff is the state of one thing that is tried again. The zero Backoff is ready. It belongs to
// one goroutine.
type Backoff struct {
	delay time.Duration
	next  time.Time
}

// Ready says whether the next attempt is due.
func (b *Backoff) Ready(now time.Time) bool { return !now.Before(b.next) }

// Failed notes an attempt that failed, and returns how long to wait for the next.
func (b *Backoff) Failed(now time.Time) time.Duration {
	b.delay = min(max(2*b.delay, firstDelay), longestDelay)
	b.next = now.Add(b.delay)
	return b.delay
}

// Reset notes an attempt that succeeded.
func (b *Backoff) Reset() { *b = Backoff{} }
