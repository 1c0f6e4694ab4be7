package processprobe

import "time"

// The processes are listed when a run begins, and not at the next interval only: one that dies of
// its job at once would never be seen, and its run would be said to be that of whoever lives on.

// listAgainAfter bounds how often: whoever may write into a jobs folder can begin as many runs as
// he likes.
const listAgainAfter = 250 * time.Millisecond

// throttle lets something happen at most so often.
type throttle struct {
	least time.Duration
	last  time.Time
}

func (t *throttle) lets(now time.Time) bool {
	if now.Sub(t.last) < t.least {
		return false
	}
	t.last = now
	return true
}
