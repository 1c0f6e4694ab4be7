package gpu

import (
	"slices"
	"strings"
	"time"
)

// xidSource is who told of an XID. An XID that both tell of is counted once.
type xidSource uint8

const (
	fromDriver xidSource = iota
	fromKernel
)

const (
	// xidPairing is how far apart the words of the two sources for one XID may be: the watch of the driver's events pauses for a second after a failure.
	xidPairing = 5 * time.Second
	// kernelGap is how far apart the lines of one XID in the kernel's log may be, and kernelBurst how long they may go on. Some errors of an engine have a line
	// for each of its registers, and each line waits for a serial console.
	kernelGap   = 100 * time.Millisecond
	kernelBurst = 2 * time.Second
	// unlocatedAge is how long an XID of the kernel's log waits for a GPU with that address: the driver may just be starting.
	unlocatedAge = time.Minute
	reportLimit  = 64
)

// xidReport is an XID that one source has told of and the other has not.
type xidReport struct {
	code uint64
	from xidSource
	at   time.Time
}

// burst is when lines about an XID began and went on, since the boot.
type burst struct{ first, last time.Duration }

// again says whether a report is about an XID that the other source has told of. Each answers for one: of two XIDs with the same code, none is lost.
func (c *xidCounts) again(code uint64, from xidSource, now time.Time) bool {
	c.reports = slices.DeleteFunc(c.reports, func(r xidReport) bool { return now.Sub(r.at) > xidPairing })
	i := slices.IndexFunc(c.reports, func(r xidReport) bool { return r.code == code && r.from != from })
	if i >= 0 {
		c.reports = slices.Delete(c.reports, i, i+1)
		return true
	}
	if len(c.reports) == reportLimit {
		c.reports = slices.Delete(c.reports, 0, 1)
	}
	c.reports = append(c.reports, xidReport{code, from, now})
	return false
}

// sameBurst says whether a line of the kernel's log belongs to the XID of a line before.
func (c *xidCounts) sameBurst(k kernelXID) bool {
	b, seen := c.bursts[k.code]
	same := seen && k.stamp >= b.last && k.stamp-b.last < kernelGap && k.stamp-b.first < kernelBurst
	if !same {
		b.first = k.stamp
	}
	b.last = k.stamp
	if seen || len(c.bursts) < processLimit {
		c.bursts[k.code] = b
	}
	return same
}

// unlocated is an XID of the kernel's log whose GPU is not known.
type unlocated struct {
	kernelXID
	at time.Time
}

// hear counts what the kernel's log has. It is called by the goroutine that reads it.
func (x *xids) hear(k kernelXID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	k.address = shortAddress(k.address)
	if uuid, known := x.byAddress[k.address]; known {
		x.countKernel(uuid, k, now)
		return
	}
	if len(x.unlocated) == reportLimit {
		x.unlocated = slices.Delete(x.unlocated, 0, 1)
	}
	x.unlocated = append(x.unlocated, unlocated{k, now})
}

func (x *xids) countKernel(uuid string, k kernelXID, now time.Time) {
	if c := x.byGPU[uuid]; !c.sameBurst(k) && !c.again(k.code, fromKernel, now) {
		x.add(c, uuid, k.code, now)
	}
}

// locate says which GPUs the kernel's log is read for, and counts what it has told of them already. Their counts begin, also where the driver has no events.
func (x *xids) locate(known []Identity) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.kernel = true
	for _, id := range known {
		if id.PCIAddress == "" || x.located[id.PCIAddress] == id.UUID {
			continue
		}
		if x.located == nil {
			x.located, x.byAddress = make(map[string]string), make(map[string]string)
		}
		x.located[id.PCIAddress] = id.UUID
		x.begin(id.UUID).located = true
		address, _, _ := strings.Cut(shortAddress(id.PCIAddress), ".")
		x.byAddress[address] = id.UUID
		x.unlocated = slices.DeleteFunc(x.unlocated, func(u unlocated) bool {
			if u.address != address {
				return false
			}
			x.countKernel(id.UUID, u.kernelXID, u.at)
			return true
		})
	}
	x.unlocated = slices.DeleteFunc(x.unlocated, func(u unlocated) bool { return time.Since(u.at) > unlocatedAge })
}

// listen has the kernel's log read, if it is to be.
func (s *Sampler) listen() KernelLog {
	if s.kernelLog == nil {
		return KernelLog{}
	}
	s.kernelLog.start(&s.running)
	now := s.kernelLog.latest()
	if now.State == KernelLogRead {
		s.shared.xids.locate(s.known)
	}
	return now
}
