package process

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// watcher waits for the exits of FaceFusion's own processes, so that they are noticed at once and
// not at the next pass, and learns how they ended.
//
// A pidfd does both, where this process shares the pid namespace with the host's /proc. Otherwise
// the few processes that are known are read ten times a second, and how they ended remains unknown
// unless their parent leaves them as zombies for a while.
type watcher struct {
	files *files
	// notify may be nil.
	notify func()
	wg     sync.WaitGroup

	mu sync.Mutex
	// polled is the fallback: whether the exit was already notified. Its goroutine runs while there
	// are any.
	polled map[ID]bool
	stop   chan struct{}
}

// watch is one process that is waited for.
type watch struct {
	watcher *watcher
	id      ID
	pidfd   *os.File // nil: polled
	// zombie is the last stat of the process, if it was read before its parent fetched it.
	zombie atomic.Pointer[stat]
}

// pollInterval keeps the promise of a tenth of a second without a pidfd, too.
const pollInterval = 100 * time.Millisecond

// add starts to wait. Every watch must be closed.
func (w *watcher) add(id ID) *watch {
	added := &watch{watcher: w, id: id, pidfd: openPidfd(id)}
	if added.pidfd == nil {
		w.poll(id)
	} else if w.notify != nil {
		pidfd := added.pidfd
		w.wg.Go(func() { await(pidfd, func() { added.seeZombie(); w.notify() }) })
	}
	return added
}

// addQuiet starts to wait, and notifies nobody: it is enough to know how the process ended at the
// next pass.
func (w *watcher) addQuiet(id ID) *watch {
	added := &watch{watcher: w, id: id, pidfd: openPidfd(id)}
	if pidfd := added.pidfd; pidfd != nil {
		w.wg.Go(func() { await(pidfd, added.seeZombie) })
	}
	return added
}

// seeZombie reads how the process ended as soon as it did: before Linux 6.15 it cannot be read
// later, and a supervisor fetches it within a millisecond.
func (w *watch) seeZombie() {
	if w.zombie.Load() != nil {
		return
	}
	own := files{proc: "/proc", buf: make([]byte, maxStat)}
	if s, err := own.stat(w.id.PID); err == nil && s.start == w.id.StartTicks && s.ended() {
		w.zombie.Store(&s)
	}
}

// openPidfd returns nil where the pid does not mean that process here: another pid namespace, a
// tree that a test built, a process that is gone already, or a kernel before 5.10, which has no
// PIDFD_NONBLOCK. The start time is compared after opening, so that it is the opened process that
// was compared.
func openPidfd(id ID) *os.File {
	fd, err := unix.PidfdOpen(id.PID, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil
	}
	file := os.NewFile(uintptr(fd), "pidfd")
	own := files{proc: "/proc", buf: make([]byte, maxStat)}
	if s, err := own.stat(id.PID); err != nil || s.start != id.StartTicks {
		file.Close()
		return nil
	}
	return file
}

// await calls notify when the process has ended, and again when its parent has fetched it, as only
// then the kernel reports how it ended. It returns when the file is closed.
func await(pidfd *os.File, notify func()) {
	conn, err := pidfd.SyscallConn()
	if err != nil {
		return
	}
	var seen int16
	for _, event := range []int16{unix.POLLIN, unix.POLLHUP} {
		if seen&event != 0 {
			return
		}
		if conn.Read(func(fd uintptr) bool { seen = events(fd); return seen&event != 0 }) != nil {
			return
		}
		notify()
	}
}

// events asks without waiting: POLLIN for a process that has ended, POLLHUP for one that is
// fetched.
func events(fd uintptr) int16 {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, 0)
		if !errors.Is(err, unix.EINTR) {
			return fds[0].Revents
		}
	}
}

// ending returns how the process ended, once the kernel reports it: Linux 6.15 and later, after the
// process was fetched by its parent,
// https://elixir.bootlin.com/linux/v6.18/source/include/uapi/linux/pidfd.h.
func (w *watch) ending() (ending, bool) {
	if w.pidfd == nil {
		return ending{}, false
	}
	conn, err := w.pidfd.SyscallConn()
	if err != nil {
		return ending{}, false
	}
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	var ioctlErr error
	err = conn.Control(func(fd uintptr) { ioctlErr = unix.IoctlPidfdInfo(int(fd), &info) })
	if err != nil || ioctlErr != nil || info.Mask&unix.PIDFD_INFO_EXIT == 0 {
		return ending{}, false
	}
	return endingOf(int(info.Exit_code)), true
}

// stop ends the waiting; there is none for most children.
func (w *watch) stop() {
	if w == nil {
		return
	}
	if w.pidfd != nil {
		w.pidfd.Close()
		return
	}
	w.watcher.unpoll(w.id)
}

// wait waits for all goroutines; the watches must have been closed.
func (w *watcher) wait() { w.wg.Wait() }
