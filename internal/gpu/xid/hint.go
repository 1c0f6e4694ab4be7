package xid

import "time"

// hintSpacing is the minimum time between two hints, so that many XIDs do not cause many passes.
const hintSpacing = 50 * time.Millisecond

// hint requests a pass when an XID came, so that XID 79 is reported at once and not at the next
// tick. The Counter's lock guards it.
type hint struct {
	// ask is called to request a pass; may be nil.
	ask func()
	// pending means that a pass was requested and has not taken the events yet. next is when the
	// next request is allowed.
	pending bool
	next    time.Time
}

func (h *hint) request(now time.Time) {
	if h.ask == nil || h.pending {
		return
	}
	h.pending = true
	wait := h.next.Sub(now)
	if wait <= 0 {
		h.next = now.Add(hintSpacing)
		h.ask()
		return
	}
	h.next = h.next.Add(hintSpacing)
	time.AfterFunc(wait, h.ask)
}
