package xid

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// scripted is an open kernel log whose reads a test sets: a text, or an error.
type scripted struct {
	reads  chan any
	closed chan struct{}
	once   sync.Once
}

func newScripted() *scripted {
	return &scripted{reads: make(chan any, 5000), closed: make(chan struct{})}
}

func (s *scripted) Read(p []byte) (int, error) {
	select {
	case r := <-s.reads:
		if err, failed := r.(error); failed {
			return 0, err
		}
		return copy(p, r.(string)), nil
	case <-s.closed:
		return 0, fs.ErrClosed
	}
}

func (s *scripted) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// harness is a reader of a kernel log that a test controls.
type harness struct {
	*testing.T
	tracker *Counter
	log     *KernelLog
	mu      sync.Mutex
	// openErr is the error of opening; if nil, file is opened.
	openErr error
	file    *scripted
	opens   int
}

func (s *harness) open(path string) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opens++
	if s.openErr != nil || !strings.HasSuffix(path, "/dev/kmsg") {
		return nil, s.openErr
	}
	return s.file, nil
}

// next sets the log for the next open and later ones.
func (s *harness) next(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openErr, s.file = err, newScripted()
}

func (s *harness) opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opens
}

func run(t *testing.T, act func(s *harness)) {
	synctest.Test(t, func(t *testing.T) {
		s := &harness{T: t, tracker: NewCounter(nil), file: newScripted()}
		s.log = NewKernelLog(t.TempDir(), s.tracker)
		s.log.open = s.open
		s.tracker.Locate([]GPUAddress{listened})
		var running sync.WaitGroup
		t.Cleanup(func() {
			s.log.Stop()
			running.Wait()
		})
		s.log.Start(&running)
		s.log.Start(&running)
		act(s)
	})
}

// later returns the status after a time.
func (s *harness) later(d time.Duration) LogStatus {
	time.Sleep(d)
	synctest.Wait()
	return s.log.Status()
}

const fallen = "3,1,7,-;NVRM: Xid (PCI:0000:41:00): 79, GPU has fallen off the bus.\n SUBSYSTEM=pci\n"

func (s *harness) count() int64 { return s.tracker.byGPU[listened.UUID].byCode[79] }

func TestOverwrittenRecordsAreLeftOut(t *testing.T) {
	run(t, func(s *harness) {
		s.file.reads <- &fs.PathError{Op: "read", Path: "/dev/kmsg", Err: syscall.EPIPE}
		s.file.reads <- &fs.PathError{Op: "read", Path: "/dev/kmsg", Err: syscall.EINVAL}
		s.file.reads <- fallen
		require.Equal(s, LogStatus{State: LogRead}, s.later(0))
		require.Equal(s, int64(1), s.count())
		require.Equal(s, 1, s.opened(), "the place in the log is kept")
	})
}

func TestALogThatOnlyFailsIsGivenUpForAWhile(t *testing.T) {
	run(t, func(s *harness) {
		for range failuresInARow + 1 {
			s.file.reads <- syscall.EPIPE
		}
		now := s.later(0)
		require.Equal(s, LogFailed, now.State)
		require.ErrorIs(s, now.Err, syscall.EPIPE)
		s.next(nil)
		require.Equal(s, LogRead, s.later(2*time.Second).State)
		require.Equal(s, 2, s.opened())
	})
}

func TestALogThatEndsIsOpenedAgainAtGrowingIntervals(t *testing.T) {
	run(t, func(s *harness) {
		require.NoError(s, s.file.Close())
		s.later(5 * time.Minute)
		require.Less(s, s.opened(), 20)
		require.Greater(s, s.opened(), 10)
	})
}

func TestWhyTheLogIsNotRead(t *testing.T) {
	for err, want := range map[error]LogState{
		&fs.PathError{Op: "open", Path: "/dev/kmsg", Err: syscall.EACCES}: LogNoPermission,
		&fs.PathError{Op: "open", Path: "/dev/kmsg", Err: syscall.EPERM}:  LogNoPermission,
		&fs.PathError{Op: "open", Path: "/dev/kmsg", Err: syscall.ENOENT}: LogNotFound,
		&fs.PathError{Op: "open", Path: "/dev/kmsg", Err: syscall.ENXIO}:  LogFailed,
		errors.ErrUnsupported: LogFailed,
	} {
		t.Run(err.Error(), func(t *testing.T) {
			run(t, func(s *harness) {
				// The first attempt succeeded.
				first := s.file
				s.next(err)
				first.reads <- io.EOF
				now := s.later(5 * time.Second)
				require.Equal(s, want, now.State)
				require.ErrorIs(s, now.Err, err)
				require.ErrorContains(s, now.Err, "read kernel log: ")
				s.next(nil)
				s.file.reads <- fallen
				require.Equal(s, LogStatus{State: LogRead}, s.later(time.Minute), "allowed meanwhile")
				require.Equal(s, int64(1), s.count())
			})
		})
	}
}

// The kernel's real log, if this process may read it: it is opened at its end, polled, and closed
// during a read that waits.
func TestTheKernelsOwnLog(t *testing.T) {
	file, err := openKernelLog("/dev/kmsg")
	// In a container, or without the permission, the test checks that the status has the reason.
	for reason, want := range map[error]LogState{
		fs.ErrNotExist: LogNotFound, fs.ErrPermission: LogNoPermission, errOtherDevice: LogFailed,
	} {
		if errors.Is(err, reason) {
			require.Equal(t, want, stateOf(err))
			return
		}
	}
	require.NoError(t, err)
	read, ended := make(chan string, 64), make(chan error, 1)
	go func() {
		buffer := make([]byte, recordSize)
		for {
			n, err := file.Read(buffer)
			if err != nil && !lostRecord(err) {
				ended <- err
				return
			}
			select {
			case read <- string(buffer[:n]):
			default:
			}
		}
	}()
	// Where processes may not write to the log, their writes are dropped silently.
	mode, _ := os.ReadFile("/proc/sys/kernel/printk_devkmsg")
	if log, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0); err == nil && strings.TrimSpace(string(mode)) != "off" {
		defer log.Close()
		nonce := fmt.Sprintf("otelcol-facefusion: test of the reader, %d", time.Now().UnixNano())
		_, err := log.WriteString("<7>" + nonce + "\n")
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			record := <-read
			prefix, text, _ := strings.Cut(record, ";")
			// Debug of facility 1: the kernel does not accept facility 0 from a process.
			return strings.HasPrefix(text, nonce) && strings.HasPrefix(prefix, "15,")
		}, 10*time.Second, time.Millisecond)
	}
	require.NoError(t, file.Close())
	require.ErrorIs(t, <-ended, fs.ErrClosed)
}
