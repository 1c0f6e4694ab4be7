package gpu

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// sharedSession is a session that is closed when the last of its users lets go: the sampler, and
// each worker, which may be in the middle of a call that never returns. Closing the library under a
// call would crash the process.
type sharedSession struct {
	Session
	users  atomic.Int32
	closed chan struct{}
	// over is closed when the sampler lets go.
	over chan struct{}

	eventsMu sync.Mutex
	// events is the present event set, nil while there is none, and eventsErr why. retired are
	// those that could not be waited for: a GPU may be registered in them at this moment, so that
	// they are closed with the session.
	events    Events
	eventsErr error
	retired   []Events
	// watched are the GPUs that are registered in events.
	watched map[string]bool
}

// retiredLimit bounds the event sets of one session.
const retiredLimit = 16

var errTooManySets = errors.New("too many event sets have failed in this session")

// newEvents makes a new event set, in which GPUs have to be registered anew.
func (s *sharedSession) newEvents(tracker *xid.Counter) error {
	s.eventsMu.Lock()
	full := len(s.retired) >= retiredLimit
	s.eventsMu.Unlock()
	if full {
		return errTooManySets
	}
	events, err := s.Events()
	s.eventsMu.Lock()
	defer s.eventsMu.Unlock()
	if s.eventsErr = err; err != nil {
		return err
	}
	if s.events != nil {
		s.retired = append(s.retired, s.events)
	}
	tracker.NewSet()
	s.events, s.watched = events, make(map[string]bool)
	return nil
}

// watch registers a GPU for XIDs. It is called by the GPU's worker, as every call on the GPU, and
// does nothing after it has succeeded: the driver would report each XID twice. It is false while
// there is no event set.
func (s *sharedSession) watch(h Handle, uuid string, tracker *xid.Counter) bool {
	s.eventsMu.Lock()
	events, watched := s.events, s.watched
	done := watched[uuid]
	s.eventsMu.Unlock()
	if events == nil || done {
		return events != nil
	}
	// It fails early in the boot, and for ever where the GPU has no events; the next rare pass
	// tries again.
	tracker.Register(uuid, time.Now())
	if err := events.Register(h, uuid); err != nil {
		tracker.Withdraw(uuid)
		return true
	}
	s.eventsMu.Lock()
	watched[uuid] = true
	s.eventsMu.Unlock()
	return true
}

// newSharedSession starts with one user.
func newSharedSession(s Session) *sharedSession {
	shared := &sharedSession{Session: s, closed: make(chan struct{}), over: make(chan struct{})}
	shared.users.Store(1)
	return shared
}

func (s *sharedSession) acquire() { s.users.Add(1) }

// release may block in the driver.
func (s *sharedSession) release() {
	if s.users.Add(-1) > 0 {
		return
	}
	for _, events := range append(s.retired, s.events) {
		if events != nil {
			_ = events.Close()
		}
	}
	// A library that fails to shut down is closed for us all the same; the next Open shows whether
	// it can be used again.
	_ = s.Close()
	close(s.closed)
}

func (s *sharedSession) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}
