package jobqueue

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// settleFor is for how long Gradio's word is awaited on whether a run was stopped: it is asked
// every 15 seconds.
const settleFor = 20 * time.Second

// claimAtEnd is for a run that was over before the processes were listed again.
func (f *jobsFolder) claimAtEnd(p *pass, j *job) {
	c := &j.attempt.claim
	if c.resolved || len(c.holders) > 0 || j.historic {
		return
	}
	if c.seen.IsZero() {
		c.seen = p.now
	}
	f.claim(p, j, gather(p.evidence, f.witnesses()))
}

// mayBeStopped says that the run is one of a living web UI whose buttons Gradio counts.
func (f *jobsFolder) mayBeStopped(j *job) bool {
	return j.attempt.run.Outcome == "" && !j.historic && slices.ContainsFunc(j.attempt.claim.holders, func(id ProcessID) bool {
		s := f.served[id]
		return s != nil && s.door(doorOf(j.attempt)).Known
	})
}

// settleFailure decides whether a run that failed was stopped or declined, once Gradio was asked
// after it and the log was read.
func (f *jobsFolder) settleFailure(p *pass, j *job, l *folderEvidence) {
	if outcome := f.logged(j, l); outcome != "" {
		f.concludeFailure(p, j, l, outcome, BasisLog)
		return
	}
	asked := !l.logRead || p.now.Sub(j.failedSeen) >= logWait
	for _, id := range j.attempt.claim.holders {
		s := f.served[id]
		if s == nil {
			continue
		}
		d := s.door(doorOf(j.attempt))
		if d.stops > d.Stops {
			d.Stops++
			f.dirty = true
			f.concludeFailure(p, j, l, OutcomeStopped, BasisStopCall)
			return
		}
		asked = asked && d.At.Sub(j.failedSeen) >= time.Second
	}
	switch {
	case !asked && p.now.Sub(j.failedSeen) < settleFor:
	case l.logRead && f.refusedInSilence(j, l):
		f.concludeFailure(p, j, l, OutcomeDeclined, BasisLog)
	default:
		f.concludeFailure(p, j, l, OutcomeFailed, BasisFile)
	}
}

func (f *jobsFolder) concludeFailure(p *pass, j *job, l *folderEvidence, outcome Outcome, basis Basis) {
	f.keepFailedImage(p, j, l)
	j.dir = jobsdir.Failed
	f.conclude(p, j, StateFailed, outcome, j.failedEnd, basis)
}
