package jobqueue

import (
	"slices"
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
	if j.settling() && j.dir == jobsdir.Failed && sameVersion(&j.doc, doc) {
		return
	}
	changed := !j.understood || !sameVersion(&j.doc, doc)
	switch {
	case j.attempt == nil || len(j.attempt.raw) != len(doc.Steps):
		before := j.attempt
		if j.attempt = newAttempt(f.runID(j, doc), j.origin(), doc); before != nil && before.run.Queued.Known {
			j.attempt.run.Queued = before.run.Queued
		}
		f.keepPaths(j.attempt, doc)
	case !changed:
	case j.dir == jobsdir.Queued && j.attempt.restarted(doc):
		if !f.noteRerun(p, j, doc) {
			f.wrote(p, j, doc, written)
			return // nothing is absorbed before it is known whose it is
		}
	}
	if changed {
		f.wrote(p, j, doc, written)
	} else {
		j.doc = *doc // of which a restored job knows no more than the statuses
	}
	f.noteNewest(p, j)
	if j.rerun != nil {
		if j.dir == jobsdir.Queued {
			return
		}
		f.decideRerun(p, j, gather(p.evidence, f.witnesses())) // it has ended meanwhile
	}
	if j.attempt.run.Outcome == "" {
		j.attempt.absorb(doc, written)
	}
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
		queued := f.movedAt(p, j)
		if !j.attempt.run.Queued.Known {
			j.attempt.run.Queued = reading.Known(queued)
			j.attempt.published = nil
		}
		f.transition(p, j, state, queued)
	default:
		if j.attempt.run.Outcome != "" {
			return // it has ended, whoever writes late
		}
		if j.attempt.claim.seen.IsZero() {
			j.attempt.claim.seen = p.now
		}
		if j.state == StateStalled && !changed {
			return
		}
		f.transition(p, j, state, written)
	}
}

// sameVersion compares what was written, not when the file says that it was: a file that is seen
// again, by another process of the collector for one, is no file that was written again.
func sameVersion(a, b *jobfile.Document) bool {
	return a.Created.Equal(b.Created) && a.Updated.Equal(b.Updated) &&
		slices.EqualFunc(a.Steps, b.Steps, func(a, b jobfile.PlannedStep) bool { return a.Status == b.Status })
}

// wrote takes note of another version.
func (f *jobsFolder) wrote(p *pass, j *job, doc *jobfile.Document, written time.Time) {
	if j.attempt != nil && !j.attempt.claim.goneSince.IsZero() && j.attempt.run.Outcome == "" && j.rerun == nil {
		j.attempt.claim.reset(p.now) // whoever had it was gone, so somebody else writes
	}
	j.progress.wrote(p.now)
	j.doc, j.written, j.wroteSeen, j.understood = *doc, written, p.now, true
}

// noteNewest notes that a web UI made a job: the one before it is over.
func (f *jobsFolder) noteNewest(p *pass, j *job) {
	if j.historic || doorOf(j.attempt) != doorInstant {
		return
	}
	if servers := gather(p.evidence, f.witnesses()).liveServers(); len(servers) == 1 {
		s := f.serve(servers[0])
		s.newest = later(s.newest, j.doc.Created)
	}
}

// movedAt is when a file came to where it is: by its own times, or as it was seen where those are
// of another clock.
func (f *jobsFolder) movedAt(p *pass, j *job) time.Time {
	if f.shared() {
		return j.written
	}
	return j.stat.Moved(p.now)
}

func (f *jobsFolder) runID(j *job, doc *jobfile.Document) RunID {
	return RunID{Job: jobsdir.JobID(j.name), Created: doc.Created, Attempt: j.number}
}

// orphan ends a run that is lost, as was noticed at the given time.
func (f *jobsFolder) orphan(p *pass, j *job, noticed time.Time, basis Basis, reason LossReason) {
	a := j.attempt
	at := reading.Known(later(j.progress.ownAt, j.written))
	switch c := &a.claim; {
	case c.goneSince.IsZero(): // it ended while its process lived on
	case !c.exitAt.IsZero():
		at = reading.Known(later(c.exitAt, j.written))
	case !c.aliveAt.IsZero():
		at = reading.Known(later(c.aliveAt, j.written))
	default:
		at = reading.Value[time.Time]{} // nobody saw when
	}
	// What lay there at the first pass may have been lost before, unless something of it has moved
	// since.
	before := j.historic && !j.progress.worked && (!doorOf(a).ownProcess() || len(a.claim.holders) == 0)
	if before {
		at = reading.Value[time.Time]{}
	}
	a.end(OutcomeOrphaned, at, basis, reason)
	if id, ok := a.claim.only(); ok && f.served[id] != nil && basis != BasisProcessExit {
		f.served[id].door(doorOf(a)).Lost++
		f.dirty = true
	}
	if before {
		f.setState(j, StateOrphaned, noticed)
		return
	}
	f.totals.addSteps(a)
	f.totals.addRun(&a.run, noticed)
	j.justEnded = true
	f.transitionOn(p, j, StateOrphaned, noticed, basis)
}

