package gpu

import (
	"context"
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

// scripted is an open kernel log whose reads are told by a test: a text, or an error.
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

// logStage is a sampler without a driver over a kernel log that a test plays.
type logStage struct {
	*testing.T
	*Sampler
	mu sync.Mutex
	// openErr is what opening fails with; without one, file is opened.
	openErr error
	file    *scripted
	opens   int
}

func (s *logStage) open(path string) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opens++
	if s.openErr != nil || !strings.HasSuffix(path, "/dev/kmsg") {
		return nil, s.openErr
	}
	return s.file, nil
}

// next is what the log is from the next time on that it is opened.
func (s *logStage) next(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openErr, s.file = err, newScripted()
}

func (s *logStage) opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opens
}

type noDriver struct{}

func (noDriver) Open() (Session, error) { return nil, ErrLibraryNotFound }

func playLog(t *testing.T, act func(s *logStage)) {
	synctest.Test(t, func(t *testing.T) {
		s := &logStage{T: t, Sampler: NewSampler(Settings{Driver: noDriver{}, KernelLog: true, RootPath: t.TempDir()}), file: newScripted()}
		s.kernelLog.open = s.open
		s.known = []Identity{listened}
		t.Cleanup(func() { require.NoError(t, s.Close(context.Background())) })
		s.look()
		act(s)
	})
}

// look is a cycle, after everything that is under way.
func (s *logStage) look() KernelLog {
	require.NoError(s, s.Observe(context.Background()))
	synctest.Wait()
	return s.Latest().KernelLog
}

// later is a look after a while.
func (s *logStage) later(d time.Duration) KernelLog {
	time.Sleep(d)
	synctest.Wait()
	return s.look()
}

const fallen = "3,1,7,-;NVRM: Xid (PCI:0000:41:00): 79, GPU has fallen off the bus.\n SUBSYSTEM=pci\n"

func (s *logStage) count() int64 { return s.shared.xids.byGPU[listened.UUID].counts[79] }

func TestOverwrittenRecordsAreLeftOut(t *testing.T) {
	playLog(t, func(s *logStage) {
		s.file.reads <- &fs.PathError{Op: "read", Path: "/dev/kmsg", Err: syscall.EPIPE}
		s.file.reads <- &fs.PathError{Op: "read", Path: "/dev/kmsg", Err: syscall.EINVAL}
		s.file.reads <- fallen
		require.Equal(s, KernelLog{State: KernelLogRead}, s.later(0))
		require.Equal(s, int64(1), s.count())
		require.Equal(s, 1, s.opened(), "the place in the log is kept")
	})
}

func TestALogThatOnlyFailsIsGivenUpForAWhile(t *testing.T) {
	playLog(t, func(s *logStage) {
		for range failuresInARow + 1 {
			s.file.reads <- syscall.EPIPE
		}
		now := s.later(0)
		require.Equal(s, KernelLogFailed, now.State)
		require.ErrorIs(s, now.Err, syscall.EPIPE)
		s.next(nil)
		require.Equal(s, KernelLogRead, s.later(2*time.Second).State)
		require.Equal(s, 2, s.opened())
	})
}

func TestALogThatEndsIsOpenedAgainAtGrowingIntervals(t *testing.T) {
	playLog(t, func(s *logStage) {
		close(s.file.closed)
		s.file.once.Do(func() {})
		s.later(5 * time.Minute)
		require.Less(s, s.opened(), 20)
		require.Greater(s, s.opened(), 10)
	})
}

func TestWhyTheLogIsNotRead(t *testing.T) {
	for err, want := range map[error]KernelLogState{
		&fs.PathError{Op: "open", Path: "/dev/kmsg", Err: syscall.EACCES}: KernelLogNoPermission,
		&fs.PathError{Op: "open", Path: "/dev/kmsg", Err: syscall.EPERM}:  KernelLogNoPermission,
		&fs.PathError{Op: "open", Path: "/dev/kmsg", Err: syscall.ENOENT}: KernelLogNotFound,
		&fs.PathError{Op: "open", Path: "/dev/kmsg", Err: syscall.ENXIO}:  KernelLogFailed,
		errors.ErrUnsupported: KernelLogFailed,
	} {
		t.Run(err.Error(), func(t *testing.T) {
			playLog(t, func(s *logStage) {
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
				require.Equal(s, KernelLog{State: KernelLogRead}, s.later(time.Minute), "allowed meanwhile")
				require.Equal(s, int64(1), s.count())
			})
		})
	}
}

// The kernel's own log, where this process may have it: it is opened at its end, polled, and closed under a read that waits.
func TestTheKernelsOwnLog(t *testing.T) {
	file, err := openKernelLog("/dev/kmsg")
	// In a container, or without the right to it, what is tested is that the reader says why there is none.
	for reason, want := range map[error]KernelLogState{
		fs.ErrNotExist: KernelLogNotFound, fs.ErrPermission: KernelLogNoPermission, errOtherDevice: KernelLogFailed,
	} {
		if errors.Is(err, reason) {
			require.Equal(t, want, kernelLogState(err))
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
	// Where processes may write nothing, what they write is dropped without a word.
	mode, _ := os.ReadFile("/proc/sys/kernel/printk_devkmsg")
	if log, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0); err == nil && strings.TrimSpace(string(mode)) != "off" {
		defer log.Close()
		nonce := fmt.Sprintf("otelcol-facefusion: test of the reader, %d", time.Now().UnixNano())
		_, err := log.WriteString("<7>" + nonce + "\n")
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			record := <-read
			prefix, text, _ := strings.Cut(record, ";")
			// Debug of facility 1: the kernel does not let a process speak for itself.
			return strings.HasPrefix(text, nonce) && strings.HasPrefix(prefix, "15,")
		}, 10*time.Second, time.Millisecond)
	}
	require.NoError(t, file.Close())
	require.ErrorIs(t, <-ended, fs.ErrClosed)
}
