package jobqueue

import "time"

// move changes the state of a job, and tells.
func (f *folder) move(l *look, j *job, to State, at time.Time) {
	from := j.state
	f.set(j, to, at)
	if from == to || from == StateNone && j.adopted {
		return
	}
	c := Change{Time: at, Instance: f.instances[0], Job: idOf(j.name), From: from, To: to}
	if j.attempt != nil {
		c.Run = j.attempt.publish()
	}
	switch to {
	case StateCompleted, StateFailed, StateOrphaned:
		c.Ended = c.Run != nil
	case StateDeleted:
		c.Ended = c.Run != nil && c.Run.Outcome == OutcomeDeleted
	}
	l.changes = append(l.changes, c)
}

// set keeps the books.
func (f *folder) set(j *job, to State, at time.Time) {
	f.touch(j.name)
	if j.booked {
		f.counts[index(j.state)]--
	}
	if j.state != to {
		j.since = at
		f.oldest.changed = true
	}
	i := index(to)
	j.state, j.booked = to, i >= 0
	if j.booked {
		f.counts[i]++
	}
	if j.suspicious() {
		f.suspects[j] = struct{}{}
	} else {
		delete(f.suspects, j)
	}
}

// remove forgets a job.
func (f *folder) remove(j *job) {
	f.set(j, StateNone, j.since)
	delete(f.suspects, j)
	delete(f.jobs, j.place)
}
