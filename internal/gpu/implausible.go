package gpu

import (
	"errors"
	"sync/atomic"
)

// ErrImplausible means that a call succeeded with an implausible value. A Handle may return it for
// a value that is not a number, such as NaN.
var ErrImplausible = errors.New("the driver's answer cannot be true")

// Group is the kind of reading by which implausible answers and failures are counted. One answer
// counts once, however many of its entries are implausible. An answer that means "unknown" does not
// count: not supported, 2^64-1 for the memory of a process, 32 for the performance state, entries
// of a list that were never filled.
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

// Implausible is the number of implausible answers since NewSampler, by group.
type Implausible [groups]int64

// implausibleCounter counts the implausible answers of one GPU. Its worker increments, Observe
// reads.
type implausibleCounter [groups]atomic.Int64

func (c *implausibleCounter) add(g Group) { c[g].Add(1) }

func (c *implausibleCounter) counts() (n Implausible) {
	for g := range c {
		n[g] = c[g].Load()
	}
	return n
}

// group returns the group that a field is counted in.
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

// errIfImplausible returns nil if plausible, else ErrImplausible.
func errIfImplausible(plausible bool) error {
	if plausible {
		return nil
	}
	return ErrImplausible
}

// errOf returns nil for a known reading and ErrImplausible for an unknown one, but ErrNotFound if
// the driver's value was zero: a board without the sensor reports zero degrees, watts or megahertz.
// Quantity.unknown has the same rule.
func errOf(known, zero bool) error {
	if zero {
		return ErrNotFound
	}
	return errIfImplausible(known)
}

// reportCounts fills in the numbers of implausible answers and of failed readings. Those of MIG
// devices are counted for their GPU.
func (s *Sampler) reportCounts(devices []Device) {
	for i := range devices {
		if d := &devices[i]; d.UUID != "" && d.Parent == "" {
			usage := s.shared.usages.of(d.UUID)
			d.Implausible, d.Failures = usage.implausible.counts(), usage.failures.counts()
		}
	}
}
