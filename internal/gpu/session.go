package gpu

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// sharedSession is a reference-counted session. The sampler and each worker hold a reference, and
// the last release closes the library: closing it during a call, which may never return, would
// crash the process.
type sharedSession struct {
	Session
	users  atomic.Int32
	closed chan struct{}
	// over is closed when the sampler releases the session.
	over chan struct{}

	eventsMu sync.Mutex
	// events is the current event set, nil while there is none, and eventsErr the reason. retired
	// are those whose Wait failed: a GPU may be registered in them at this moment, so they are
	// closed with the session.
	events    Events
	eventsErr error
	retired   []Events
	// watched are the GPUs that are registered in events.
	watched map[string]bool
}

// retiredLimit bounds the event sets of one session.
const retiredLimit = 16

var errTooManySets = errors.New("too many event sets have failed in this session")

// newEvents creates a new event set. GPUs have to be registered in it again.
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

// watch registers a GPU for XIDs. Only the GPU's worker calls it. After a success it does nothing,
// because the driver would report each XID twice. It is false while there is no event set.
func (s *sharedSession) watch(h Handle, uuid string, tracker *xid.Counter) bool {
	s.eventsMu.Lock()
	events, watched := s.events, s.watched
	done := watched[uuid]
	s.eventsMu.Unlock()
	if events == nil || done {
		return events != nil
	}
	// It fails early after boot, and always if the GPU has no events; the next rare pass retries.
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

// newSharedSession wraps a session with one reference.
func newSharedSession(s Session) *sharedSession {
	shared := &sharedSession{Session: s, closed: make(chan struct{}), over: make(chan struct{})}
	shared.users.Store(1)
	return shared
}

func (s *sharedSession) acquire() { s.users.Add(1) }

// release drops one reference, and may block in the driver.
func (s *sharedSession) release() {
	if s.users.Add(-1) > 0 {
		return
	}
	for _, events := range append(s.retired, s.events) {
		if events != nil {
			_ = events.Close()
		}
	}
	// A library that fails to shut down counts as closed; the next Open shows whether it can be
	// used again.
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
