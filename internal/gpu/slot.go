package gpu

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// errWedged means that the GPU's last call into the driver has not returned within the deadline.
var errWedged error = silence("the driver has not answered in time")

// slot is an entry of the driver's list of GPUs. Only Observe uses it; the reader belongs to the
// worker's goroutine.
type slot struct {
	index   int
	session *sharedSession
	// identified is set by the reader.
	identified *atomic.Pointer[Identity]
	worker     *worker[time.Time, passResult]
	// ended is closed when the worker's goroutine has ended.
	ended <-chan struct{}
	last  passResult
	// asked is when the pass began whose result is last; zero while there is none.
	asked time.Time
	// hasOutcome is false until the first result.
	hasOutcome bool
}

func (s *Sampler) newSlot(index int) *slot {
	session := s.connection.session
	session.acquire()
	r := &reader{shared: &s.shared, session: session, index: index, listing: s.shared.listings.Load()}
	l := newWorker[time.Time, passResult]()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer session.release()
		l.run(r.read)
	}()
	return &slot{index: index, session: session, identified: &r.identified, worker: l, ended: ended}
}

// enumerate creates a slot for each GPU. All are replaced, because indexes shift when a GPU is
// removed, except those with a call under way: a GPU must not get a second call before the first
// has returned.
func (s *Sampler) enumerate(count int, now time.Time) {
	if count <= 0 {
		s.dropSession(errNoGPU, now)
		return
	}
	s.dropIdleSlots()
	s.shared.listings.Add(1)
	busy := make(map[int]*slot)
	for _, slot := range s.slots {
		if slot.index < count {
			busy[slot.index] = slot
		} else {
			s.retire(slot)
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
			s.retire(slot)
		}
	}
	clear(s.slots[len(busy):])
	s.slots = busy
}

// readDevices starts a pass over every GPU without a call under way, and waits for these passes.
func (s *Sampler) readDevices(ctx context.Context, now time.Time) {
	for i := range s.slots {
		s.slots[i] = s.start(s.slots[i], now)
	}
	var broken error
	answering := false
	for _, slot := range s.slots {
		if o, ok := slot.worker.await(ctx, now); ok {
			slot.keep(o)
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

// keep stores the result of the worker's call.
func (s *slot) keep(o passResult) { s.last, s.hasOutcome, s.asked = o, true, s.worker.since }

// start begins a pass if the slot's worker is idle. A slot that was occupied by a call of an
// earlier session is replaced once that call has returned.
func (s *Sampler) start(slot *slot, now time.Time) *slot {
	stuck := slot.worker.stuck(now, s.deadline)
	if stuck {
		slot.last, slot.hasOutcome = failed(slot.identity(), errWedged), true
	}
	// The result of a call that was stuck is out of date.
	if o, ok := slot.worker.take(); ok && !stuck {
		slot.keep(o)
	}
	if slot.worker.busy || s.connection.session == nil {
		return slot
	}
	if slot.session != s.connection.session {
		s.retire(slot)
		slot = s.newSlot(slot.index)
	}
	slot.worker.dispatch(now, now)
	return slot
}

// identity returns the GPU's identity, also from a pass that has not ended.
func (s *slot) identity() Identity {
	if id := s.identified.Load(); id != nil && s.last.device.UUID == "" {
		return *id
	}
	return s.last.device.Identity
}

// retire ends a slot's worker as soon as the call under way returns.
func (s *Sampler) retire(slot *slot) {
	slot.worker.close()
	s.retired = slices.DeleteFunc(s.retired, func(old *retiredWorker) bool { return old.hasEnded() })
	s.retired = append(s.retired, &retiredWorker{ended: slot.ended, busy: slot.worker.busy, since: slot.worker.since})
}

// retiredWorker is a worker that gets no more requests. A call may be under way.
type retiredWorker struct {
	ended <-chan struct{}
	busy  bool
	since time.Time
}

func (w *retiredWorker) hasEnded() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

// stuck reports whether its call has lasted longer than the deadline.
func (w *retiredWorker) stuck(now time.Time, deadline time.Duration) bool {
	return w.busy && !w.hasEnded() && now.Sub(w.since) >= deadline
}
