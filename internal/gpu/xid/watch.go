package xid

import (
	"errors"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/backoff"
)

// DriverReport is one XID as the driver's event set reports it.
type DriverReport struct {
	UUID string
	Code uint64
}

// Source is an event set of the driver.
type Source interface {
	// Wait returns the next report. ErrNone means that none came, and that Wait may be called
	// again. It returns as soon as over is closed.
	Wait(over <-chan struct{}) (DriverReport, error)
}

// The errors of a Source. After any other error, Wait is called again.
var (
	ErrNone        = errors.New("no xid in time")
	ErrEnded       = errors.New("the event set has ended")
	ErrUnavailable = errors.New("the driver has no event sets")
)

// WatchState is whether the driver's event set is read.
type WatchState string

// The states of the watch. WatchUnavailable: the driver has no event sets, or its library is not
// open. WatchFailing: creating an event set or waiting for it fails, and is retried.
const (
	WatchWatching    WatchState = "watching"
	WatchUnavailable WatchState = "unavailable"
	WatchFailing     WatchState = "failing"
)

// WatchStatus is the status of the watch of the driver's event sets.
type WatchStatus struct {
	State WatchState
	// Err is why it is failing or unavailable; nil before the first session.
	Err error
}

const (
	// failurePause is the pause after a failed Wait. Wait fails while a registered GPU is lost.
	failurePause = time.Second
	// failingAfter is how many waits in a row must fail before the state is WatchFailing,
	// renewAfter how many before a new event set is created.
	failingAfter = 3
	renewAfter   = 30
)

// renewPace is how often a new event set is created: the driver keeps the old ones until the
// session ends.
var renewPace = backoff.Pace{First: time.Second, Longest: 10 * time.Minute}

// Watch counts the reports of the event sets of a session, and returns when over is closed or the
// driver ends the session. open creates an event set, and calls NewSet before GPUs can be
// registered in it. It is called again after it failed, and after Wait kept failing.
func (t *Counter) Watch(open func() (Source, error), over <-chan struct{}) {
	set := t.currentSet()
	defer func() { t.setWatch(set, WatchStatus{State: WatchUnavailable}) }()
	var retry backoff.Backoff
	for {
		source, err := open()
		set = t.currentSet()
		if err == nil {
			err = t.wait(set, source, over)
		}
		switch {
		case err == nil, errors.Is(err, ErrEnded):
			return
		case errors.Is(err, ErrUnavailable):
			t.setWatch(set, WatchStatus{WatchUnavailable, err})
		default:
			t.setWatch(set, WatchStatus{WatchFailing, err})
		}
		if !pause(retry.FailedAt(time.Now(), renewPace), over) {
			return
		}
	}
}

// wait counts the reports of one event set. It returns nil when the session is over.
func (t *Counter) wait(set int, source Source, over <-chan struct{}) error {
	for failures := 0; ; {
		select {
		case <-over:
			return nil
		default:
		}
		report, err := source.Wait(over)
		if err == nil || errors.Is(err, ErrNone) {
			if failures >= failingAfter {
				t.setWatch(set, WatchStatus{State: WatchWatching})
			}
			failures = 0
			if err == nil {
				t.addDriverReport(report, time.Now())
			}
			continue
		}
		if errors.Is(err, ErrEnded) {
			return err
		}
		if failures++; failures == failingAfter {
			t.setWatch(set, WatchStatus{WatchFailing, err})
		}
		if failures == renewAfter {
			return err
		}
		if !pause(failurePause, over) {
			return nil
		}
	}
}

// pause waits, and reports whether the session is still open.
func pause(d time.Duration, over <-chan struct{}) bool {
	select {
	case <-over:
		return false
	case <-time.After(d):
		return true
	}
}

// currentSet returns the number of the current event set.
func (t *Counter) currentSet() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.set
}

// NewSet begins a new event set, in which GPUs have to be registered again.
func (t *Counter) NewSet() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set++
	t.watch = WatchStatus{State: WatchWatching}
}

// setWatch stores the status of an event set, unless another set has replaced it.
func (t *Counter) setWatch(set int, status WatchStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if set == t.set {
		t.watch = status
	}
}

// Watched returns the status of the watch. Any goroutine may call it.
func (t *Counter) Watched() WatchStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.watch
}
