package xid

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/backoff"
)

// LogState is whether the kernel's log is read for XIDs.
type LogState string

// The states of the kernel's log.
const (
	// LogOff: it is not configured, or was not opened yet.
	LogOff          LogState = ""
	LogRead         LogState = "read"
	LogNotFound     LogState = "not_found"
	LogNoPermission LogState = "no_permission"
	LogFailed       LogState = "failed"
)

// LogStatus is the status of the kernel's log as a source of XIDs.
type LogStatus struct {
	State LogState
	// Err is why it is not read; otherwise nil.
	Err error
}

const (
	// recordSize is the longest record of the kernel in bytes (CONSOLE_EXT_LOG_MAX).
	recordSize = 8 << 10
	// failuresInARow is how many records in a row may be lost. Each lost record advances to a later
	// one, so more failures have another cause.
	failuresInARow = 1000
)

// KernelLog reads the records of the kernel's log that are written after it was opened, in a
// goroutine of its own.
type KernelLog struct {
	path string
	open func(path string) (io.ReadCloser, error)
	// add is called for each XID.
	add func(kernelLine)

	mu      sync.Mutex
	now     LogStatus
	started bool
	file    io.Closer
	// over is closed by Stop.
	over chan struct{}
}

// NewKernelLog creates a reader of /dev/kmsg below the host's root. It reads nothing before Start.
func NewKernelLog(root string, tracker *Counter) *KernelLog {
	return &KernelLog{path: filepath.Join(root, "dev/kmsg"), open: openKernelLog, add: tracker.addKernelLine, over: make(chan struct{})}
}

// Start begins to read, unless it was called before.
func (k *KernelLog) Start(running *sync.WaitGroup) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.started {
		return
	}
	k.started = true
	running.Go(k.run)
}

// Stop ends the reading. It must be called once only. Closing the file ends a read that waits for
// the next record.
func (k *KernelLog) Stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.over)
	if k.file != nil {
		k.file.Close()
	}
}

// Status returns the current status. Any goroutine may call it.
func (k *KernelLog) Status() LogStatus {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

// run opens and reads the log, and retries with backoff after a failure, because the file or the
// permission may appear later.
func (k *KernelLog) run() {
	var retry backoff.Backoff
	for {
		read, err := k.follow()
		select {
		case <-k.over:
			return
		default:
		}
		k.set(LogStatus{State: stateOf(err), Err: fmt.Errorf("read kernel log: %w", err)})
		if read {
			retry.Reset()
		}
		select {
		case <-k.over:
			return
		case <-time.After(retry.Failed(time.Now())):
		}
	}
}

func (k *KernelLog) set(now LogStatus) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = now
}

// follow reads until an error, and reports whether anything was read.
func (k *KernelLog) follow() (read bool, err error) {
	file, err := k.open(k.path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	if !k.hold(file) {
		return false, nil
	}
	defer k.hold(nil)
	buffer, failures := make([]byte, recordSize), 0
	for {
		n, err := file.Read(buffer)
		switch {
		case err == nil:
			read, failures = true, 0
			for line := range bytes.Lines(buffer[:n]) {
				if x, ok := parseKernelLine(line); ok {
					k.add(x)
				}
			}
		case lostRecord(err) && failures < failuresInARow:
			failures++
		default:
			return read, err
		}
	}
}

// lostRecord reports whether an error means that a record was overwritten before it was read, or is
// too long. The next read returns the record that follows.
func lostRecord(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EINVAL)
}

// hold stores the open file for Stop. It returns false after Stop.
func (k *KernelLog) hold(file io.Closer) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.over:
		return false
	default:
	}
	if k.file = file; file != nil {
		k.now = LogStatus{State: LogRead}
	}
	return true
}

func stateOf(err error) LogState {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return LogNotFound
	case errors.Is(err, fs.ErrPermission):
		return LogNoPermission
	default:
		return LogFailed
	}
}
