package jobqueue

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// understand compares what a file says now with what it said before.
func (f *jobsFolder) understand(p *pass, j *job, doc *jobfile.Document) {
	f.markDirty(j.name)
	if j.understood && !doc.Created.Equal(j.doc.Created) {
		f.replaced(p, j)
	}
	j.unparsableSince = time.Time{}
	written := writtenAt(doc, &j.stat)
	if j.dir == jobsdir.Drafted {
		j.doc, j.written, j.understood = *doc, written, true
		f.transition(p, j, StateDrafted, written)
		return
	}
	switch {
	case j.attempt == nil || len(j.attempt.raw) != len(doc.Steps):
		before := j.attempt
		if j.attempt = newAttempt(f.runID(j, doc), doc, f.settings.KeepPaths); before != nil && before.run.Queued.Known {
			j.attempt.run.Queued = before.run.Queued
		}
	case j.dir == jobsdir.Queued && j.attempt.restarted(doc):
		f.rerun(p, j, doc, written)
	case j.attempt.run.Outcome != "":
		j.attempt.reopen() // whoever was thought to be gone has written
		j.progress.writtenUnseen = true
	}
	if !written.Equal(j.written) || !j.understood {
		j.progress.wrote(p.now)
	}
	j.attempt.absorb(doc, written)
	j.doc, j.written, j.understood = *doc, written, true
	switch j.dir {
	case jobsdir.Completed:
		f.finish(p, j, StateCompleted, OutcomeCompleted)
		return
	case jobsdir.Failed:
		f.finish(p, j, StateFailed, OutcomeFailed)
		return
	}
	f.totals.addSteps(j.attempt)
	switch state := j.attempt.state(); state {
	case StateWaiting:
		queued := j.stat.Moved(p.now)
		if !j.attempt.run.Queued.Known {
			j.attempt.run.Queued = reading.Known(queued)
			j.attempt.published = nil
		}
		f.transition(p, j, state, queued)
	default:
		f.transition(p, j, state, written)
	}
}

func (f *jobsFolder) runID(j *job, doc *jobfile.Document) RunID {
	return RunID{Job: jobsdir.JobID(j.name), Created: doc.Created, Attempt: j.number}
}

// rerun begins another attempt, unless the one before may still be at work beside it.
func (f *jobsFolder) rerun(p *pass, j *job, doc *jobfile.Document, written time.Time) {
	life := gather(p.evidence, f.instances)
	before := j.attempt
	if j.state == StateRunning && life.runner(j.written) && life.severalRunners() && p.now.Sub(j.progress.movedAt) < rivalFor {
		before.run.Contended, before.published = true, nil
		return
	}
	if before.run.Outcome == "" {
		f.orphan(p, j, written)
	}
	j.number++
	j.historic = false
	j.progress = progress{}
	j.attempt = newRerun(f.runID(j, doc), doc, f.settings.KeepPaths)
}

// rivalFor is how recently a run must have shown progress for its runner to be thought alive beside another.
const rivalFor = 30 * time.Second

// orphan ends a run whose runner is gone, as was noticed at the given time.
func (f *jobsFolder) orphan(p *pass, j *job, noticed time.Time) {
	var at reading.Value[time.Time]
	if !j.progress.alive.IsZero() {
		at = reading.Known(later(j.progress.alive, j.written))
	}
	j.attempt.end(OutcomeOrphaned, at)
	if j.historic && j.progress.alive.IsZero() {
		f.setState(j, StateOrphaned, noticed) // it was lost before anybody looked
		return
	}
	f.totals.addSteps(j.attempt)
	f.totals.addRun(&j.attempt.run, noticed)
	f.transition(p, j, StateOrphaned, noticed)
}

// finish takes a job to those that need not be looked at any more.
func (f *jobsFolder) finish(p *pass, j *job, state State, outcome Outcome) {
	d := &f.dirs[j.dir]
	ended := j.stat.Moved(p.now)
	j.attempt.end(outcome, reading.Known(ended))
	f.totals.addSteps(j.attempt)
	f.totals.addRun(&j.attempt.run, p.now)
	f.transition(p, j, state, ended)
	f.remove(j)
	d.finished.put(hashName(j.name), newFinished(&j.stat, d.Generation, j.number))
}

// deleted ends a job whose file is nowhere any more.
func (f *jobsFolder) deleted(p *pass, j *job) {
	if j.attempt.running() {
		j.attempt.end(OutcomeDeleted, reading.Known(p.now))
		f.totals.addSteps(j.attempt)
		f.totals.addRun(&j.attempt.run, p.now)
	}
	if j.state != StateNone {
		f.transition(p, j, StateDeleted, p.now)
	}
	f.remove(j)
}

// replaced ends a job in whose place there is another one of the same name.
func (f *jobsFolder) replaced(p *pass, j *job) {
	next := job{fileKey: j.fileKey, stat: j.stat, racy: j.racy, number: 1, generation: j.generation, since: p.now}
	f.deleted(p, j)
	*j = next
	f.jobs[j.fileKey] = j
}

// unreadableAfter is how long nobody writes for two milliseconds.
const unreadableAfter = 3 * time.Second

// markUnparsable notes that a file cannot be understood: not yet, or not any more.
func (f *jobsFolder) markUnparsable(p *pass, j *job) {
	if j.unparsableSince.IsZero() {
		j.unparsableSince = p.now
		if age := p.now.Sub(j.stat.Written()); age > unreadableAfter {
			j.unparsableSince = p.now.Add(-age)
		}
	}
	f.suspects[j] = struct{}{}
	f.markDirty(j.name)
	f.expireUnparsable(p, j)
}

// expireUnparsable gives up a file that cannot be understood and is not being written.
func (f *jobsFolder) expireUnparsable(p *pass, j *job) {
	if j.unparsableSince.IsZero() || p.now.Sub(j.unparsableSince) < unreadableAfter {
		return
	}
	if d := &f.dirs[j.dir]; d.Terminal() && j.attempt != nil {
		// Its folder says how it ended, and what it said before, how it ran.
		if d.Index == jobsdir.Completed {
			f.finish(p, j, StateCompleted, OutcomeCompleted)
		} else {
			f.finish(p, j, StateFailed, OutcomeFailed)
		}
		return
	}
	f.transition(p, j, StateUnreadable, p.now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
