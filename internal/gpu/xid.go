package gpu

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"
)

// XID is an error that the driver reported about a GPU (https://docs.nvidia.com/deploy/xid-errors/).
type XID struct {
	// Time is when it was heard of.
	Time time.Time
	UUID string
	Code int
}

// XIDCount is how often an XID came.
type XIDCount struct {
	// Code is 0 for all that are not on the list of CountedXIDs.
	Code  int
	Count int64
}

// CountedXIDs are those with a count of their own; the others are counted together. With true, the count is told before there is one: these mean that a GPU
// must be reset or replaced, and a rate does not see the first of a count that appears with it.
var CountedXIDs = map[int]bool{
	13:  false, // graphics engine exception: the program's fault most of the time
	31:  false, // memory page fault: likewise
	32:  false, // invalid or corrupted push buffer stream
	43:  false, // GPU stopped processing: likewise
	45:  false, // preemptive cleanup, after another one
	48:  true,  // double bit ECC error
	61:  false, // internal micro-controller breakpoint
	62:  false, // internal micro-controller halt
	63:  false, // row remapping or page retirement recorded
	64:  true,  // row remapping or page retirement failed
	68:  false, // video processor exception
	69:  false, // graphics engine class error
	74:  true,  // NVLink error
	79:  true,  // fallen off the bus
	92:  false, // high rate of single bit ECC errors
	94:  true,  // contained ECC error
	95:  true,  // uncontained ECC error
	119: true,  // GSP does not answer
	120: true,  // GSP error
	140: true,  // unrecovered ECC error
	154: true,  // recovery action changed: the driver says that a reset or a reboot is due
}

const (
	// xidWait is how long a wait in the driver lasts: closing takes as long.
	xidWait = 250 * time.Millisecond
	// xidPause is the pause after a wait that failed, as it does while a registered GPU is lost.
	xidPause = time.Second
	// xidSettle is how long after a GPU was registered anew what comes may be a repetition of what the session before has told.
	xidSettle = 100 * time.Millisecond
	freshXIDs = 64
	// codeLimit is far beyond any XID.
	codeLimit = 1 << 16
)

// xids count. They outlive sessions.
type xids struct {
	mu    sync.Mutex
	byGPU map[string]*xidCounts
	fresh []XID
	// kernel says that the kernel's log is read as well, located which UUID is at which PCI address, byAddress the same by the address in its log.
	kernel             bool
	located, byAddress map[string]string
	unlocated          []unlocated
	hint               xidHint
}

type xidCounts struct {
	counts map[int]int64
	last   time.Time
	// codes are those that came as they came, to know a repetition by.
	codes      map[uint64]bool
	sessions   int
	registered time.Time
	// reports are those that only one source has told of, bursts the last lines of the kernel by code.
	reports []xidReport
	bursts  map[uint64]burst
	// located says that the kernel's log tells of the GPU as well.
	located bool
}

// register notes that a GPU is about to be watched: its first XID may come before the driver has answered.
func (x *xids) register(uuid string, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := x.begin(uuid)
	c.sessions++
	c.registered = now
}

// begin returns the counts of a GPU, and makes them if there are none.
func (x *xids) begin(uuid string) *xidCounts {
	if x.byGPU == nil {
		x.byGPU = make(map[string]*xidCounts)
	}
	c := x.byGPU[uuid]
	if c == nil {
		c = &xidCounts{counts: map[int]int64{0: 0}, codes: make(map[uint64]bool), bursts: make(map[uint64]burst)}
		for code, early := range CountedXIDs {
			if early {
				c.counts[code] = 0
			}
		}
		x.byGPU[uuid] = c
	}
	return c
}

// withdraw takes a register back.
func (x *xids) withdraw(uuid string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if c := x.byGPU[uuid]; c != nil {
		if c.sessions--; c.sessions == 0 && !c.located {
			delete(x.byGPU, uuid)
		}
	}
}

// count counts what the driver told.
func (x *xids) count(e XIDEvent, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := x.byGPU[e.UUID]
	if c == nil {
		return
	}
	if c.sessions > 1 && c.codes[e.Code] && now.Sub(c.registered) < xidSettle {
		return
	}
	if len(c.codes) < processLimit {
		c.codes[e.Code] = true
	}
	if !x.kernel || !c.again(e.Code, fromDriver, now) {
		x.add(c, e.UUID, e.Code, now)
	}
}

// add counts an XID, whoever told of it.
func (x *xids) add(c *xidCounts, uuid string, code uint64, now time.Time) {
	counted := 0
	if _, there := CountedXIDs[int(min(code, codeLimit))]; there {
		counted = int(code)
	}
	c.counts[counted]++
	c.last = now
	if len(x.fresh) < freshXIDs {
		x.fresh = append(x.fresh, XID{Time: now, UUID: uuid, Code: int(min(code, codeLimit))})
	}
	x.hint.give(now)
}

// tell fills in what was counted, and returns what is new.
func (x *xids) tell(devices []Device) []XID {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range devices {
		c := x.byGPU[devices[i].UUID]
		if c == nil {
			continue
		}
		list := make([]XIDCount, 0, len(c.counts))
		for code, n := range c.counts {
			list = append(list, XIDCount{Code: code, Count: n})
		}
		slices.SortFunc(list, func(a, b XIDCount) int { return cmp.Compare(a.Code, b.Code) })
		devices[i].XIDs.V, devices[i].XIDs.Known, devices[i].LastXID = list, true, c.last
	}
	fresh := x.fresh
	x.fresh = nil
	x.hint.given = false
	return fresh
}

// watch waits for XIDs until the session is over. It runs in a goroutine of its own.
func (x *xids) watch(events Events, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		default:
		}
		event, err := events.Wait(xidWait)
		switch {
		case err == nil:
			x.count(event, time.Now())
		case errors.Is(err, ErrNotFound):
		case endsSession(err):
			return
		default:
			select {
			case <-over:
				return
			case <-time.After(xidPause):
			}
		}
	}
}

// watchXIDs starts to wait for the XIDs of a session.
func (s *Sampler) watchXIDs(session *sharedSession) {
	if session.events == nil {
		return
	}
	session.acquire()
	s.running.Go(func() {
		defer session.release()
		s.shared.xids.watch(session.events, session.over)
	})
}
