package xid

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/pci"
)

// Event is one XID.
type Event struct {
	// Time is when it was first reported.
	Time time.Time
	UUID string
	Code int
}

// Count is how often an XID came.
type Count struct {
	// Code is 0 for all that are not in Catalogue.
	Code  int
	Count int64
}

// GPUAddress is where a GPU is.
type GPUAddress struct {
	UUID       string
	PCIAddress string
}

const (
	// repeatWindow is how long after a GPU was registered anew an event may be a repetition of what
	// the session before has reported.
	repeatWindow = 100 * time.Millisecond
	// eventLimit bounds the events between two TakeEvents. What is beyond is counted.
	eventLimit = 1024
	// codeLimit is far beyond any XID.
	codeLimit = 1 << 16
	// codesLimit bounds how many different codes are remembered of a GPU.
	codesLimit = 4096
)

// Counter counts XIDs. It outlives the driver's sessions, and is safe for concurrent use.
type Counter struct {
	mu     sync.Mutex
	byGPU  map[string]*counts
	events []Event
	// suppressed is how many events there was no room for since the last TakeEvents, unmatched how
	// many XIDs belonged to no GPU that is watched.
	suppressed, unmatched int64
	// watch is how the watch of the driver's event sets goes, set the number of the present one.
	watch WatchStatus
	set   int
	// kernel says that the kernel's log is read as well, located which UUID is at which PCI
	// address, bySlot the same by the address in its log.
	kernel          bool
	located, bySlot map[string]string
	unlocated       []unlocated
	hint            hint
}

// NewCounter makes a tracker. onHint is called, from any goroutine, when an XID came that nobody
// has taken; it must not block, and may be nil.
func NewCounter(onHint func()) *Counter {
	return &Counter{byGPU: make(map[string]*counts), hint: hint{ask: onHint}, watch: WatchStatus{State: WatchUnavailable}}
}

// counts are those of one GPU.
type counts struct {
	byCode map[int]int64
	last   time.Time
	// seen are the codes as they were reported, to recognize a repetition.
	seen       map[uint64]bool
	sessions   int
	registered time.Time
	// set is the number of the event set that the GPU was registered in last; 0 for none.
	set int
	// unpaired are the reports of one source that the other has not confirmed, bursts the last
	// lines of the kernel's log by code.
	unpaired []unpairedXID
	bursts   map[uint64]burst
	// located says that the kernel's log is read for the GPU as well.
	located bool
}

// Register notes that a GPU is about to be watched: its first XID may come before the driver has
// answered.
func (t *Counter) Register(uuid string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.of(uuid)
	c.sessions++
	c.registered, c.set = now, t.set
}

// of returns the counts of a GPU, and begins them if there are none.
func (t *Counter) of(uuid string) *counts {
	c := t.byGPU[uuid]
	if c == nil {
		c = &counts{byCode: map[int]int64{0: 0}, seen: make(map[uint64]bool), bursts: make(map[uint64]burst)}
		for code, entry := range Catalogue {
			if entry.Grade == Hardware {
				c.byCode[code] = 0
			}
		}
		t.byGPU[uuid] = c
	}
	return c
}

// Withdraw takes a Register back.
func (t *Counter) Withdraw(uuid string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.byGPU[uuid]; c != nil {
		c.set = 0
		if c.sessions--; c.sessions == 0 && !c.located {
			delete(t.byGPU, uuid)
		}
	}
}

// addDriverReport counts what the driver's event set reported.
func (t *Counter) addDriverReport(r DriverReport, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.byGPU[r.UUID]
	if c == nil {
		t.unmatched++
		return
	}
	if c.sessions > 1 && c.seen[r.Code] && now.Sub(c.registered) < repeatWindow {
		return
	}
	if len(c.seen) < codesLimit {
		c.seen[r.Code] = true
	}
	if !t.kernel || !c.confirms(r.Code, fromDriver, now) {
		t.count(c, r.UUID, r.Code, now)
	}
}

// count counts an XID, whichever source reported it.
func (t *Counter) count(c *counts, uuid string, code uint64, now time.Time) {
	counted := 0
	if _, own := Catalogue[int(min(code, codeLimit))]; own {
		counted = int(code)
	}
	c.byCode[counted]++
	c.last = now
	if len(t.events) < eventLimit {
		t.events = append(t.events, Event{Time: now, UUID: uuid, Code: int(min(code, codeLimit))})
	} else {
		t.suppressed++
	}
	t.hint.request(now)
}

// Counts returns the counts of a GPU by code, in the order of the codes, and the time of its last
// XID, which is zero before the first. A count of zero is returned only while a source is watched:
// it says that there was none. known is false for a GPU of which nothing can be said.
func (t *Counter) Counts(uuid string) (list []Count, last time.Time, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.byGPU[uuid]
	if c == nil {
		return nil, time.Time{}, false
	}
	watched := t.watch.State == WatchWatching && c.set == t.set && c.set != 0 || t.kernel && c.located
	list = make([]Count, 0, len(c.byCode))
	for code, n := range c.byCode {
		if n > 0 || watched {
			list = append(list, Count{Code: code, Count: n})
		}
	}
	if len(list) == 0 {
		return nil, c.last, false
	}
	slices.SortFunc(list, func(a, b Count) int { return cmp.Compare(a.Code, b.Code) })
	return list, c.last, true
}

// TakeEvents returns what came since the call before, at most 1024 events, and how many more there
// were.
func (t *Counter) TakeEvents() (events []Event, suppressed int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	events, suppressed = t.events, t.suppressed
	t.events, t.suppressed = nil, 0
	t.hint.pending = false
	return events, suppressed
}

// Unmatched is how many XIDs were reported of GPUs that are not watched: excluded ones, and those
// that never said who they are.
func (t *Counter) Unmatched() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.unmatched
}

// SetKernelLog says whether the kernel's log is read now.
func (t *Counter) SetKernelLog(read bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kernel = read
}

// Locate says which GPUs the kernel's log is read for, and counts what it has reported of them
// already. Their counts begin, also where the driver has no events.
func (t *Counter) Locate(gpus []GPUAddress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kernel = true
	for _, gpu := range gpus {
		if gpu.PCIAddress == "" || t.located[gpu.PCIAddress] == gpu.UUID {
			continue
		}
		if t.located == nil {
			t.located, t.bySlot = make(map[string]string), make(map[string]string)
		}
		t.located[gpu.PCIAddress] = gpu.UUID
		t.of(gpu.UUID).located = true
		slot := pci.Slot(gpu.PCIAddress)
		t.bySlot[slot] = gpu.UUID
		t.unlocated = slices.DeleteFunc(t.unlocated, func(u unlocated) bool {
			if u.slot != slot {
				return false
			}
			t.countKernelLine(gpu.UUID, u.kernelLine, u.at)
			return true
		})
	}
	t.unlocated = slices.DeleteFunc(t.unlocated, func(u unlocated) bool {
		if time.Since(u.at) <= unlocatedAge {
			return false
		}
		t.unmatched++
		return true
	})
}
