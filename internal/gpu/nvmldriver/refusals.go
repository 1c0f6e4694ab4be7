//go:build linux && cgo

package nvmldriver

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/backoff"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// refusalPace is how often a call that a GPU refused is retried: a refusal may be temporary, for
// example while MIG mode is on.
var refusalPace = backoff.Pace{First: 15 * time.Second, Longest: 10 * time.Minute}

// refusal records whether a GPU refused a call. The zero value means that it did not.
type refusal struct{ retry backoff.Backoff }

// due reports whether the call is to be made now.
func (r *refusal) due() bool { return r.retry.Ready(time.Now()) }

func (r *refusal) refuse() { r.retry.FailedAt(time.Now(), refusalPace) }

// fanLimit bounds the number of fans whose revolutions are read.
const fanLimit = 32

// refusals are those of one handle. They are reset with a new handle, and when MIG mode is
// switched.
type refusals struct {
	// Newer forms of calls, which the library exports but the GPU may not support.
	newerMemory, newerTemperature, newerClockEvents refusal
	// Readings that the GPU may not support.
	contexts [gpu.ContextMPS + 1]refusal
	rpm      [fanLimit]refusal
	gpm      refusal
}

// answers records for each GPU whether a call has succeeded. It outlives handles and sessions, and
// is safe for concurrent use.
type answers struct {
	mu     sync.Mutex
	byUUID map[string]*atomic.Bool
}

// answersLimit is far above the number of GPUs and MIG devices that a process sees,
// reconfigurations included.
const answersLimit = 4096

func (a *answers) of(uuid string) *atomic.Bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byUUID == nil || len(a.byUUID) >= answersLimit {
		a.byUUID = make(map[string]*atomic.Bool)
	}
	answered := a.byUUID[uuid]
	if answered == nil {
		answered = new(atomic.Bool)
		a.byUUID[uuid] = answered
	}
	return answered
}
