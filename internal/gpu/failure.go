package gpu

import (
	"errors"
	"sync/atomic"
)

// FailureReason is why a reading failed; failures are counted by it.
type FailureReason int

// The reasons. NotSupported and NoData count only for a reading that succeeded before: one that
// never did is not a failure.
const (
	FailureOther FailureReason = iota
	FailureUnknown
	FailureInvalidArgument
	FailureNoPermission
	FailureTimeout
	FailureNotSupported
	FailureNoData
	failureReasons
)

var failureNames = [failureReasons]string{"other", "unknown", "invalid_argument", "no_permission", "timeout", "not_supported", "no_data"}

// String is the reason as an attribute.
func (r FailureReason) String() string { return failureNames[r] }

// reasonOf classifies an error. It is false for what is not a failure of a reading: no error, an
// implausible answer (which is counted as such), and the loss of the whole GPU.
func reasonOf(err error) (FailureReason, bool) {
	switch {
	case err == nil, errors.Is(err, ErrImplausible), errors.Is(err, ErrLost), errors.Is(err, ErrResetRequired), endsSession(err):
		return 0, false
	case errors.Is(err, ErrNotSupported):
		return FailureNotSupported, true
	case errors.Is(err, ErrNotFound):
		return FailureNoData, true
	case errors.Is(err, ErrInvalidArgument):
		return FailureInvalidArgument, true
	case errors.Is(err, ErrNoPermission):
		return FailureNoPermission, true
	case errors.Is(err, ErrTimeout):
		return FailureTimeout, true
	case errors.Is(err, ErrUnknown):
		return FailureUnknown, true
	default:
		return FailureOther, true
	}
}

// Failures is the number of failed readings since NewSampler, by group and reason.
type Failures [groups][failureReasons]int64

// failureCounter counts the failures of one GPU. Its worker increments, Observe reads.
type failureCounter [groups][failureReasons]atomic.Int64

func (c *failureCounter) add(g Group, r FailureReason) { c[g][r].Add(1) }

func (c *failureCounter) counts() (n Failures) {
	for g := range c {
		for r := range c[g] {
			n[g][r] = c[g][r].Load()
		}
	}
	return n
}

// MissingReading is a reading that a GPU returned before and does not return any more.
type MissingReading struct {
	// Name of the reading, for example "power".
	Name string
	// Err is the last error of the driver.
	Err error
}

// missingAfter is how many times in a row a reading must fail before it is reported as missing.
const missingAfter = 3

// presence records whether a reading succeeds. Only the GPU's worker uses it. It outlives handles:
// a reading that a GPU no longer returns stays missing after the GPU came back.
type presence struct {
	had bool
	// failed is the number of failures in a row, err the last error.
	failed int
	err    error
}

func (p *presence) answered() { *p = presence{had: true} }

// failedWith records a failure. A reading that is not supported is retried rarely, so that one such
// failure makes it missing.
func (p *presence) failedWith(err error) {
	p.failed++
	if errors.Is(err, ErrNotSupported) {
		p.failed = max(p.failed, missingAfter)
	}
	p.err = err
}

// missing reports whether the reading succeeded before and does not now. A counter that fails with
// ErrTooNarrow is missing as well, because the GPU has it.
func (p *presence) missing() bool {
	return p.failed >= missingAfter && (p.had || errors.Is(p.err, ErrTooNarrow))
}

// failedCall is a call of the current pass that failed.
type failedCall struct {
	field field
	err   error
	// ofMIG means that the call was about a MIG device, for which presence is not recorded.
	ofMIG bool
}

// note records the result of a call. Failures are counted at the end of the pass: if the GPU
// answered no call, it is unhealthy as a whole and no single reading has failed.
func (g *acquiredGPU) note(f field, err error, ofMIG bool) {
	if err != nil && (!f.mayBeEmpty() || !errors.Is(err, ErrNotFound)) {
		g.failed = append(g.failed, failedCall{f, err, ofMIG})
	} else if !ofMIG {
		g.usage.presence[f].answered()
	}
}

// settleFailures counts the failures of a pass in which the GPU answered at least one call.
func (g *acquiredGPU) settleFailures() {
	for _, c := range g.failed {
		p := &g.usage.presence[c.field]
		reason, counts := reasonOf(c.err)
		if reason == FailureNotSupported || reason == FailureNoData {
			counts = counts && !c.ofMIG && p.had
		}
		if counts {
			g.usage.failures.add(c.field.group(), reason)
		}
		if !c.ofMIG {
			p.failedWith(c.err)
		}
	}
}

// mayBeEmpty reports whether ErrNotFound is a regular result: nothing new, or no process.
func (f field) mayBeEmpty() bool {
	return f >= fieldBuffer && f < fieldNumber || f == fieldProcessSamples || f == fieldProfile || f == fieldContexts
}

// availability returns why a reading of this pass is absent.
func (g *acquiredGPU) availability(f field) Availability {
	if p := &g.usage.presence[f]; p.failed > 0 {
		return absence(p.err)
	}
	return Available
}

// absence returns the Availability for an error.
func absence(err error) Availability {
	switch {
	case err == nil, errors.Is(err, ErrImplausible), errors.Is(err, ErrNotFound):
		return Available
	case errors.Is(err, ErrUnreliable):
		return Unreliable
	case errors.Is(err, ErrNotSupported):
		return Unsupported
	default:
		return Failing
	}
}

// missing lists the readings that the GPU does not return any more.
func (g *acquiredGPU) missing() (list []MissingReading) {
	for f := range g.usage.presence {
		if p := &g.usage.presence[f]; p.missing() {
			list = append(list, MissingReading{Name: field(f).String(), Err: p.err})
		}
	}
	return list
}
