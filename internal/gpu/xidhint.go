package gpu

import "time"

// xidHintSpacing is how far hints are apart at least: a storm of XIDs must not become one of looks.
const xidHintSpacing = 50 * time.Millisecond

// xidHint asks for a look when an XID came: what a GPU falls off the bus with is told at once, and not at the next tick. It is guarded by the lock of the XIDs.
type xidHint struct {
	// ask is nil where nobody is to be asked.
	ask func()
	// given says that a look was asked for that has not been taken, next is when the next may be asked for.
	given bool
	next  time.Time
}

func (h *xidHint) give(now time.Time) {
	if h.ask == nil || h.given {
		return
	}
	h.given = true
	wait := h.next.Sub(now)
	if wait <= 0 {
		h.next = now.Add(xidHintSpacing)
		h.ask()
		return
	}
	h.next = h.next.Add(xidHintSpacing)
	time.AfterFunc(wait, h.ask)
}
