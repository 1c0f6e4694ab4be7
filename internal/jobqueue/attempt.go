package jobqueue

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// attempt is a run under way: what the versions of its file that were seen say together.
type attempt struct {
	run Run
	// raw are the statuses as the file had them last, updated the date that it bore.
	raw     []jobfile.Status
	updated time.Time
	// leftover marks statuses that an earlier attempt left: a job that is run anew without a retry
	// keeps them until its runner comes to the step.
	leftover []bool
	// counted marks steps that are in the totals.
	counted []bool
	// claim is which processes can have the run.
	claim claim
	// keptClaim is what of it will be kept on disk.
	keptClaim savedClaim
	// inOneGo: FaceFusion created, queued and started the job at once.
	inOneGo bool
	// published is a copy of run for the snapshots; nil when run has changed since.
	published *Run
}

// newAttempt begins with what the file says.
func newAttempt(id RunID, origin jobfile.Origin, doc *jobfile.Document) *attempt {
	a := &attempt{
		run:      Run{RunID: id, Trace: TraceOf(id), Origin: origin, Steps: make([]Step, len(doc.Steps))},
		raw:      make([]jobfile.Status, len(doc.Steps)),
		leftover: make([]bool, len(doc.Steps)),
		counted:  make([]bool, len(doc.Steps)),
		inOneGo:  id.Attempt == 1 && !id.Created.IsZero() && jobfile.Suggested(id.Job),
	}
	for i, s := range doc.Steps {
		a.raw[i] = jobfile.StatusQueued
		a.run.Steps[i].Traits = s.Traits
		switch {
		case i == 0:
			a.run.Media = s.Traits.Media
		case a.run.Media != s.Traits.Media:
			a.run.Media = jobfile.MediaMixed
		}
	}
	if len(doc.Steps) == 0 {
		a.run.Media = jobfile.MediaOther
	}
	if a.inOneGo {
		a.run.Queued = reading.Known(id.Created)
	}
	return a
}

// keepPaths puts the paths of the steps into the run, where that is wanted.
func (f *jobsFolder) keepPaths(a *attempt, doc *jobfile.Document) {
	if !f.settings.KeepPaths {
		return
	}
	for i := range a.run.Steps {
		paths := doc.Paths(i)
		a.run.Steps[i].Target, a.run.Steps[i].Output = paths.Target, paths.Output
	}
}

// newRerun is an attempt that began with the version at hand: all but its started step is what the
// one before left.
func newRerun(id RunID, origin jobfile.Origin, doc *jobfile.Document) *attempt {
	a := newAttempt(id, origin, doc)
	begun := false
	for i, s := range doc.Steps {
		a.raw[i] = s.Status
		a.leftover[i] = begun || s.Status != jobfile.StatusStarted
		if !a.leftover[i] {
			begun = true
			a.raw[i] = jobfile.StatusQueued
		}
	}
	return a
}

// restarted says that the version was not written by the runner of this attempt: a runner sets no
// step back, and starts none twice.
func (a *attempt) restarted(doc *jobfile.Document) bool {
	same, started := true, false
	for i, s := range doc.Steps {
		before := a.status(i)
		switch {
		case a.leftover[i]:
		case before.Ended() && !s.Status.Ended(), before == jobfile.StatusStarted && s.Status == jobfile.StatusQueued:
			return true
		}
		same = same && s.Status == a.raw[i]
		started = started || before == jobfile.StatusStarted
	}
	return same && started && doc.Updated.After(a.updated)
}

// absorb takes in the version that was written at the given time. That is the time of the last
// thing that happened; what happened between this version and the one before it is known as far as
// it follows from that: a step starts within milliseconds after the one before it ended.
func (a *attempt) absorb(doc *jobfile.Document, at time.Time) {
	before := slices.Clone(a.raw)
	for i := range doc.Steps {
		before[i] = a.status(i)
	}
	a.take(doc)
	a.published = nil
	if current := a.current(); current >= 0 {
		if before[current] != jobfile.StatusStarted {
			a.run.Steps[current].Started = reading.Known(at)
			if current > 0 {
				known(&a.run.Steps[current-1].Ended, at)
			}
		}
	} else if last := a.last(); last >= 0 && before[last] != a.status(last) {
		known(&a.run.Steps[last].Ended, at)
		if last > 0 && a.run.Steps[last-1].Ended.Known {
			known(&a.run.Steps[last].Started, a.run.Steps[last-1].Ended.V)
		}
	}
	if len(a.run.Steps) > 0 && !a.run.Started.Known {
		a.run.Started = a.run.Steps[0].Started
	}
}

