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
	// Wait returns the next report; ErrNone means that there was none, and that waiting works. It
	// returns as soon as over is closed.
	Wait(over <-chan struct{}) (DriverReport, error)
}

// What a Source fails with. After any other error it is waited for again.
var (
	ErrNone        = errors.New("no xid in time")
	ErrEnded       = errors.New("the event set has ended")
	ErrUnavailable = errors.New("the driver has no event sets")
)

// WatchState says whether the driver's event set is watched.
type WatchState string

// The states of the watch. WatchUnavailable: the driver has no event sets, or its library is not
// open. WatchFailing: there is one, or should be, and it cannot be waited for; it is tried again.
const (
	WatchWatching    WatchState = "watching"
	WatchUnavailable WatchState = "unavailable"
	WatchFailing     WatchState = "failing"
)

// WatchStatus is how the watch of the driver's event sets goes.
type WatchStatus struct {
	State WatchState
	// Err is why it is failing or unavailable; nil before the first session.
	Err error
}

const (
	// failurePause is the pause after a wait that failed, as it does while a registered GPU is
	// lost.
	failurePause = time.Second
	// failingAfter is how many waits in a row must have failed before the watch is called failing,
	// renewAfter how many before a new event set is made.
	failingAfter = 3
	renewAfter   = 30
)

// renewPace is how often a new event set is tried: the driver keeps the old ones until the session
// ends.
var renewPace = backoff.Pace{First: time.Second, Longest: 10 * time.Minute}

// Watch counts what the event sets of a session report, until the session is over or the driver
// says that it has ended. open makes an event set, and calls NewSet before GPUs can be registered
// in it. It is called again when it failed, and when a set could not be waited for.
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

// wait counts what one event set reports. It returns nil when the session is over.
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

// pause waits, and says whether the session goes on.
func pause(d time.Duration, over <-chan struct{}) bool {
	select {
	case <-over:
		return false
	case <-time.After(d):
		return true
	}
}

// currentSet is the number of the present event set.
func (t *Counter) currentSet() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.set
}

// NewSet begins an event set: GPUs have to be registered anew.
func (t *Counter) NewSet() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set++
	t.watch = WatchStatus{State: WatchWatching}
}

// setWatch notes how the watch goes, unless there is another event set meanwhile.
func (t *Counter) setWatch(set int, status WatchStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if set == t.set {
		t.watch = status
	}
}

// Watched is how the watch of the driver's event sets goes.
func (t *Counter) Watched() WatchStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.watch
}
