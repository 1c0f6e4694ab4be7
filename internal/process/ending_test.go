package process

import (
	"testing"

	"github.com/stretchr/testify/assert"
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
