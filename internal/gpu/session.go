package gpu

import (
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

	// events is nil where the driver has none.
	events    Events
	watchedMu sync.Mutex
	watched   map[string]bool
}

// watch registers a GPU for XIDs. It is called by the GPU's worker, as every call on the GPU, and
// does nothing after it has succeeded: the driver would report each XID twice.
func (s *sharedSession) watch(h Handle, uuid string, tracker *xid.Tracker) {
	if s.events == nil {
		return
	}
	s.watchedMu.Lock()
	done := s.watched[uuid]
	s.watchedMu.Unlock()
	if done {
		return
	}
	// It fails early in the boot, and for ever where the GPU has no events; the next rare pass
	// tries again.
	tracker.Register(uuid, time.Now())
	if err := s.events.Register(h, uuid); err != nil {
		tracker.Withdraw(uuid)
		return
	}
	s.watchedMu.Lock()
	s.watched[uuid] = true
	s.watchedMu.Unlock()
}

// newSharedSession starts with one user.
func newSharedSession(s Session) *sharedSession {
	shared := &sharedSession{Session: s, closed: make(chan struct{}), over: make(chan struct{}), watched: make(map[string]bool)}
	shared.users.Store(1)
	return shared
}

func (s *sharedSession) acquire() { s.users.Add(1) }

// release may block in the driver.
func (s *sharedSession) release() {
	if s.users.Add(-1) > 0 {
		return
	}
	if s.events != nil {
		_ = s.events.Close()
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
