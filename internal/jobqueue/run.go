package jobqueue

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// RunID identifies an attempt of a job on its host.
type RunID struct {
	// Job is the id, which is text of a user.
	Job string
	// Created is when the job was created; a retry keeps it. Zero where the file does not say.
	Created time.Time
	// Attempt counts from 1. A job that lay in failed at the first pass has had one.
	Attempt int
}

// Run is one attempt of a job. A time that cannot be known is absent.
type Run struct {
	RunID
	Trace  Trace
	Origin jobfile.Origin
	// Media of all steps; MediaMixed where they differ.
	Media jobfile.Media
	// Outcome is empty until the run has ended; Basis is what it rests on, Reason why an orphaned
	// one was lost.
	Outcome Outcome
	Basis   Basis
	Reason  LossReason
	// Queued is when the job came into the queue, Started when its first step started.
	Queued, Started reading.Value[time.Time]
	// Ended of an orphan is when it was last seen alive.
	Ended reading.Value[time.Time]
	// Contended says that a second runner took the job while the first was at it.
	Contended bool
	Steps     []Step
}

// Step is one step of a run.
type Step struct {
	// Outcome is empty for a step that runs, or to which the run did not come.
	Outcome        Outcome
	Started, Ended reading.Value[time.Time]
	jobfile.Traits
	// Target and Output are empty unless Settings.KeepPaths.
	Target, Output string
}

// Outcome is how a run or a step ended. The set is fixed, so that it may become an attribute.
type Outcome string

// The outcomes.
const (
	OutcomeCompleted Outcome = "completed"
	OutcomeFailed    Outcome = "failed"
	// OutcomeStopped: a user stopped it; FaceFusion writes that it failed.
	OutcomeStopped Outcome = "stopped"
	// OutcomeDeclined: the content filter refused the target; FaceFusion writes that it failed, and
	// only its log shows.
	OutcomeDeclined Outcome = "declined"
	// OutcomeOrphaned: whatever ran it is gone.
	OutcomeOrphaned Outcome = "orphaned"
	// OutcomeDeleted: its file was deleted while it ran.
	OutcomeDeleted Outcome = "deleted"
)

// Duration is how long the run took without its time in the queue.
func (r *Run) Duration() reading.Value[time.Duration] { return between(r.Started, r.Ended) }

// Wait is how long the job was in the queue before its first step started.
func (r *Run) Wait() reading.Value[time.Duration] { return between(r.Queued, r.Started) }

// Duration is how long the step took.
func (s *Step) Duration() reading.Value[time.Duration] { return between(s.Started, s.Ended) }

// between is absent when the clock was set back in the meantime.
func between(from, to reading.Value[time.Time]) reading.Value[time.Duration] {
	if !from.Known || !to.Known || to.V.Before(from.V) {
		return reading.Value[time.Duration]{}
	}
	return reading.Known(to.V.Sub(from.V))
}
