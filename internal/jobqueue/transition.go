package jobqueue

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// transition changes the state of a job, and tells.
func (f *jobsFolder) transition(p *pass, j *job, to State, at time.Time) {
	from := j.state
	f.setState(j, to, at)
	if from == to || from == StateNone && j.historic {
		return
	}
	c := Change{Time: at, Instance: f.instances[0], Job: jobsdir.JobID(j.name), From: from, To: to}
	if j.attempt != nil {
		c.Run = j.attempt.publish()
	}
	switch to {
	case StateCompleted, StateFailed, StateOrphaned:
		c.Ended = c.Run != nil
	case StateDeleted:
		c.Ended = c.Run != nil && c.Run.Outcome == OutcomeDeleted
	}
	p.changes = append(p.changes, c)
}

// setState keeps the counts.
func (f *jobsFolder) setState(j *job, to State, at time.Time) {
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
	delete(f.jobs, j.fileKey)
}