// finish takes a job to those that need not be looked at any more.
func (f *jobsFolder) finish(p *pass, j *job, state JobState, outcome Outcome) {
	ended := f.movedAt(p, j)
	f.claimAtEnd(p, j)
	f.noteOwnEnd(p, j)
	if outcome == OutcomeFailed && (f.mayBeStopped(j) || f.awaitsLog(p, j)) {
		j.failedEnd, j.failedSeen = ended, p.now
		f.transition(p, j, state, ended) // the run has not ended yet
		return
	}
	f.conclude(p, j, state, outcome, ended, BasisFile)
}

// conclude counts a run that FaceFusion ended, once, and lets go of its job.
func (f *jobsFolder) conclude(p *pass, j *job, state JobState, outcome Outcome, ended time.Time, basis Basis) {
	if j.attempt.run.Outcome == "" && f.concluded.has(j) {
		f.setState(j, state, ended) // it came back, from a share or a backup: nothing happened
		f.archive(j)
		return
	}
	if j.attempt.run.Outcome == "" {
		f.concluded.add(j, p.now)
		j.attempt.end(outcome, reading.Known(ended), basis, "")
		f.totals.addSteps(j.attempt)
		f.totals.addRun(&j.attempt.run, p.now)
		j.justEnded = true
	}
	if j.settling() {
		j.failedSeen, j.failedEnd = time.Time{}, time.Time{}
		f.change(p, j, state, state, ended, basis)
	} else {
		f.transitionOn(p, j, state, ended, basis)
	}
	f.archive(j)
}

// archive takes a job to those that need not be looked at any more.
func (f *jobsFolder) archive(j *job) {
	d := &f.dirs[j.dir]
	f.remove(j)
	d.finished.put(hashName(j.name), newFinished(&j.stat, d.Generation, j.number, j.maker))
}

// deleted ends a job whose file is nowhere any more.
func (f *jobsFolder) deleted(p *pass, j *job) {
	switch {
	case j.settling():
		f.concludeFailure(p, j, gather(p.evidence, f.witnesses()), OutcomeFailed, BasisFile)
		f.dirs[jobsdir.Failed].finished.remove(hashName(j.name))
		return
	case j.attempt.running():
		j.attempt.end(OutcomeDeleted, reading.Known(p.now), BasisFile, "")
		f.totals.addSteps(j.attempt)
		f.totals.addRun(&j.attempt.run, p.now)
		j.justEnded = true
		if id, ok := j.attempt.claim.only(); ok && f.served[id] != nil {
			// it may end in an exception yet, and nobody else's
			f.served[id].door(doorOf(j.attempt)).Lost++
		}
	}
	if j.state != StateNone {
		f.transition(p, j, StateDeleted, p.now)
	}
	f.remove(j)
}

// replaced ends a job in whose place there is another one of the same name.
func (f *jobsFolder) replaced(p *pass, j *job) {
	next := job{fileKey: j.fileKey, stat: j.stat, racy: j.racy, number: 1, generation: j.generation, since: p.now, kept: j.kept}
	f.deleted(p, j)
	*j = next
	f.kept += j.kept
	f.jobs[j.fileKey] = j
	f.awaitMaker(p, j)
}

// unreadableAfter is how long a file must stay unparsable before it is reported. FaceFusion's own
// writes take about 2 ms, so a half-written file never gets there.
const unreadableAfter = 3 * time.Second

// markUnparsable notes that a file cannot be understood: not yet, or not any more.
func (f *jobsFolder) markUnparsable(p *pass, j *job) {
	if j.unparsableSince.IsZero() {
		// Not the time of the file: while ext4 truncates a file, that is still the one of the
		// version before.
		j.unparsableSince = p.now
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
