package jobqueue

import (
	"cmp"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
)

const (
	// rivalFor is how recently a run must have shown progress of its own for its process to be
	// thought at work beside another.
	rivalFor = 30 * time.Second
	// rerunFor is for how long a list of processes is awaited that is newer than the change.
	rerunFor = 30 * time.Second
)

// rerun is a job that was begun anew while its run was not known to be over.
type rerun struct {
	seen time.Time
	// ownAt is when something of the run had moved last, written when its file was written last.
	ownAt, written time.Time
	// doc is the version that began the job anew, at begun.
	doc   jobfile.Document
	begun time.Time
}

// noteRerun is for a version that the process of the attempt has not written: it sets no step back,
// and starts none twice. Whether the attempt is over, or a second process is at the same job beside
// it, shows when the processes are listed next. It returns true when another attempt has begun
// already.
func (f *jobsFolder) noteRerun(p *pass, j *job, doc *jobfile.Document) bool {
	a := j.attempt
	l := gather(p.evidence, f.witnesses())
	if a.run.Outcome != "" || l.listed.IsZero() || a.claim.resolved && len(a.claim.holders) == 0 || a.state() == StateWaiting {
		f.begin(p, j, doc, ReasonSuperseded)
		return true
	}
	if j.rerun == nil {
		j.rerun = &rerun{seen: p.now, ownAt: j.progress.ownAt, written: j.written, doc: *doc, begun: writtenAt(doc, &j.stat)}
	}
	return false
}

// decideRerun distinguishes two processes at one job from another attempt. FaceFusion has no lock
// that would keep them apart.
func (f *jobsFolder) decideRerun(p *pass, j *job, l *folderEvidence) {
	r := j.rerun
	j.rerun = nil
	c := &j.attempt.claim
	// Of two that work on the same files, one may have died of the other meanwhile.
	lived := func(id ProcessID) bool {
		exit := l.exitOf(id, c.seen.Add(-startSlack))
		return l.alive(id) || exit != nil && exit.Time.After(r.seen)
	}
	held, atWork := slices.ContainsFunc(c.holders, lived), r.seen.Sub(r.ownAt) < rivalFor || l.hasRunner(c)
	writers := l.writers(r.seen)
	rivals := len(writers)
	for _, id := range c.holders {
		if !slices.Contains(writers, id) && lived(id) {
			rivals++
		}
	}
	if held && rivals > 1 && atWork {
		j.attempt.run.Contended, j.attempt.published = true, nil
		for _, id := range writers {
			if !slices.Contains(c.holders, id) {
				c.holders = append(c.holders, id)
			}
		}
		j.attempt.absorb(&r.doc, r.begun)
		return
	}
	reason := ReasonSuperseded
	c.exclude(writers, l)
	if len(c.holders) > 0 && !c.follow(l, p.now) {
		reason = cmp.Or(c.exit(l), ReasonGone)
	}
	last := j.written
	j.written, j.progress.ownAt = r.written, r.ownAt // what is younger is of the run that begins
	f.begin(p, j, &r.doc, reason)
	j.written = last
	j.attempt.absorb(&r.doc, r.begun)
	f.transition(p, j, j.attempt.state(), r.begun)
}

// writers are those that live and can have begun a job of the queue anew at a time.
func (l *folderEvidence) writers(at time.Time) (ids []ProcessID) {
	for i := range l.processes {
		if p := &l.processes[i]; doorQueue.lets(p) && startedBefore(l, p, at) {
			ids = append(ids, p.ProcessID)
		}
	}
	return ids
}

// exclude drops the runner that has begun the job anew, where there is but one that can have: it
// goes through the queue once, so that the run before was another's.
func (c *claim) exclude(writers []ProcessID, l *folderEvidence) {
	if len(writers) != 1 || len(c.holders) < 2 || !l.isRunner(writers[0]) {
		return
	}
	c.holders = slices.DeleteFunc(c.holders, func(id ProcessID) bool { return id == writers[0] })
}

// hasRunner says that the one process that can have a run is a runner, and lives: it dies of what a
// web UI loses a job to, so that it is at work, however slow.
func (l *folderEvidence) hasRunner(c *claim) bool {
	id, only := c.only()
	return only && l.isRunner(id)
}

func (l *folderEvidence) isRunner(id ProcessID) bool {
	p := l.process(id)
	return p != nil && p.Role == RoleRunner
}

// begin starts another attempt, and ends the one before if nothing else has.
func (f *jobsFolder) begin(p *pass, j *job, doc *jobfile.Document, reason LossReason) {
	if j.attempt.run.Outcome == "" {
		f.orphan(p, j, p.now, BasisRerun, reason)
	}
	j.number++
	j.historic = false
	j.progress = progress{}
	j.attempt = newRerun(f.runID(j, doc), j.origin(), doc)
	f.keepPaths(j.attempt, doc)
}
