package jobqueue

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
)

const (
	// rivalFor is how recently a run must have shown progress of its own for its process to be
	// thought at work beside another.
	rivalFor = 30 * time.Second
	// rerunFor is for how long a list of processes is awaited that is newer than the change.
	rerunFor = 5 * time.Second
)

// noteRerun is for a version that the process of the attempt has not written: it sets no step back,
// and starts none twice. Whether the attempt is over, or a second process is at the same job beside
// it, shows when the processes are listed next. It returns true when another attempt has begun
// already.
func (f *jobsFolder) noteRerun(p *pass, j *job, doc *jobfile.Document) bool {
	a := j.attempt
	l := gather(p.evidence, f.instances)
	if a.run.Outcome != "" || l.listed.IsZero() || a.claim.resolved && len(a.claim.holders) == 0 || a.state() != StateRunning {
		f.begin(p, j, doc, ReasonSuperseded)
		return true
	}
	if j.rerunSeen.IsZero() {
		j.rerunSeen, j.rerunOwnAt = p.now, j.progress.ownAt
	}
	return false
}

// decideRerun tells two processes at one job from another attempt. FaceFusion has no lock that
// would keep them apart.
func (f *jobsFolder) decideRerun(p *pass, j *job, l *folderEvidence) {
	seen, ownAt := j.rerunSeen, j.rerunOwnAt
	j.rerunSeen, j.rerunOwnAt = time.Time{}, time.Time{}
	c := &j.attempt.claim
	held, exit := slices.ContainsFunc(c.holders, l.alive), c.exit(l)
	atWork := seen.Sub(ownAt) < rivalFor || l.hasRunner(c)
	others := 0
	for i := range l.processes {
		p := &l.processes[i]
		if doorQueue.lets(p) && startedBefore(l, p, seen) {
			others++
			if !slices.Contains(c.holders, p.ProcessID) {
				c.holders = append(c.holders, p.ProcessID)
			}
		}
	}
	if held && others > 1 && atWork {
		j.attempt.run.Contended, j.attempt.published = true, nil
		j.attempt.absorb(&j.doc, j.written)
		return
	}
	reason := ReasonSuperseded
	if !held && exit != "" {
		reason = exit
	}
	f.begin(p, j, &j.doc, reason)
	j.attempt.absorb(&j.doc, j.written)
	f.transition(p, j, j.attempt.state(), j.written)
}

// hasRunner says that the one process that can have a run is a runner, and lives: it dies of what a
// web UI loses a job to, so that it is at work, however slow.
func (l *folderEvidence) hasRunner(c *claim) bool {
	id, only := c.only()
	return only && slices.ContainsFunc(l.processes, func(p LiveProcess) bool { return p.ProcessID == id && p.Role == RoleRunner })
}

// begin starts another attempt, and ends the one before if nothing else has.
func (f *jobsFolder) begin(p *pass, j *job, doc *jobfile.Document, reason LossReason) {
	if j.attempt.run.Outcome == "" {
		f.orphan(p, j, p.now, BasisRerun, reason)
	}
	j.number++
	j.historic = false
	j.progress = progress{}
	j.attempt = newRerun(f.runID(j, doc), j.origin(), doc, f.settings.KeepPaths)
}
