package jobqueue

import (
	"slices"
	"strings"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// Of the processes that make a job for themselves, each has one, and each job has one. Which is
// whose shows in their command lines, as in the job's only step. Where those say the same, or
// nothing, the order decides, and of processes that started close together it may be either of
// them: then each of their jobs has all of them as its holders.

// takenFor says which processes cannot have a job of their own door: those that have one already,
// and those that were given other files.
func (f *jobsFolder) takenFor(j *job, l *folderEvidence) func(ProcessID) bool {
	if d := doorOf(j.attempt); !d.ownProcess() {
		return func(id ProcessID) bool { return d == doorQueue && f.namesAnother(j, id, l) }
	}
	target, output := "", ""
	if len(j.doc.Steps) == 1 {
		only := j.doc.Paths(0)
		target, output = only.Target, only.Output
	}
	exact := slices.ContainsFunc(l.processes, func(p LiveProcess) bool {
		return p.Target != "" && p.Target == target && p.Output == output && !f.used(j, p.ProcessID)
	})
	return func(id ProcessID) bool {
		if p := l.process(id); p != nil && target != "" && p.Target != "" {
			// FaceFusion puts into the job what it was given. A job that says no output is nobody
			// else's for that.
			if p.Target != target || exact && p.Output != output || p.Output != "" && output != "" && !leadsTo(p.Output, output) {
				return true
			}
		}
		return f.used(j, id)
	}
}

// leadsTo says that an output that was given may be that of a job: the file, or its folder.
func leadsTo(given, output string) bool {
	return given == output || strings.HasPrefix(output, strings.TrimSuffix(given, "/")+"/")
}

// namesAnother says that a runner was told to run another job: one that there is, or any where
// somebody else was told to run this one.
func (f *jobsFolder) namesAnother(j *job, id ProcessID, l *folderEvidence) bool {
	p, job := l.process(id), jobsdir.JobID(j.name)
	if p == nil || p.Job == "" || p.Job == job {
		return false
	}
	return f.knows(p.Job) || slices.ContainsFunc(l.processes, func(p LiveProcess) bool { return p.Job == job })
}

// knows says that there is a job of that id, whatever became of it.
func (f *jobsFolder) knows(id string) bool {
	name := id + jobsdir.Extension
	for i := range f.dirs {
		if _, finished := f.dirs[i].finished.get(hashName(name)); finished || f.jobs[fileKey{i, name}] != nil {
			return true
		}
	}
	return false
}

// used says that a process has another job.
func (f *jobsFolder) used(j *job, id ProcessID) bool {
	use, used := f.usedUp[id]
	return used && use.name != j.name
}

// shareOwn notes that a job uses up one of the processes that may have it, and lets it share those
// with the other jobs that may be theirs.
func (f *jobsFolder) shareOwn(j *job, l *folderEvidence) {
	c, d := &j.attempt.claim, doorOf(j.attempt)
	if !d.ownProcess() || c.program {
		return
	}
	if len(c.holders) == 0 && c.resolved {
		f.takeOver(j, l)
	}
	if len(c.holders) == 0 {
		return
	}
	pick := c.holders[0]
	if f.usedUp[pick].name != j.name {
		f.usedUp[pick], f.dirty = processUse{name: j.name}, true
	}
	for other := range f.suspects {
		if other == j || other.attempt == nil || other.attempt.run.Outcome != "" || doorOf(other.attempt) != d || !slices.Contains(other.attempt.claim.holders, pick) {
			continue
		}
		for _, id := range other.attempt.claim.holders {
			if !slices.Contains(c.holders, id) {
				c.holders = append(c.holders, id)
			}
		}
	}
}

// takeOver gives a job that nobody seems to have the processes that live on although the job that
// used them up is over: they had this one, and others had that.
func (f *jobsFolder) takeOver(j *job, l *folderEvidence) {
	c, d := &j.attempt.claim, doorOf(j.attempt)
	for i := range l.processes {
		p := &l.processes[i]
		if use, used := f.usedUp[p.ProcessID]; used && d.lets(p) && startedBefore(l, p, c.seen) && !f.runs(use.name) {
			c.holders = append(c.holders, p.ProcessID)
		}
	}
}

// runs says that a job of that name is under way.
func (f *jobsFolder) runs(name string) bool {
	for i := range f.dirs {
		j := f.jobs[fileKey{i, name}]
		if _, suspect := f.suspects[j]; suspect && j.attempt.running() {
			return true
		}
	}
	return false
}

// exitOf is how the processes ended that had a run, as far as they are known. A process whose job
// ended in its folder exits then, and says nothing of the other jobs that may have been its.
func (f *jobsFolder) exitOf(j *job, l *folderEvidence) LossReason {
	c := &j.attempt.claim
	if !doorOf(j.attempt).ownProcess() || len(c.holders) < 2 {
		return c.exit(l)
	}
	own := *c
	own.holders = slices.DeleteFunc(slices.Clone(c.holders), func(id ProcessID) bool {
		exit := l.exitOf(id, c.seen.Add(-startSlack))
		return exit != nil && slices.ContainsFunc(f.ownEnds, func(end time.Time) bool {
			after := exit.Time.Sub(end)
			return after > -time.Second && after < exitTakes
		})
	})
	if len(own.holders) == 0 {
		return c.exit(l)
	}
	reason := own.exit(l)
	c.exitAt = own.exitAt
	return reason
}

// exitTakes is for how long a process lives after its job.
const exitTakes = 3 * time.Second

// noteOwnEnd notes that a job of a process of its own ended in its folder.
func (f *jobsFolder) noteOwnEnd(p *pass, j *job) {
	if j.attempt != nil && doorOf(j.attempt).ownProcess() {
		f.ownEnds = append(slices.DeleteFunc(f.ownEnds, func(end time.Time) bool { return p.now.Sub(end) > longAgo }), p.now)
	}
}
