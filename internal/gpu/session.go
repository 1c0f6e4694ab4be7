package gpu

import "sync/atomic"

// sharedSession is a session that is closed when the last of its users lets go: the sampler, and each worker, which may be in the middle of a call that never
// returns. Closing the library under a call would crash the process.
type sharedSession struct {
	Session
	users  atomic.Int32
	closed chan struct{}
}

// share starts with one user.
func share(s Session) *sharedSession {
	shared := &sharedSession{Session: s, closed: make(chan struct{})}
	shared.users.Store(1)
	return shared
}

func (s *sharedSession) acquire() { s.users.Add(1) }

// release may block in the driver.
func (s *sharedSession) release() {
	if s.users.Add(-1) > 0 {
		return
	}
	// A library that fails to shut down is no less over; the next Open tells whether it can be used again.
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
