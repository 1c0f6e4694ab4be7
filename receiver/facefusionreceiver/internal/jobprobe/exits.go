package jobprobe

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// exits remembers how processes ended: the process table says it once, and a run is looked at when
// its time comes. The goroutine that observes the processes adds, the one that observes the jobs
// reads.
type exits struct {
	mu  sync.Mutex
	all map[string][]jobqueue.Exit // by instance; never changed in place
}

const (
	// exitsKept is for how long an exit is remembered: Gradio is asked every 15 seconds whether a
	// web UI may have the run instead of the process that ended.
	exitsKept = 5 * time.Minute
	// maxExits bounds those of one instance.
	maxExits = 256
)

func (e *exits) add(snapshot *process.Snapshot) {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := make(map[string][]jobqueue.Exit, len(e.all))
	for instance, list := range e.all {
		if list = slices.DeleteFunc(slices.Clone(list), func(x jobqueue.Exit) bool { return snapshot.Time.Sub(x.Time) > exitsKept }); len(list) > 0 {
			next[instance] = list
		}
	}
	for i := range snapshot.Changes {
		if c := &snapshot.Changes[i]; c.Exited && !c.Role.Child() {
			list := append(next[c.Instance], jobqueue.Exit{PID: c.PID, Time: c.Time, Reason: lossReason(c.Reason)})
			next[c.Instance] = list[max(0, len(list)-maxExits):]
		}
	}
	e.all = next
}

func (e *exits) get() map[string][]jobqueue.Exit {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.all)
}

// lossReason is what the end of a process means for a run that it left. A clean end says nothing:
// Ctrl-C ends FaceFusion with code 0, whatever it was at.
func lossReason(r process.ExitReason) jobqueue.LossReason {
	switch r {
	case process.ExitFailed, process.ExitCheckFailed:
		return jobqueue.ReasonException
	case process.ExitTerminated, process.ExitKilled, process.ExitCrashed:
		return jobqueue.ReasonKilled
	case process.ExitOOMKilled:
		return jobqueue.ReasonOOMKilled
	default:
		return ""
	}
}
