package jobqueue

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// transition changes the state of a job, and emits the event.
func (f *jobsFolder) transition(p *pass, j *job, to JobState, at time.Time) {
	f.transitionOn(p, j, to, at, BasisFile)
}

// transitionOn is transition for what does not rest on the file alone.
func (f *jobsFolder) transitionOn(p *pass, j *job, to JobState, at time.Time, basis Basis) {
	from := j.state
	f.setState(j, to, at)
	if f.shared() && from != to {
		j.since = p.now // at is of another clock
	}
	if !j.justEnded && (from == to || from == StateNone && j.historic) {
		return // the end of a run is a change, also of a job that lay there at the first pass
	}
	f.change(p, j, from, to, at, basis)
}

// change notes a transition, or with the same state twice the end of a run whose job was there
// already.
func (f *jobsFolder) change(p *pass, j *job, from, to JobState, at time.Time, basis Basis) {
	c := Change{Time: at, Instance: f.instances[0], Job: jobsdir.JobID(j.name), From: from, To: to, Basis: basis}
	if j.attempt != nil {
		c.Run = j.attempt.publish()
	}
	if j.justEnded {
		c.Ended, j.justEnded = true, false
	}
	p.changes = append(p.changes, c)
}

// setState keeps the counts.
func (f *jobsFolder) setState(j *job, to JobState, at time.Time) {
	f.markDirty(j.name)
	if j.counted {
		f.counts[index(j.state)]--
	}
	if j.state != to {
		j.since = at
		f.oldest.changed = true
	}
	i := index(to)
	j.state, j.counted = to, i >= 0
	if j.counted {
		f.counts[i]++
	}
	if j.suspicious() {
		f.suspects[j] = struct{}{}
	} else {
		delete(f.suspects, j)
	}
}

// remove forgets a job.
func (f *jobsFolder) remove(j *job) {
	f.setState(j, StateNone, j.since)
	delete(f.suspects, j)
	delete(f.unmade, j)
	delete(f.jobs, j.fileKey)
	f.forget(j)
}
