package poll

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Loop calls one function repeatedly, never twice at the same time. New creates it.
type Loop struct {
	interval time.Duration
	observe  func(context.Context) error
	trigger  chan struct{}
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	health   atomic.Pointer[LoopHealth]
}

// LoopHealth is the record of the observations since the start.
type LoopHealth struct {
	// Observations counts the observations that ended, Failures those that ended with an error.
	Observations, Failures uint64
	// Started is when the loop started. LastSuccess is when an observation last ended without an
	// error, or earlier if it did not reach every item (see Oldest); zero if never.
	Started, LastSuccess time.Time
	// Err is the error of the last observation; nil if it succeeded.
	Err error
	// FailuresBy are the Failures by the kind of their error. It is immutable.
	FailuresBy map[ErrorType]uint64
}

// Oldest sets LastSuccess back to seen, the time when the oldest item was last observed, if
// successful observations do not reach every item. A zero time means that they did.
func (h *LoopHealth) Oldest(seen time.Time) {
	if !seen.IsZero() && seen.Before(h.LastSuccess) {
		h.LastSuccess = seen
	}
}

// ErrDone is what observe returns to end the loop: nothing is left to observe.
var ErrDone = errors.New("nothing is left to observe")

// New returns a loop that calls observe every interval, from one goroutine. Stop cancels the
// context that observe gets.
func New(interval time.Duration, observe func(context.Context) error) *Loop {
	l := &Loop{interval: interval, observe: observe, trigger: make(chan struct{}, 1)}
	l.health.Store(&LoopHealth{})
	return l
}

// Start starts the first observation in the background. It must be called once only.
func (l *Loop) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.health.Store(&LoopHealth{Started: time.Now()})
	l.wg.Go(func() { l.run(ctx) })
}

// Stop ends the loop and waits for the observation in progress. It may be called before Start and
// more than once.
func (l *Loop) Stop() {
	if l.cancel != nil {
		l.cancel()
	}
	l.wg.Wait()
}

// Trigger requests an observation now instead of at the next tick. It never blocks and may be
// called from any goroutine; requests that arrive together cause one observation.
func (l *Loop) Trigger() {
	select {
	case l.trigger <- struct{}{}:
	default:
	}
}

// Health may be called from any goroutine.
func (l *Loop) Health() LoopHealth { return *l.health.Load() }

func (l *Loop) run(ctx context.Context) {
	timer := time.NewTimer(untilTick(time.Now(), l.interval))
	defer timer.Stop()
	for ctx.Err() == nil {
		if l.once(ctx) {
			return
		}
		select {
		case <-timer.C:
			timer.Reset(untilTick(time.Now(), l.interval))
		case <-l.trigger:
		case <-ctx.Done():
		}
	}
}

// untilTick returns the time to the next multiple of the interval on the wall clock. A multiple
// that is only a moment away belongs to the previous tick: the wall clock is slewed, timers are
// not.
func untilTick(now time.Time, interval time.Duration) time.Duration {
	left := now.Truncate(interval).Add(interval).Sub(now)
	if left < interval/16 {
		left += interval
	}
	return left
}

// once says whether it was the last observation.
func (l *Loop) once(ctx context.Context) (last bool) {
	err := l.observe(ctx)
	if ctx.Err() != nil {
		return true // an interrupted observation is not a result
	}
	if errors.Is(err, ErrDone) {
		last, err = true, nil
	}
	h := *l.health.Load()
	h.Observations++
	h.Err = err
	if err != nil {
		h.Failures++
		h.FailuresBy = maps.Clone(h.FailuresBy)
		if h.FailuresBy == nil {
			h.FailuresBy = make(map[ErrorType]uint64)
		}
		h.FailuresBy[KindOf(err)]++
	} else {
		h.LastSuccess = time.Now()
	}
	l.health.Store(&h)
	return last
}
