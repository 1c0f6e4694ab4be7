package gpu

import (
	"errors"
	"sync/atomic"
)

// ErrImplausible means that the driver answered successfully with what cannot be true. A Handle may
// say so of an answer that has no number at all, such as NaN.
var ErrImplausible = errors.New("the driver's answer cannot be true")

// Group is what the driver was asked for, as far as it matters for counting the answers that cannot
// be true. One answer counts once, however many of its entries are wrong. An answer that means
// "unknown" does not count: not supported, 2^64-1 for the memory of a process, 32 for the
// performance state, entries of a list that were never filled.
type Group int

// The groups.
const (
	GroupClock Group = iota
	GroupEncoder
	GroupError
	GroupFan
	GroupIdentity
	GroupLink
	GroupMemory
	GroupPower
	GroupProcess
	GroupTemperature
	GroupUtilization
	groups
)

var groupNames = [groups]string{"clock", "encoder", "error", "fan", "identity", "link", "memory", "power", "process", "temperature", "utilization"}

// String is the name of the group as an attribute.
func (g Group) String() string { return groupNames[g] }

// Implausible is how many answers could not be true, by group, since the sampler was made.
type Implausible [groups]int64

// implausible counts for one GPU. Its worker adds, Observe reads.
type implausibleCounter [groups]atomic.Int64

func (c *implausibleCounter) add(g Group) { c[g].Add(1) }

func (c *implausibleCounter) counts() (n Implausible) {
	for g := range c {
		n[g] = c[g].Load()
	}
	return n
}

// group is what a field counts for.
func (f field) group() Group {
	switch {
	case f >= fieldNumber && f < fieldNumber+field(quantities):
		return quantitySpecs[f-fieldNumber].group
	case f == fieldMemory || f == fieldBAR1:
		return GroupMemory
	case f == fieldTemperature:
		return GroupTemperature
	case f == fieldPower || f == fieldEnergy:
		return GroupPower
	case f == fieldContexts || f == fieldProcessSamples:
		return GroupProcess
	case f == fieldRows:
		return GroupError
	case f == fieldEncoder:
		return GroupEncoder
	case f >= fieldFan:
		return GroupFan
	default:
		return GroupUtilization
	}
}

// errIfImplausible is nil if an answer can be true.
func errIfImplausible(plausible bool) error {
	if plausible {
		return nil
	}
	return ErrImplausible
}

// errOf is what a reading that is known or not means. Zero degrees, watts or megahertz is how a
// driver says that a board has no such sensor: that is no data, and nothing odd. The quantities
// have the same rule (Quantity.unknown).
func errOf(known, zero bool) error {
	if zero {
		return ErrNotFound
	}
	return errIfImplausible(known)
}

// reportCounts fills in the counts of answers that cannot be true and of readings that failed. MIG
// devices count for their GPU.
func (s *Sampler) reportCounts(devices []Device) {
	for i := range devices {
		if d := &devices[i]; d.UUID != "" && d.Parent == "" {
			usage := s.shared.usages.of(d.UUID)
			d.Implausible, d.Failures = usage.implausible.counts(), usage.failures.counts()
		}
	}
}
