package xid

import (
	"errors"
	"time"
)

// DriverReport is one XID as the driver's event set reports it.
type DriverReport struct {
	UUID string
	Code uint64
}

// Source is an event set of the driver.
type Source interface {
	// Wait returns the next report; ErrNone means that there was none in time.
	Wait(timeout time.Duration) (DriverReport, error)
}

// What a Source fails with. After any other error it is waited for again.
var (
	ErrNone  = errors.New("no xid in time")
	ErrEnded = errors.New("the event set has ended")
)

const (
	// Wait is how long one wait in the driver takes at most: ending a Watch takes as long.
	Wait = 250 * time.Millisecond
	// failurePause is the pause after a wait that failed, as it does while a registered GPU is
	// lost.
	failurePause = time.Second
)

// Watch counts what a source reports until the session is over or the source has ended.
func (t *Tracker) Watch(source Source, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		default:
		}
		report, err := source.Wait(Wait)
		switch {
		case err == nil:
			t.addDriverReport(report, time.Now())
		case errors.Is(err, ErrNone):
		case errors.Is(err, ErrEnded):
			return
		default:
			select {
			case <-over:
				return
			case <-time.After(failurePause):
			}
		}
	}
}
