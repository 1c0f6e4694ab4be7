package process

import (
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// ending is how a process ended; the zero ending is unknown.
type ending struct {
	reason       ExitReason
	code, signal reading.Value[int]
}

// endingOf reads a status in the form of waitpid: the kernel's own in PIDFD_GET_INFO and in
// /proc/<pid>/stat.
func endingOf(status int) ending {
	w := unix.WaitStatus(status)
	if w.Signaled() {
		return ending{reason: signalReason(w.Signal()), signal: reading.Known(int(w.Signal()))}
	}
	e := ending{reason: ExitFailed, code: reading.Known(w.ExitStatus())}
	switch w.ExitStatus() {
	case 0:
		e.reason = ExitCompleted
	case 2:
		e.reason = ExitCheckFailed
	// 128 and the signal, which a program that handled it exits with: Python's sys.exit(128 + n).
	case 128 + int(unix.SIGINT), 128 + int(unix.SIGTERM):
		e.reason = ExitTerminated
	}
	return e
}

func signalReason(s unix.Signal) ExitReason {
	switch s {
	case unix.SIGTERM, unix.SIGINT, unix.SIGHUP:
		return ExitTerminated
	case unix.SIGKILL:
		return ExitKilled
	default:
		return ExitCrashed
	}
}
