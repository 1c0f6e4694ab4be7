package gpu

import (
	"context"
	"time"
)

// worker makes calls into the driver, one after another in a goroutine of its own, because a call
// can block for ever and cannot be cancelled. The fields below the channels belong to the goroutine
// that calls dispatch.
type worker[Q, R any] struct {
	requests chan Q
	results  chan R

	busy  bool
	since time.Time
}

// newWorker creates a worker. The caller starts run in a goroutine.
func newWorker[Q, R any]() *worker[Q, R] {
	// One slot, for the only result there can be, so that a late call never waits for a reader.
	return &worker[Q, R]{requests: make(chan Q, 1), results: make(chan R, 1)}
}

// run handles requests until the worker is closed.
func (l *worker[Q, R]) run(work func(Q) R) {
	for q := range l.requests {
		l.results <- work(q)
	}
}

// dispatch starts a call. The worker must not be busy.
func (l *worker[Q, R]) dispatch(q Q, now time.Time) {
	l.busy, l.since = true, now
	l.requests <- q
}

// take returns the result of the call under way if it has returned.
func (l *worker[Q, R]) take() (r R, ok bool) {
	select {
	case r = <-l.results:
		l.busy = false
		return r, true
	default:
		return r, false
	}
}

// await is take, but waits until ctx is done for a call that was dispatched now. A call of an
// earlier pass is not waited for.
func (l *worker[Q, R]) await(ctx context.Context, now time.Time) (r R, ok bool) {
	if !l.busy || !l.since.Equal(now) {
		return r, false
	}
	select {
	case r = <-l.results:
		l.busy = false
		return r, true
	case <-ctx.Done():
		// Select picks at random, so the result may be ready as well.
		return l.take()
	}
}

// stuck reports whether the call under way has lasted longer than the deadline.
func (l *worker[Q, R]) stuck(now time.Time, deadline time.Duration) bool {
	return l.busy && now.Sub(l.since) >= deadline
}

// close ends the worker as soon as the call under way returns.
func (l *worker[Q, R]) close() { close(l.requests) }
