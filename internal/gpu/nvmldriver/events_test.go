//go:build linux && cgo

package nvmldriver

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// threads returns the number of this process's threads that wait for events.
func threads(t *testing.T) (n int) {
	t.Helper()
	names, err := filepath.Glob("/proc/self/task/*/comm")
	require.NoError(t, err)
	for _, name := range names {
		if comm, err := os.ReadFile(name); err == nil && string(comm) == "nvml-events\n" {
			n++
		}
	}
	return n
}

// Wait returns an event immediately, and closing the set ends its thread.
func TestEventsAreWaitedForInAThreadOfTheirOwn(t *testing.T) {
	runIsolated(t, func(s *harness) {
		session, err := New(Settings{LibraryPath: s.library}).Open()
		require.NoError(s, err)
		events, err := session.Events()
		require.NoError(s, err)
		device, err := session.Handle(1)
		require.NoError(s, err)
		require.NoError(s, events.Register(device, "second"))
		require.Equal(s, 1, threads(s.T))

		time.AfterFunc(100*time.Millisecond, func() { s.set("xids 1:1:79") })
		start := time.Now()
		report, err := events.Wait(nil)
		require.NoError(s, err)
		require.Equal(s, "second", report.UUID)
		require.EqualValues(s, 79, report.Code)
		require.Less(s, time.Since(start), time.Second)

		over := make(chan struct{})
		time.AfterFunc(100*time.Millisecond, func() { close(over) })
		_, err = events.Wait(over)
		require.ErrorIs(s, err, gpu.ErrNotFound, "nothing came")

		start = time.Now()
		require.NoError(s, events.Close())
		require.Less(s, time.Since(start), 2*time.Second)
		require.Zero(s, threads(s.T))
		require.NoError(s, session.Close())
	})
}

// A wait that succeeds after a failure returns, although no event came.
func TestAWaitThatFailedSaysWhenItWorksAgain(t *testing.T) {
	runIsolated(t, func(s *harness) {
		session, err := New(Settings{LibraryPath: s.library}).Open()
		require.NoError(s, err)
		events, err := session.Events()
		require.NoError(s, err)
		s.set("rc 999")
		_, err = events.Wait(nil)
		require.Error(s, err)
		require.NotErrorIs(s, err, gpu.ErrNotFound)
		s.set()
		require.Eventually(s, func() bool {
			_, err := events.Wait(nil)
			return err != nil && err.Error() == "nvml EventSetWait: "+gpu.ErrNotFound.Error()
		}, 10*time.Second, time.Millisecond)
		require.NoError(s, events.Close())
		require.NoError(s, session.Close())
	})
}
