package jobqueue

import (
	"maps"
	"slices"
)

// judge doubts what the files say. The evidence was gathered before the look, and every file that is judged by it is looked at here, after that: a process
// that is not among the evidence has left its last word in the folder already.
func (f *folder) judge(l *look) {
	life := gather(l.evidence, f.instances)
	for _, j := range slices.Collect(maps.Keys(f.suspects)) {
		f.check(l, j.place)
		if f.jobs[j.place] == j && j.part == partQueued && j.broken.IsZero() && j.attempt != nil {
			f.doubt(l, j, life)
		}
	}
}

func (f *folder) doubt(l *look, j *job, life *life) {
	base := j.attempt.state()
	if base == StateWaiting {
		return
	}
	j.signs.look(l.now, j.written, life, func() (int64, bool) { return f.stepFiles(j) })
	c := j.signs.circumstances(l.now, j.written, life)
	v := judge(c, f.settings.StallAfter)
	switch {
	case v == verdictOrphaned:
		if j.state != StateOrphaned {
			f.orphan(l, j, l.now)
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
	f.move(l, j, base, l.now)
}

// stepFiles looks at the files of the step that runs, or of the last one while they are joined.
func (f *folder) stepFiles(j *job) (int64, bool) {
	step := j.attempt.current()
	if step < 0 {
		step = j.attempt.last()
	}
	if step < 0 || step >= len(j.doc.steps) {
		return 0, false
	}
	return stepFiles(&f.at, &j.doc.steps[step])
}
