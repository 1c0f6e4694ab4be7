package gpu

import "time"

// A driver that is not there is asked again soon at first, for it may just be loading, and rarely later.
const (
	firstDelay   = time.Second
	longestDelay = 30 * time.Second
)

// backoff spaces out attempts at something that keeps failing.
type backoff struct {
	delay time.Duration
	next  time.Time
}

func (b *backoff) ready(now time.Time) bool { return !now.Before(b.next) }

func (b *backoff) failed(now time.Time) {
	b.delay = min(max(2*b.delay, firstDelay), longestDelay)
	b.next = now.Add(b.delay)
}

func (b *backoff) reset() { *b = backoff{} }
