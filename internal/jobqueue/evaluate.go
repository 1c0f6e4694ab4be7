package jobqueue

import (
	"maps"
	"slices"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// evaluateSuspects doubts what the files say. The evidence was gathered before the pass, and every file that is judged by it is looked at here, after that: a process
// that is not among the evidence has left its last word in the folder already.
func (f *jobsFolder) evaluateSuspects(p *pass) {
	life := gather(p.evidence, f.instances)
	for _, j := range slices.Collect(maps.Keys(f.suspects)) {
		f.check(p, j.fileKey)
		if f.jobs[j.fileKey] == j && j.dir == jobsdir.Queued && j.unparsableSince.IsZero() && j.attempt != nil {
			f.evaluate(p, j, life)
		}
	}
}

func (f *jobsFolder) evaluate(p *pass, j *job, life *folderEvidence) {
	base := j.attempt.state()
	if base == StateWaiting {
		return
	}
	j.progress.observe(p.now, j.written, life, func() (int64, bool) { return f.stepFiles(j) })
	c := j.progress.input(p.now, j.written, life)
	v := judge(c, f.settings.StallAfter)
	switch {
	case v == verdictOrphaned:
		if j.state != StateOrphaned {
			f.orphan(p, j, p.now)
		}
		return
	case j.state == StateOrphaned && !c.runner && !c.growing:
		return // nothing was learned that would speak for it
	case v == verdictStalled:
		base = StateStalled
	}
	if j.state == base {
		return
	}
	if j.attempt.run.Outcome != "" {
		j.attempt.reopen()
	}
	f.transition(p, j, base, p.now)
}

// stepFiles looks at the files of the step that runs, or of the last one while they are joined.
func (f *jobsFolder) stepFiles(j *job) (int64, bool) {
	step := j.attempt.current()
	if step < 0 {
		step = j.attempt.last()
	}
	if step < 0 || step >= len(j.doc.Steps) {
		return 0, false
	}
	return stepFiles(&f.at, &j.doc.Steps[step])
}
