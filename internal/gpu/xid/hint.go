package xid

import "time"

// hintSpacing is the minimum time between two hints, so that many XIDs do not cause many passes.
const hintSpacing = 50 * time.Millisecond

// hint asks for a pass when an XID came, so that an XID 79 is reported at once and not at the next
// tick. It is guarded by the tracker's lock.
type hint struct {
	// ask is nil where nobody is to be asked.
	ask func()
	// pending says that a pass was asked for and has not taken the events yet, next is when the
	// next one may be asked for.
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