// take keeps the statuses and the outcomes that follow from them.
func (a *attempt) take(doc *jobfile.Document) {
	a.updated = doc.Updated
	reached := true // all steps before this one have ended
	for i, s := range doc.Steps {
		if s.Status != a.raw[i] || reached && s.Status == jobfile.StatusStarted {
			a.leftover[i] = false
		}
		a.raw[i] = s.Status
		switch a.status(i) {
		case jobfile.StatusCompleted:
			a.run.Steps[i].Outcome = OutcomeCompleted
		case jobfile.StatusFailed:
			a.run.Steps[i].Outcome = OutcomeFailed
		default:
			if a.run.Outcome == "" {
				a.run.Steps[i].Outcome = ""
			}
		}
		reached = reached && a.status(i).Ended()
	}
}

// end closes the run. at is absent where it cannot be known.
func (a *attempt) end(outcome Outcome, at reading.Value[time.Time], basis Basis, reason LossReason) {
	a.published = nil
	a.run.Outcome, a.run.Ended, a.run.Basis, a.run.Reason = outcome, at, basis, reason
	if a.inOneGo && len(a.run.Steps) > 0 {
		known(&a.run.Started, a.run.Created)
		known(&a.run.Steps[0].Started, a.run.Created)
	}
	if current := a.current(); current >= 0 {
		a.run.Steps[current].Outcome, a.run.Steps[current].Ended = outcome, at
	}
}

// state is what the statuses say, of a file in queued.
func (a *attempt) state() JobState {
	ended, failed := 0, false
	for i := range a.raw {
		switch a.status(i) {
		case jobfile.StatusStarted:
			return StateRunning
		case jobfile.StatusFailed:
			failed = true
			ended++
		case jobfile.StatusCompleted:
			ended++
		}
	}
	switch {
	case ended == 0:
		return StateWaiting
	case failed || ended == len(a.raw):
		return StateFinalizing
	default:
		return StateRunning // between two steps
	}
}

// running says that the attempt has begun and not ended; there may be none.
func (a *attempt) running() bool {
	return a != nil && a.run.Outcome == "" && a.state() != StateWaiting
}

// current is the step that runs, -1 where none does. Steps run one after the other.
func (a *attempt) current() int {
	for i := range a.raw {
		if a.status(i) == jobfile.StatusStarted {
			return i
		}
	}
	return -1
}

// last is the last step that ended, -1 where none did.
func (a *attempt) last() int {
	for i := range slices.Backward(a.raw) {
		if a.status(i).Ended() {
			return i
		}
	}
	return -1
}

// failedStep is the one that failed, nil where none did, and when it started, as far as is known.
func (a *attempt) failedStep() (*Step, reading.Value[time.Time]) {
	for i := range a.raw {
		if a.status(i) != jobfile.StatusFailed {
			continue
		}
		step := &a.run.Steps[i]
		switch {
		case step.Started.Known:
			return step, step.Started
		case i == 0 && a.inOneGo:
			return step, reading.Known(a.run.Created)
		default:
			return step, a.run.Started
		}
	}
	return nil, reading.Value[time.Time]{}
}

func (a *attempt) status(i int) jobfile.Status {
	if a.leftover[i] {
		return jobfile.StatusQueued
	}
	return a.raw[i]
}

// publish is a copy that nobody changes.
func (a *attempt) publish() *Run {
	if a.published == nil {
		run := a.run
		run.Steps = slices.Clone(run.Steps)
		a.published = &run
	}
	return a.published
}

// known sets what is not known yet.
func known(v *reading.Value[time.Time], at time.Time) {
	if !v.Known {
		*v = reading.Known(at)
	}
}
