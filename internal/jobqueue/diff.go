package jobqueue

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// understand compares what a file says now with what it said before.
func (f *folder) understand(l *look, j *job, doc *document) {
	f.touch(j.name)
	if j.understood && !doc.created.Equal(j.doc.created) {
		f.replaced(l, j)
	}
	j.broken = time.Time{}
	written := writtenAt(doc, &j.stamp)
	if j.part == partDrafted {
		j.doc, j.written, j.understood = *doc, written, true
		f.move(l, j, StateDrafted, written)
		return
	}
	switch {
	case j.attempt == nil || len(j.attempt.raw) != len(doc.steps):
		before := j.attempt
		if j.attempt = newAttempt(f.runID(j, doc), doc, f.settings.KeepPaths); before != nil && before.run.Queued.Known {
			j.attempt.run.Queued = before.run.Queued
		}
	case j.part == partQueued && j.attempt.restarted(doc):
		f.rerun(l, j, doc, written)
	case j.attempt.run.Outcome != "":
		j.attempt.reopen() // whoever was thought to be gone has written
		j.signs.unseen = true
	}
	if !written.Equal(j.written) || !j.understood {
		j.signs.wrote(l.now)
	}
	j.attempt.absorb(doc, written)
	j.doc, j.written, j.understood = *doc, written, true
	switch j.part {
	case partCompleted:
		f.finish(l, j, StateCompleted, OutcomeCompleted)
		return
	case partFailed:
		f.finish(l, j, StateFailed, OutcomeFailed)
		return
	}
	f.totals.addSteps(j.attempt)
	switch state := j.attempt.state(); state {
	case StateWaiting:
		queued := j.stamp.moved(l.now)
		if !j.attempt.run.Queued.Known {
			j.attempt.run.Queued = reading.Known(queued)
			j.attempt.published = nil
		}
		f.move(l, j, state, queued)
	default:
		f.move(l, j, state, written)
	}
}

func (f *folder) runID(j *job, doc *document) RunID {
	return RunID{Job: idOf(j.name), Created: doc.created, Attempt: j.number}
}

// rerun begins another attempt, unless the one before may still be at work beside it.
func (f *folder) rerun(l *look, j *job, doc *document, written time.Time) {
	life := gather(l.evidence, f.instances)
	before := j.attempt
	if j.state == StateRunning && life.runner(j.written) && life.another() && l.now.Sub(j.signs.progress) < rivalFor {
		before.run.Contended, before.published = true, nil
		return
	}
	if before.run.Outcome == "" {
		f.orphan(l, j, written)
	}
	j.number++
	j.adopted = false
	j.signs = signs{}
	j.attempt = newRerun(f.runID(j, doc), doc, f.settings.KeepPaths)
}

// rivalFor is how recently a run must have shown progress for its runner to be thought alive beside another.
const rivalFor = 30 * time.Second

// orphan ends a run whose runner is gone, as was noticed at the given time.
func (f *folder) orphan(l *look, j *job, noticed time.Time) {
	var at reading.Value[time.Time]
	if !j.signs.alive.IsZero() {
		at = reading.Known(later(j.signs.alive, j.written))
	}
	j.attempt.end(OutcomeOrphaned, at)
	if j.adopted && j.signs.alive.IsZero() {
		f.set(j, StateOrphaned, noticed) // it was lost before anybody looked
		return
	}
	f.totals.addSteps(j.attempt)
	f.totals.addRun(&j.attempt.run, noticed)
	f.move(l, j, StateOrphaned, noticed)
}

// finish takes a job to those that need not be looked at any more.
func (f *folder) finish(l *look, j *job, state State, outcome Outcome) {
	p := &f.parts[j.part]
	ended := j.stamp.moved(l.now)
	j.attempt.end(outcome, reading.Known(ended))
	f.totals.addSteps(j.attempt)
	f.totals.addRun(&j.attempt.run, l.now)
	f.move(l, j, state, ended)
	f.remove(j)
	p.finished.put(hashName(j.name), newFinished(&j.stamp, p.generation, j.number))
}

// deleted ends a job whose file is nowhere any more.
func (f *folder) deleted(l *look, j *job) {
	if j.attempt.running() {
		j.attempt.end(OutcomeDeleted, reading.Known(l.now))
		f.totals.addSteps(j.attempt)
		f.totals.addRun(&j.attempt.run, l.now)
	}
	if j.state != StateNone {
		f.move(l, j, StateDeleted, l.now)
	}
	f.remove(j)
}

// replaced ends a job in whose place there is another one of the same name.
func (f *folder) replaced(l *look, j *job) {
	next := job{place: j.place, stamp: j.stamp, racy: j.racy, number: 1, generation: j.generation, since: l.now}
	f.deleted(l, j)
	*j = next
	f.jobs[j.place] = j
}

// unreadableAfter is how long nobody writes for two milliseconds.
const unreadableAfter = 3 * time.Second

// puzzle notes that a file cannot be understood: not yet, or not any more.
func (f *folder) puzzle(l *look, j *job) {
	if j.broken.IsZero() {
		j.broken = l.now
		if age := l.now.Sub(j.stamp.written()); age > unreadableAfter {
			j.broken = l.now.Add(-age)
		}
	}
	f.suspects[j] = struct{}{}
	f.touch(j.name)
	f.outwait(l, j)
}

// outwait gives up a file that cannot be understood and is not being written.
func (f *folder) outwait(l *look, j *job) {
	if j.broken.IsZero() || l.now.Sub(j.broken) < unreadableAfter {
		return
	}
	if p := &f.parts[j.part]; p.terminal() && j.attempt != nil {
		// Its folder says how it ended, and what it said before, how it ran.
		if p.index == partCompleted {
			f.finish(l, j, StateCompleted, OutcomeCompleted)
		} else {
			f.finish(l, j, StateFailed, OutcomeFailed)
		}
		return
	}
	f.move(l, j, StateUnreadable, l.now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
