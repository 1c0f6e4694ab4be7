//go:build linux && cgo

package nvmldriver

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/backoff"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// refusalPace is how often something that a GPU refused is asked for again: a refusal is a state of
// the moment, for example while MIG is on.
var refusalPace = backoff.Pace{First: 15 * time.Second, Longest: 10 * time.Minute}

// refusal is one thing that a GPU may refuse. The zero refusal has not been asked for.
type refusal struct{ retry backoff.Backoff }

// due says whether it is to be asked for.
func (r *refusal) due() bool { return r.retry.Ready(time.Now()) }

func (r *refusal) refuse() { r.retry.FailedAt(time.Now(), refusalPace) }

// fanLimit bounds for how many fans the revolutions are asked for.
const fanLimit = 32

// refusals are those of one handle. They begin anew with each handle, and when MIG is switched.
type refusals struct {
	// The newer form of a call, which is exported and not supported.
	newerMemory, newerTemperature, newerClockEvents refusal
	// What the GPU may not have.
	contexts [gpu.ContextMPS + 1]refusal
	rpm      [fanLimit]refusal
}

// answers remembers for each GPU whether a call has answered. They outlive handles and sessions,
// and are safe for concurrent use.
type answers struct {
	mu     sync.Mutex
	byUUID map[string]*atomic.Bool
}

// answersLimit is far beyond the GPUs and MIG devices that a process sees, reconfigurations
// included.
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
