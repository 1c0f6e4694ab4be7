package gpu

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/backoff"
)

// checkInterval is how often the number of GPUs is read, to detect hotplug.
const checkInterval = 30 * time.Second

// connection is the state of the driver's library. Only Observe uses it.
type connection struct {
	worker      *worker[*sharedSession, answer]
	workerEnded <-chan struct{}
	library     Library
	session     *sharedSession
	// previous is the previous session. It should be closed before a new one is opened, because
	// only then does the library initialize the driver again.
	previous *sharedSession
	ended    time.Time
	retry    backoff.Backoff
	checkAt  time.Time
	// idleSince is when all GPUs were first seen without a process. releasedUntil is when a library
	// that was released for that reason is opened again.
	idleSince, releasedUntil time.Time
	// beyond is how many GPUs the driver reports in excess of gpuLimit.
	beyond int
}

// answer is the result of a call of the library's worker: a new session where the request had none,
// otherwise the number of GPUs.
type answer struct {
	session  *sharedSession
	opened   bool
	versions Versions
	count    int
	err      error
}

var (
	errNoAnswer = error(silence("the library has not answered in time"))
	errNoGPU    = errors.New("the driver has no gpu")
)

// connect opens the library when it is due, and reads the number of GPUs each checkInterval.
func (s *Sampler) connect(ctx context.Context, now time.Time) {
	c := &s.connection
	s.startLibraryWorker()
	if a, ok := c.worker.take(); ok {
		s.handleAnswer(a, now)
	}
	switch {
	case c.worker.busy:
	case c.session == nil:
		if c.retry.Ready(now) && s.previousIsOver(now) && !s.staysClosed(now) {
			c.worker.dispatch(nil, now)
		}
	case !now.Before(c.checkAt):
		c.checkAt = now.Add(checkInterval)
		c.session.acquire()
		c.worker.dispatch(c.session, now)
	}
	if c.session != nil {
		return
	}
	if a, ok := c.worker.await(ctx, now); ok {
		s.handleAnswer(a, now)
	}
	if c.worker.stuck(now, s.deadline) {
		c.library = Library{State: LibraryFailed, Err: fmt.Errorf("open driver library: %w", errNoAnswer)}
	}
}

func (s *Sampler) startLibraryWorker() {
	c := &s.connection
	if c.worker != nil {
		return
	}
	l := newWorker[*sharedSession, answer]()
	ended := make(chan struct{})
	c.worker, c.workerEnded = l, ended
	go func() {
		defer close(ended)
		l.run(s.askLibrary)
		// The sampler was closed while Open was under way.
		select {
		case a := <-l.results:
			if a.opened {
				a.session.release()
			}
		default:
		}
	}()
}

// askLibrary opens the library or reads the number of GPUs. It runs in the library's worker.
func (s *Sampler) askLibrary(session *sharedSession) answer {
	if session != nil {
		defer session.release()
		count, err := session.Count()
		return answer{session: session, count: count, err: err}
	}
	opened, err := s.driver.Open()
	if err != nil {
		return answer{err: fmt.Errorf("open driver library: %w", err)}
	}
	a := answer{session: newSharedSession(opened), opened: true, versions: opened.Versions()}
	_ = a.session.newEvents(s.shared.xids) // watchXIDs tries again, and reports why
	if a.count, err = opened.Count(); err != nil {
		a.session.release()
		return answer{err: fmt.Errorf("count gpus: %w", err)}
	}
	return a
}

// handleAnswer updates the connection from an answer of the library's worker.
func (s *Sampler) handleAnswer(a answer, now time.Time) {
	c := &s.connection
	switch {
	case a.opened:
		c.session, c.checkAt = a.session, now.Add(checkInterval)
		c.library = Library{
			State:         LibraryAvailable,
			DriverVersion: plausibleText(a.versions.Driver),
			NVMLVersion:   plausibleText(a.versions.NVML),
			CUDAVersion:   plausibleText(a.versions.CUDA),
		}
		s.watchXIDs(a.session)
		s.enumerate(s.bounded(a.count), now)
	case a.session == nil:
		c.retry.Failed(now)
		c.library = s.explain(a.err)
	case a.session != c.session:
		// The answer is about a session that has ended meanwhile.
	case a.err == nil:
		if count := s.bounded(a.count); count != len(s.slots) {
			s.enumerate(count, now)
		}
	case endsSession(a.err):
		s.dropSession(a.err, now)
	}
}

// dropSession ends a session that cannot be used any more. Zero GPUs is not an error of the
// library, but only a new session would find one that was added.
func (s *Sampler) dropSession(err error, now time.Time) {
	s.disconnect(now)
	s.connection.retry.Failed(now)
	if !errors.Is(err, errNoGPU) {
		s.connection.library = Library{State: stateAfter(err), Err: err}
	}
}

// disconnect releases the session and closes every worker that is not in a call.
func (s *Sampler) disconnect(now time.Time) {
	c := &s.connection
	if c.session == nil {
		return
	}
	s.dropIdleSlots()
	close(c.session.over)
	// In a goroutine, because the last release closes the library, which may block.
	s.running.Go(c.session.release)
	c.previous, c.session, c.ended = c.session, nil, now
}

// previousIsOver reports whether a new session may be opened: the previous one is closed, or has
// been held by a stuck worker for longer than the deadline and may never be closed.
func (s *Sampler) previousIsOver(now time.Time) bool {
	c := &s.connection
	return c.previous == nil || c.previous.isClosed() || now.Sub(c.ended) >= s.deadline
}

// gpuLimit bounds the number of GPUs, far above that of any host. Each GPU has a goroutine, a
// thread while a call is under way, and its windows.
const gpuLimit = 64

// bounded returns how many of the reported GPUs are observed, at most gpuLimit.
func (s *Sampler) bounded(count int) int {
	s.connection.beyond = max(0, count-gpuLimit)
	return min(count, gpuLimit)
}
