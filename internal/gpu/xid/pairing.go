package xid

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/pci"
)

// origin is the source that reported an XID. An XID that both report is counted once.
type origin uint8

const (
	fromDriver origin = iota
	fromKernel
)

const (
	// pairingWindow is how far apart the reports of the two sources about one XID may be: the
	// reader of the driver's events pauses for a second after a failure.
	pairingWindow = 5 * time.Second
	// burstGap is the longest time between two of the kernel's lines about one XID, and burstLength
	// that between the first and the last. Some errors of an engine have a line for each of its
	// registers, and each line waits for a serial console.
	burstGap    = 100 * time.Millisecond
	burstLength = 2 * time.Second
	// unlocatedAge is how long an XID of the kernel's log is kept until a GPU with its address is
	// found: the driver may still be starting.
	unlocatedAge = time.Minute
	reportLimit  = 64
)

// unpairedXID is an XID that one source has reported and the other has not.
type unpairedXID struct {
	code uint64
	from origin
	at   time.Time
}

// burst is when the first and the last line about an XID came, as time since boot.
type burst struct{ first, last time.Duration }

// confirms reports whether the other source has already reported this XID. Each report confirms one
// report only, so that of two XIDs with the same code none is lost.
func (c *counts) confirms(code uint64, from origin, now time.Time) bool {
	c.unpaired = slices.DeleteFunc(c.unpaired, func(r unpairedXID) bool { return now.Sub(r.at) > pairingWindow })
	i := slices.IndexFunc(c.unpaired, func(r unpairedXID) bool { return r.code == code && r.from != from })
	if i >= 0 {
		c.unpaired = slices.Delete(c.unpaired, i, i+1)
		return true
	}
	if len(c.unpaired) == reportLimit {
		c.unpaired = slices.Delete(c.unpaired, 0, 1)
	}
	c.unpaired = append(c.unpaired, unpairedXID{code, from, now})
	return false
}

// sameBurst reports whether a line of the kernel's log belongs to the XID of an earlier line.
func (c *counts) sameBurst(line kernelLine) bool {
	b, seen := c.bursts[line.code]
	same := seen && line.sinceBoot >= b.last && line.sinceBoot-b.last < burstGap && line.sinceBoot-b.first < burstLength
	if !same {
		b.first = line.sinceBoot
	}
	b.last = line.sinceBoot
	if seen || len(c.bursts) < codesLimit {
		c.bursts[line.code] = b
	}
	return same
}

// unlocated is an XID of the kernel's log whose GPU is not known.
type unlocated struct {
	kernelLine
	slot string
	at   time.Time
}

// addKernelLine counts the XID of a line of the kernel's log.
func (t *Counter) addKernelLine(line kernelLine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, slot := time.Now(), pci.Slot(line.address)
	if uuid, known := t.bySlot[slot]; known {
		t.countKernelLine(uuid, line, now)
		return
	}
	if len(t.unlocated) == reportLimit {
		t.unlocated = slices.Delete(t.unlocated, 0, 1)
		t.unmatched++
	}
	t.unlocated = append(t.unlocated, unlocated{line, slot, now})
}

func (t *Counter) countKernelLine(uuid string, line kernelLine, now time.Time) {
	if c := t.byGPU[uuid]; !c.sameBurst(line) && !c.confirms(line.code, fromKernel, now) {
		t.count(c, uuid, line.code, now)
	}
}
