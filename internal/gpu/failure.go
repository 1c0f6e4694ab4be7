package gpu

import (
	"errors"
	"sync/atomic"
)

// FailureReason is why a reading failed, as far as it matters for counting.
type FailureReason int

// The reasons. NotSupported and NoData count only for a reading that the GPU has had before: what
// it never had is no failure.
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

// reasonOf names the reason of an error. It is false for what is no failure of a reading:
// none, an answer that cannot be true (which is counted as such), and the loss of the whole GPU.
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

// Failures is how many readings failed, by group and reason, since the sampler was made.
type Failures [groups][failureReasons]int64

// failureCounter counts for one GPU. Its worker adds, Observe reads.
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

// MissingReading is a reading that a GPU has had and does not answer any more.
type MissingReading struct {
	// Name is what is missing, for example "power".
	Name string
	// Err is what the driver answered last.
	Err error
}

// missingAfter is how many times in a row a reading must have failed before it is called missing.
const missingAfter = 3

// presence is whether a reading is there. It belongs to the GPU's worker, and outlives handles:
// after a GPU came back, what it does not answer any more is still missing.
type presence struct {
	had bool
	// failed is how many times in a row it was not answered, err why at last.
	failed int
	err    error
}

func (p *presence) answered() { *p = presence{had: true} }

// failedWith notes that there was no answer. NOT_SUPPORTED is asked for again rarely, so that it
// counts at once.
func (p *presence) failedWith(err error) {
	p.failed++
	if errors.Is(err, ErrNotSupported) {
		p.failed = max(p.failed, missingAfter)
	}
	p.err = err
}

// missing says that the reading was there and is not. One that is withheld because its counter is
// too narrow is missing as well: the GPU has it.
func (p *presence) missing() bool {
	return p.failed >= missingAfter && (p.had || errors.Is(p.err, ErrTooNarrow))
}

// failedCall is a call of the pass under way that had no answer.
type failedCall struct {
	field field
	err   error
	// ofMIG says that the call was about a MIG device of the GPU, of which nothing is remembered.
	ofMIG bool
}

// note keeps what became of a call. A failure waits for the end of the pass: while the GPU answers
// nothing at all, that is its state, and no reading has failed by itself.
func (g *acquiredGPU) note(f field, err error, ofMIG bool) {
	if err != nil && (!f.mayBeEmpty() || !errors.Is(err, ErrNotFound)) {
		g.failed = append(g.failed, failedCall{f, err, ofMIG})
	} else if !ofMIG {
		g.usage.presence[f].answered()
	}
}

// settleFailures counts the failures of a pass in which the GPU answered something.
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

// mayBeEmpty says whether "not found" is an answer: there is nothing new, or no process.
func (f field) mayBeEmpty() bool {
	return f >= fieldBuffer && f < fieldNumber || f == fieldProcessSamples || f == fieldProfile || f == fieldContexts
}

// availability says why a reading of this pass is absent.
func (g *acquiredGPU) availability(f field) Availability {
	if p := &g.usage.presence[f]; p.failed > 0 {
		return absence(p.err)
	}
	return Available
}

// absence says why there is no reading after an error.
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

// missing lists what the GPU does not answer any more.
func (g *acquiredGPU) missing() (list []MissingReading) {
	for f := range g.usage.presence {
		if p := &g.usage.presence[f]; p.missing() {
			list = append(list, MissingReading{Name: field(f).String(), Err: p.err})
		}
	}
	return list
}
