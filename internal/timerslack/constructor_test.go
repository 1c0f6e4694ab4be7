//go:build linux && cgo

package timerslack

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// printEnv has the program print the slack of a thread, instead of its tests.
const printEnv = "PRINT_TIMER_SLACK"

func TestMain(m *testing.M) {
	if os.Getenv(printEnv) != "" {
		fmt.Print(ofNewThread())
		return
	}
	goleak.VerifyTestMain(m)
}

// ofNewThread returns the slack of a thread that Go has made.
func ofNewThread() time.Duration {
	slack := make(chan time.Duration)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	go func() {
		runtime.LockOSThread() // it ends with its goroutine
		slack <- ofThread()
	}()
	return <-slack
}

func ofThread() time.Duration {
	n, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		panic(err)
	}
	return time.Duration(n)
}

func TestEveryThreadHasIt(t *testing.T) {
	require.Equal(t, Slack, ofNewThread())
}

func TestWhatTheServiceManagerSaysCounts(t *testing.T) {
	const other = 7 * time.Millisecond
	type answer struct {
		text []byte
		err  error
	}
	answers := make(chan answer)
	go func() {
		// it ends with its goroutine: a child has the slack of the thread that makes it
		runtime.LockOSThread()
		if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(other), 0, 0, 0); err != nil {
			answers <- answer{nil, err}
			return
		}
		child := exec.CommandContext(t.Context(), "/proc/self/exe")
		child.Env = append(os.Environ(), printEnv+"=1")
		text, err := child.Output()
		answers <- answer{text, err}
	}()
	got := <-answers
	require.NoError(t, got.err)
	require.Equal(t, other.String(), string(got.text))
}
