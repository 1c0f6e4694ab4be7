package jobqueue

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
)

// makers are the origins of jobs whose id is a name of the user's, which does not show the origin.
// Their places are what is kept on disk.
var makers = [...]jobfile.Origin{"", jobfile.OriginUI, jobfile.OriginCommandLine, jobfile.OriginCaller}

// awaitMaker records that the maker of a new job has to be found, unless its id shows it.
func (f *jobsFolder) awaitMaker(p *pass, j *job) {
	if j.historic || j.maker != "" || jobfile.OriginOf(j.name) != jobfile.OriginOther || len(f.unmade) >= maxUnmade {
		return
	}
	j.madeSeen = p.now
	for id, s := range f.served {
		if j.applied == nil {
			j.applied = make(map[ProcessID]int64)
		}
		j.applied[id] = s.applies
	}
	f.unmade[j] = struct{}{}
}

const (
	// makerAskedFor is for how long after a job came its maker is asked for: Gradio counts the call
	// of the job manager with the next one.
	makerAskedFor = 2 * time.Minute
	// maxUnmade bounds the jobs whose maker is asked for at a time: nobody makes thousands by hand.
	maxUnmade = 1000
)

// findMakers asks who made the jobs that came lately.
func (f *jobsFolder) findMakers(p *pass, l *folderEvidence) {
	for j := range f.unmade {
		if f.jobs[j.fileKey] != j || p.now.Sub(j.madeSeen) > makerAskedFor {
			delete(f.unmade, j)
			continue
		}
		if maker := f.makerOf(j, l); maker != "" {
			delete(f.unmade, j)
			f.made(j, maker)
		}
	}
}

// made says who made a job.
func (f *jobsFolder) made(j *job, maker jobfile.Origin) {
	j.maker = maker
	if a := j.attempt; a != nil && a.run.Outcome == "" {
		a.run.Origin, a.published = maker, nil
	}
	f.markDirty(j.name)
}

// makerOf is who made a job; empty while that is not known. job-create starts, makes the job and
// ends, in seconds: that one lived says more than that others did, who may do anything.
func (f *jobsFolder) makerOf(j *job, l *folderEvidence) jobfile.Origin {
	if l.listed.IsZero() {
		return ""
	}
	program := false
	for i := range l.processes {
		switch p := &l.processes[i]; {
		case !startedBefore(l, p, j.madeSeen):
		case p.Role == RoleAdmin && p.Command == commandCreate:
			return jobfile.OriginCommandLine
		case p.Role == RoleService || p.Role == RoleWorker:
			program = true
		}
	}
	for id, s := range f.served {
		if before, there := j.applied[id]; there && s.appliesAt.After(j.madeSeen) && s.applies > before {
			return jobfile.OriginUI
		}
	}
	if program && len(f.served) == 0 && l.listed.Sub(j.madeSeen) >= claimGrace {
		return jobfile.OriginCaller
	}
	return ""
}

const commandCreate = "job-create"

// origin of the runs of a job.
func (j *job) origin() jobfile.Origin {
	if j.maker != "" {
		return j.maker
	}
	return jobfile.OriginOf(j.name)
}

// packMaker puts who made a job that ended beside its attempts, in the bits that no job needs.
func packMaker(attempt int, maker jobfile.Origin) uint16 {
	return uint16(min(attempt, maxAttempt)) | uint16(max(0, slices.Index(makers[:], maker)))<<makerShift
}

func (g finished) number() int { return int(g.attempt & maxAttempt) }

func (g finished) maker() jobfile.Origin { return makers[g.attempt>>makerShift] }

const (
	makerShift = 14
	maxAttempt = 1<<makerShift - 1
)
