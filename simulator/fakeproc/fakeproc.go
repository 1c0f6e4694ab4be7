package fakeproc

import (
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// environment marks a process as a fake process. A command line alone does not make one.
const environment = "FACEFUSION_SIMULATOR_FAKEPROC=1"

// Main turns this process into the fake process that its command line names, and does not return
// then. In every other process it does nothing. It comes first in main, and in the TestMain of a
// test that starts fake processes.
func Main() {
	if os.Getenv("FACEFUSION_SIMULATOR_FAKEPROC") == "" {
		return
	}
	name := filepath.Base(os.Args[0])
	// The kernel names a copy after its file. The name set here is only for people who look at ps,
	// so a failure is ignored.
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0)
	dieAsPython()
	switch {
	case name == "python" && len(os.Args) > 2 && filepath.Base(os.Args[1]) == "facefusion.py":
		os.Exit(new(faceFusion).main(os.Stdin, os.Stdout))
	case name == "ffmpeg" || name == "curl":
		work(os.Args, os.Stdin)
	default:
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
	os.Exit(0)
}

// dieAsPython gives the deadly signals the effect they have on a Python process. Go's runtime would
// print its goroutines and exit with code 2 instead.
func dieAsPython() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	deadly := make(chan os.Signal, 1)
	signal.Notify(deadly, syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGQUIT)
	go func() {
		number := (<-deadly).(syscall.Signal)
		var defaultAction [4]uint64 // a zero struct sigaction: SIG_DFL, no flags, no mask
		_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(number), uintptr(unsafe.Pointer(&defaultAction)), 0, 8, 0, 0)
		_ = unix.Kill(os.Getpid(), number)
	}()
}
