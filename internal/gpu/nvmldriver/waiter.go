//go:build linux && cgo

package nvmldriver

/*
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// nvmlEventData_t of nvml.h. A driver without instances does not set the last two fields.
struct eventData {
	void *device;
	unsigned long long type, data;
	unsigned int gpuInstance, computeInstance;
};

// outcome is the record that the thread writes after a wait.
struct outcome {
	void *device;
	unsigned long long type, data;
	long long code;
};

struct waiter {
	int (*wait)(void *set, struct eventData *data, unsigned int milliseconds);
	void *set;
	int to;
	pthread_t thread;
	atomic_int ended;
};

enum {
	timedOut = 10,
	waitMilliseconds = 1000,  // the longest wait, and so the longest time until the thread ends
	failurePause = 1,         // seconds
	failuresLimit = 60,       // in a row, after which the thread ends
};

static void *waitForEvents(void *argument) {
	struct waiter *w = argument;
	for (int failures = 0; failures < failuresLimit && !atomic_load(&w->ended);) {
		struct eventData data = {0};
		int code = w->wait(w->set, &data, waitMilliseconds);
		if (code == timedOut && !failures)
			continue;
		struct outcome outcome = {data.device, data.type, data.data, code};
		if (write(w->to, &outcome, sizeof outcome) < 0 && errno != EAGAIN)
			break;
		failures = code == 0 || code == timedOut ? 0 : failures + 1;
		if (failures)
			nanosleep(&(struct timespec){.tv_sec = failurePause}, NULL);
	}
	close(w->to);
	return NULL;
}

// startWaiter returns NULL, and leaves the descriptor open, if no thread can be created.
static struct waiter *startWaiter(void *function, void *set, int to) {
	struct waiter *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	w->wait = function;
	w->set = set;
	w->to = to;
	// Block all signals in this thread: Go's handlers would need a goroutine for it.
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&w->thread, NULL, waitForEvents, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		free(w);
		return NULL;
	}
	pthread_setname_np(w->thread, "nvml-events");
	return w;
}

static void endWaiter(struct waiter *w) {
	atomic_store(&w->ended, 1);
	pthread_join(w->thread, NULL);
	free(w);
}
*/
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"syscall"
	"unsafe"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// waiter waits for the events of one set in a thread outside the Go runtime. A blocking call from
// Go keeps Go's monitor thread awake for its first 10 ms, which is 50 to 60 wakeups for each wait.
type waiter struct {
	thread   *C.struct_waiter
	from     *os.File
	outcomes chan waitResult
	gone     chan struct{}
}

// waitResult is the result of one wait. An empty result is passed on only after a failed one, to
// report the recovery.
type waitResult struct {
	device          uintptr
	kind, eventData uint64
	code            nvml.Return
}

var errNoThread = errors.New("no thread that waits for events")

func startWaiter(function unsafe.Pointer, set nvml.EventSet) (*waiter, error) {
	var ends [2]int
	// Non-blocking: a result that is not read is dropped.
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoThread, err)
	}
	w := &waiter{from: os.NewFile(uintptr(ends[0]), "events"), outcomes: make(chan waitResult), gone: make(chan struct{})}
	if w.thread = C.startWaiter(function, raw(set), C.int(ends[1])); w.thread == nil {
		return nil, errors.Join(errNoThread, w.from.Close(), syscall.Close(ends[1]))
	}
	go w.pass()
	return w, nil
}

// pass forwards what the thread writes, until the thread or the waiter has ended.
func (w *waiter) pass() {
	defer close(w.outcomes)
	var b [unsafe.Sizeof(C.struct_outcome{})]byte
	for {
		if _, err := io.ReadFull(w.from, b[:]); err != nil {
			return // the thread has closed its end
		}
		words := func(i int) uint64 { return binary.NativeEndian.Uint64(b[8*i:]) }
		code := nvml.Return(int32(words(3)))
		select {
		case w.outcomes <- waitResult{uintptr(words(0)), words(1), words(2), code}:
		case <-w.gone:
			return
		}
	}
}

// end waits for the thread to end, at most a second unless the driver hangs.
func (w *waiter) end() error {
	close(w.gone)
	C.endWaiter(w.thread)
	return w.from.Close()
}

// raw returns the pointer that go-nvml wraps in a struct of one field.
func raw(wrapped any) unsafe.Pointer { return reflect.ValueOf(wrapped).Field(0).UnsafePointer() }
