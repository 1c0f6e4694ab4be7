package gpu

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// errWedged: the GPU's last call into the driver has not returned.
var errWedged = errors.New("the driver has not answered in time")

// slot is a place in the driver's list of GPUs. It belongs to Observe; the reader belongs to the
// worker's goroutine.
type slot struct {
	index   int
	session *sharedSession
	// identified is set by the reader.
	identified *atomic.Pointer[Identity]
	worker     *worker[time.Time, outcome]
	last       outcome
	// hasOutcome is false until the first outcome.
	hasOutcome bool
}

func (s *Sampler) newSlot(index int) *slot {
	session := s.connection.session
	session.acquire()
	r := &reader{shared: &s.shared, session: session, index: index}
	l := newWorker[time.Time, outcome]()
	s.running.Go(func() {
		defer session.release()
		l.run(r.read)
	})
	return &slot{index: index, session: session, identified: &r.identified, worker: l}
}

// enumerate makes a slot for each GPU. All are made anew, because indexes shift when a GPU goes
// away; only one that is in a call stays, since a second call must not be made to a GPU that has
// not answered the first.
func (s *Sampler) enumerate(count int, now time.Time) {
	if count <= 0 {
		s.dropSession(errNoGPU, now)
		return
	}
	s.dropIdleSlots()
	busy := make(map[int]*slot)
	for _, slot := range s.slots {
		if slot.index < count {
			busy[slot.index] = slot
		} else {
			slot.worker.close()
		}
	}
	s.slots = s.slots[:0]
	for i := range count {
		if slot := busy[i]; slot != nil {
			s.slots = append(s.slots, slot)
		} else {
			s.slots = append(s.slots, s.newSlot(i))
		}
	}
}

func (s *Sampler) dropIdleSlots() {
	busy := s.slots[:0]
	for _, slot := range s.slots {
		if slot.worker.busy {
			busy = append(busy, slot)
		} else {
			slot.worker.close()
		}
	}
	clear(s.slots[len(busy):])
	s.slots = busy
}

// readDevices starts a pass of every GPU that is not in a call, and waits for those.
func (s *Sampler) readDevices(ctx context.Context, now time.Time) {
	for i := range s.slots {
		s.slots[i] = s.start(s.slots[i], now)
	}
	var broken error
	answering := false
	for _, slot := range s.slots {
		if o, ok := slot.worker.await(ctx, now); ok {
			slot.last, slot.hasOutcome = o, true
		}
		if slot.session != s.connection.session || !slot.hasOutcome {
			continue
		}
		answering = true
		if endsSession(slot.last.err) {
			broken = slot.last.err
		}
	}
	switch {
	case broken != nil:
		s.dropSession(broken, now)
	case answering:
		s.connection.retry.Reset()
	}
}

// start begins a pass if the slot is free. A slot that was held by a call of an earlier session is
// replaced once that call has returned.
func (s *Sampler) start(slot *slot, now time.Time) *slot {
	stuck := slot.worker.stuck(now, s.deadline)
	if stuck {
		slot.last, slot.hasOutcome = failed(slot.identity(), errWedged), true
	}
	// What a stuck call says in the end is about another time.
	if o, ok := slot.worker.take(); ok && !stuck {
		slot.last, slot.hasOutcome = o, true
	}
	if slot.worker.busy || s.connection.session == nil {
		return slot
	}
	if slot.session != s.connection.session {
		slot.worker.close()
		slot = s.newSlot(slot.index)
	}
	slot.worker.dispatch(now, now)
	return slot
}

// identity is who the GPU said it is, also in a pass that has not ended.
func (s *slot) identity() Identity {
	if id := s.identified.Load(); id != nil && s.last.device.UUID == "" {
		return *id
	}
	return s.last.device.Identity
}
