package gpuprobe

import (
	"slices"
	"sync"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// visibility says whether the driver's pids can be matched with the host's processes, and if not,
// why FaceFusion's share is unknown, named as the values of nvidia.process.visibility.
type visibility string

const (
	// visibilityUnknown: nothing was listed yet, or no GPU answers.
	visibilityUnknown visibility = ""
	visible           visibility = "visible"
	translated        visibility = "translated"
	foreign           visibility = "foreign"
	noProcess         visibility = "none"
	// With those that follow, the share of a GPU is unknown for a reason that is the driver's.
	memoryOnly  visibility = "memory_only"
	unsupported visibility = "unsupported"
	unreliable  visibility = "unreliable"
	failing     visibility = "failing"
)

// ownerTTL is how long the owner of a process is kept after the process ended: the driver's
// utilization of it comes later, and a scrape later still.
const ownerTTL = 2 * time.Minute

// owners knows whose process a pid of the driver is. The goroutine that observes writes, the one
// that scrapes reads.
type owners struct {
	namespace process.Namespace

	mu    sync.Mutex
	byPID map[int]*owner // by the pid in /proc
	inner map[int]string // the instance by the pid in the collector's namespace
	// matching is how the driver's pids are matched, reported what is said about it.
	matching, reported visibility
}

type owner struct {
	instance string
	id       process.ID
	inner    int
	seen     time.Time
}

func newOwners(root string) *owners {
	return &owners{namespace: process.OwnNamespace(root), byPID: make(map[int]*owner), inner: make(map[int]string)}
}

// update takes in who lives and who uses a GPU. It reads /proc, which a scrape must not.
func (o *owners) update(processes *process.Snapshot, gpus *gpu.Snapshot, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if processes != nil {
		o.learn(processes, now)
	}
	o.unlearn(gpus)
	o.matching = o.judge(gpus)
	o.reported = report(o.matching, gpus.Devices)
}

func (o *owners) learn(processes *process.Snapshot, now time.Time) {
	for i := range processes.Instances {
		instance := &processes.Instances[i]
		for _, p := range instance.Processes {
			known := o.byPID[p.PID]
			if known == nil || known.id != p.ID || known.instance != instance.ID {
				known = &owner{instance: instance.ID, id: p.ID}
				if o.namespace.Nested() {
					known.inner, _ = o.namespace.Inner(p.PID) // 0 is nobody's
				}
				o.byPID[p.PID] = known
			}
			known.seen = now
		}
	}
	clear(o.inner)
	for pid, known := range o.byPID {
		if now.Sub(known.seen) > ownerTTL {
			delete(o.byPID, pid)
		} else if known.inner != 0 {
			o.inner[known.inner] = known.instance
		}
	}
}

// unlearn forgets the owners of processes that use a GPU and have a pid that was another process's:
// what they use is not the share of an instance that had the pid before.
func (o *owners) unlearn(gpus *gpu.Snapshot) {
	listed := make(map[int]bool)
	for i := range gpus.Devices {
		for _, p := range gpus.Devices[i].Processes.V {
			listed[p.PID] = true
		}
	}
	for pid, known := range o.byPID {
		if (listed[pid] || listed[known.inner]) && o.namespace.Reused(known.id) {
			delete(o.byPID, pid)
			delete(o.inner, known.inner)
		}
	}
}

// judge decides whether the pids of the driver are those of /proc. One that is there proves it: a
// GPU is used by a program, and the chance that the number of another namespace is one of ours,
// too, goes away with the next process.
func (o *owners) judge(gpus *gpu.Snapshot) visibility {
	listed := false
	var pids []int
	for i := range gpus.Devices {
		d := &gpus.Devices[i]
		listed = listed || d.Processes.Known
		for _, p := range d.Processes.V {
			pids = append(pids, p.PID)
		}
	}
	switch {
	case !listed:
		return visibilityUnknown
	case len(pids) == 0 && o.namespace.Nested() && o.matching != visible && o.matching != translated:
		// Newer drivers report to a container its own processes only, so that an empty list proves
		// nothing.
		return foreign
	case len(pids) == 0:
		return noProcess
	case anyOf(pids, func(pid int) bool { return o.byPID[pid] != nil }):
		return visible
	case o.namespace.Nested() && anyOf(pids, func(pid int) bool { return o.inner[pid] != "" }):
		return translated
	case anyOf(pids, o.namespace.Holds):
		return visible
	default:
		return foreign
	}
}

func anyOf(pids []int, is func(int) bool) bool {
	return slices.ContainsFunc(pids, is)
}

// report says what keeps a share from being known, if anything does, and else how pids are matched.
func report(matching visibility, devices []gpu.Device) visibility {
	var lists, uses = make(map[gpu.Availability]bool), make(map[gpu.Availability]bool)
	for i := range devices {
		d := &devices[i]
		if !d.Answers() || d.Suspended {
			continue
		}
		lists[d.ProcessList] = true
		if len(d.Processes.V) > 0 {
			uses[d.ProcessUse] = true
		}
	}
	switch {
	case matching == foreign:
		return foreign
	case lists[gpu.Failing] || uses[gpu.Failing]:
		return failing
	case lists[gpu.Unreliable]:
		return unreliable
	case matching == visibilityUnknown && lists[gpu.Unsupported]:
		return unsupported
	case uses[gpu.Unsupported] || uses[gpu.Unreliable]:
		return memoryOnly
	default:
		return matching
	}
}

// state is what was reported last.
func (o *owners) state() visibility {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.reported
}

// matches says whether the owner of a pid can be known at all.
func (o *owners) matches() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.matching != visibilityUnknown && o.matching != foreign
}

// instance is whose process it is; empty for those of others.
func (o *owners) instance(pid int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.matching == translated {
		return o.inner[pid]
	}
	if known := o.byPID[pid]; known != nil {
		return known.instance
	}
	return ""
}
