package process

import (
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestASignalThatAsksIsNoCrash: a terminal that was closed, a supervisor and Ctrl-C ask a process
// to end.
func TestASignalThatAsksIsNoCrash(t *testing.T) {
	for signal, want := range map[unix.Signal]ExitReason{
		unix.SIGHUP: ExitTerminated, unix.SIGINT: ExitTerminated, unix.SIGTERM: ExitTerminated, unix.SIGKILL: ExitKilled,
		unix.SIGSEGV: ExitCrashed, unix.SIGABRT: ExitCrashed, unix.SIGBUS: ExitCrashed,
	} {
		assert.Equal(t, want, endingOf(int(signal)).reason, signal.String())
	}
	for code, want := range map[int]ExitReason{0: ExitCompleted, 1: ExitFailed, 2: ExitCheckFailed, 3: ExitFailed} {
		assert.Equal(t, want, endingOf(code<<8).reason, "code %d", code)
	}
}

// TestAnEndIsReadBeforeItIsFetched: before Linux 6.15 the kernel does not report it afterwards.
func TestAnEndIsReadBeforeItIsFetched(t *testing.T) {
	cmd := exec.Command("sleep", "1h")
	require.NoError(t, cmd.Start())
	own := files{proc: "/proc", buf: make([]byte, maxStat)}
	s, err := own.stat(cmd.Process.Pid)
	require.NoError(t, err)
	ended := make(chan struct{}, 2)
	w := &watcher{files: &own, notify: func() { ended <- struct{}{} }}
	m := &trackedProcess{ID: ID{PID: cmd.Process.Pid, StartTicks: s.start}, readable: true}
	m.watch = w.add(m.ID)
	require.NoError(t, cmd.Process.Signal(unix.SIGTERM))
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("nobody said that it ended")
	}
	require.Error(t, cmd.Wait())
	m.watch.stop()
	w.wait()
	m.watch.pidfd = nil // as with a kernel that does not report it
	e, ok := (&Table{}).endingOf(m, nil)
	assert.True(t, ok)
	assert.Equal(t, ExitTerminated, e.reason)
}
