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
	// Time is when a source first reported it.
	Time time.Time
	UUID string
	Code int
}

// Count is the number of XIDs with one code.
type Count struct {
	// Code is 0 for all codes that are not in Catalogue.
	Code  int
	Count int64
}

// GPUAddress is the PCI address of a GPU.
type GPUAddress struct {
	UUID       string
	PCIAddress string
}

const (
	// repeatWindow is how long after a GPU was registered again an event may repeat one of the
	// previous session.
	repeatWindow = 100 * time.Millisecond
	// eventLimit bounds the events between two TakeEvents. Further events are only counted.
	eventLimit = 1024
	// codeLimit is far above any code.
	codeLimit = 1 << 16
	// codesLimit bounds the number of different codes of a GPU.
	codesLimit = 4096
)

// Counter counts XIDs. It outlives the driver's sessions, and is safe for concurrent use.
type Counter struct {
	mu     sync.Mutex
	byGPU  map[string]*counts
	events []Event
	// suppressed is the number of events above eventLimit since the last TakeEvents, unmatched the
	// number of XIDs of GPUs that are not observed.
	suppressed, unmatched int64
	// watch is the status of the driver's event sets, set the number of the current one.
	watch WatchStatus
	set   int
	// kernel means that the kernel's log is read as well. located maps UUIDs to PCI addresses,
	// bySlot maps addresses in the form of the kernel's log to UUIDs.
	kernel          bool
	located, bySlot map[string]string
	unlocated       []unlocated
	hint            hint
}

// NewCounter creates a counter. onHint is called, from any goroutine, when there are new events for
// TakeEvents; it must not block, and may be nil.
func NewCounter(onHint func()) *Counter {
	return &Counter{byGPU: make(map[string]*counts), hint: hint{ask: onHint}, watch: WatchStatus{State: WatchUnavailable}}
}

// counts is the state of one GPU.
type counts struct {
	byCode map[int]int64
	last   time.Time
	// seen are the reported codes, to recognize repetitions.
	seen       map[uint64]bool
	sessions   int
	registered time.Time
	// set is the number of the event set in which the GPU was last registered; 0 for none.
	set int
	// unpaired are the reports of one source that the other has not confirmed. bursts are the
	// latest bursts of lines in the kernel's log, by code.
	unpaired []unpairedXID
	bursts   map[uint64]burst
	// located means that the kernel's log is read for the GPU as well.
	located bool
}

// Register records that a GPU is about to be registered in the current event set. It is called
// before the driver's registration, because the first XID may come before that has returned.
func (t *Counter) Register(uuid string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.of(uuid)
	c.sessions++
	c.registered, c.set = now, t.set
}

// of returns the counts of a GPU, and creates them if there are none.
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

// Withdraw reverts a Register after the driver's registration failed.
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

// addDriverReport counts a report of the driver's event set.
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

// count counts an XID from either source.
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
// XID, which is zero before the first. A count of zero is returned only while a source is read, and
// means that there was no such XID. known is false for a GPU for which no source has been read.
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

// TakeEvents returns the events since the previous call, at most 1024, and how many more there
// were.
func (t *Counter) TakeEvents() (events []Event, suppressed int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	events, suppressed = t.events, t.suppressed
	t.events, t.suppressed = nil, 0
	t.hint.pending = false
	return events, suppressed
}

// Unmatched returns the number of XIDs of GPUs that are not observed: excluded ones, and those
// whose identity was never read.
func (t *Counter) Unmatched() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.unmatched
}

// SetKernelLog sets whether the kernel's log is read now.
func (t *Counter) SetKernelLog(read bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kernel = read
}

// Locate sets the GPUs for which the kernel's log is read, and counts what it has already reported
// for them. Their counts begin at zero, also if the driver has no event sets.
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
