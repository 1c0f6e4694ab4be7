package gpu

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
)

// KernelLogState says whether the kernel's log is read for XIDs.
type KernelLogState string

// The states of the kernel's log.
const (
	// KernelLogOff: it is not asked for, or was not looked at yet.
	KernelLogOff          KernelLogState = ""
	KernelLogRead         KernelLogState = "read"
	KernelLogNotFound     KernelLogState = "not_found"
	KernelLogNoPermission KernelLogState = "no_permission"
	KernelLogFailed       KernelLogState = "failed"
)

// KernelLog is the kernel's log as a source of XIDs.
type KernelLog struct {
	State KernelLogState
	// Err is why it is not read; nil when it is.
	Err error
}

const (
	// recordSize is what the kernel never exceeds with a record (CONSOLE_EXT_LOG_MAX).
	recordSize = 8 << 10
	// failuresInARow is how many records in a row may be lost. Each such failure moves on to a later one, so that more are the failure of something else.
	failuresInARow = 1000
)

// kernelLog reads the kernel's log from the moment on that it is opened, in a goroutine of its own.
type kernelLog struct {
	path string
	open func(path string) (io.ReadCloser, error)
	// hear is called for each XID.
	hear func(kernelXID)

	mu      sync.Mutex
	now     KernelLog
	started bool
	file    io.Closer
	// over is closed to end everything.
	over chan struct{}
}

func newKernelLog(root string, hear func(kernelXID)) *kernelLog {
	return &kernelLog{path: filepath.Join(root, "dev/kmsg"), open: openKernelLog, hear: hear, over: make(chan struct{})}
}

// start begins to read unless it was begun.
func (k *kernelLog) start(running *sync.WaitGroup) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.started {
		return
	}
	k.started = true
	running.Go(k.run)
}

// stop ends the reading. It is called once. Closing the file ends a read that waits for the next record.
func (k *kernelLog) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.over)
	if k.file != nil {
		k.file.Close()
	}
}

func (k *kernelLog) latest() KernelLog {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

// run opens the log again after it failed, or when it is not there or not allowed: that may change.
func (k *kernelLog) run() {
	var retry backoff
	for {
		heard, err := k.follow()
		select {
		case <-k.over:
			return
		default:
		}
		k.tell(KernelLog{State: kernelLogState(err), Err: fmt.Errorf("read kernel log: %w", err)})
		if heard {
			retry.reset()
		}
		retry.failed(time.Now())
		select {
		case <-k.over:
			return
		case <-time.After(retry.delay):
		}
	}
}

func (k *kernelLog) tell(now KernelLog) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = now
}

// follow reads until that fails, and says whether anything was read.
func (k *kernelLog) follow() (heard bool, err error) {
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
			heard, failures = true, 0
			for line := range bytes.Lines(buffer[:n]) {
				if x, ok := parseKernelXID(line); ok {
					k.hear(x)
				}
			}
		case lostRecord(err) && failures < failuresInARow:
			failures++
		default:
			return heard, err
		}
	}
}

// lostRecord says that a record was overwritten before it was read, or is longer than any can be. The next read is about the one that follows.
func lostRecord(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EINVAL)
}

// hold notes the open file for stop. It returns false when everything is over.
func (k *kernelLog) hold(file io.Closer) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.over:
		return false
	default:
	}
	if k.file = file; file != nil {
		k.now = KernelLog{State: KernelLogRead}
	}
	return true
}

func kernelLogState(err error) KernelLogState {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return KernelLogNotFound
	case errors.Is(err, fs.ErrPermission):
		return KernelLogNoPermission
	default:
		return KernelLogFailed
	}
}
