package jobqueue

import (
	"errors"
	"strings"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

const (
	// maxForeignModels is how many models a folder may have, beside FaceFusion's own, that are
	// distinguished. Beyond it they are "other".
	maxForeignModels = 20
	// maxStepKeys bounds the combinations of processors and models of a folder; maxForeignKeys
	// those of them in which a model is not FaceFusion's own.
	maxStepKeys    = 200
	maxForeignKeys = 100
)

// isOversized says that a file is a job's and larger than what is read of one.
func isOversized(err error) bool {
	return errors.Is(err, jobsdir.ErrTooLarge) || errors.Is(err, jobfile.ErrTooManySteps) || errors.Is(err, jobfile.ErrLargeStep) || isFull(err)
}

// oversize is why a job is over a limit, and when that was found.
type oversize struct {
	err error
	at  time.Time
}

// noteSize notes whether a job is over a limit.
func (f *jobsFolder) noteSize(p *pass, j *job, err error) {
	if isOversized(err) {
		f.oversized[j] = oversize{err, p.now}
	} else {
		delete(f.oversized, j)
	}
}

// mayFit says that there may be room meanwhile for the steps of a job, although its file is what it
// was.
func (f *jobsFolder) mayFit(p *pass, j *job) bool {
	over, there := f.oversized[j]
	return there && isFull(over.err) && p.now.Sub(over.at) >= retryOversized
}

const retryOversized = time.Minute

// publishOversized counts the jobs over a limit, and names one of them.
func (f *jobsFolder) publishOversized(q *Queue) {
	name := func(job string, reason error) {
		if q.OversizedJob == "" || job < q.OversizedJob {
			q.OversizedJob, q.OversizedReason = job, reason.Error()
		}
	}
	for j, over := range f.oversized {
		if f.jobs[j.fileKey] != j {
			delete(f.oversized, j)
			continue
		}
		name(jobsdir.JobID(j.name), over.err)
		q.Oversized++
	}
	for i := range f.dirs {
		if left := &f.dirs[i].left; left.count > 0 {
			name(jobsdir.JobID(left.name), left.err)
			q.Oversized += left.count
		}
	}
}

// leftOut are the names that the listing at hand found no room for; they are in no count of jobs.
type leftOut struct {
	count int
	name  string
	err   error
}

// isRoomFor says whether there is room for another name. One that is left out is found again by a
// later listing.
func (f *jobsFolder) isRoomFor(d *statusDir, name []byte) bool {
	size := int64(jobBytes)
	if d.Terminal() {
		size = finishedBytes
	}
	err := f.share.fits(f.bytes(), size*int64(f.worklist.admitted+1))
	if err == nil {
		return true
	}
	if d.left.count++; d.left.count == 1 {
		d.left.name, d.left.err = string(name), err
	}
	return false
}

// isRoomAt says whether there is room for a name that was not listed. What ended is counted where a
// job that waits finds no room any more.
func (f *jobsFolder) isRoomAt(d *statusDir) bool {
	if d.Terminal() {
		return f.share.fitsRun(f.bytes(), finishedBytes) == nil
	}
	return f.share.fits(f.bytes(), jobBytes) == nil
}

// modelNames are the models of a folder that are not FaceFusion's own and are reported by name.
type modelNames struct {
	foreign map[string]struct{}
	// over counts the steps in which a name was not reported.
	over uint64
}

// bounded replaces the names that are over the limit.
func (m *modelNames) bounded(models string) string {
	if models == "" {
		return ""
	}
	names, over := strings.Split(models, ","), false
	for i, name := range names {
		if !m.know(name) {
			names[i], over = jobfile.Other, true
		}
	}
	if over {
		m.over++
	}
	return strings.Join(names, ",")
}

// know reports whether a model is reported by its name.
func (m *modelNames) know(name string) bool {
	if jobfile.OwnModel(name) || name == jobfile.Other {
		return true
	}
	if _, known := m.foreign[name]; known {
		return true
	}
	if len(m.foreign) >= maxForeignModels {
		return false
	}
	if m.foreign == nil {
		m.foreign = make(map[string]struct{})
	}
	m.foreign[name] = struct{}{}
	return true
}

// isForeign says that a model of a combination is not FaceFusion's own.
func isForeign(models string) bool {
	for name := range strings.SplitSeq(models, ",") {
		if name != "" && name != jobfile.Other && !jobfile.OwnModel(name) {
			return true
		}
	}
	return false
}

// withoutForeign reports only FaceFusion's own models by name.
func withoutForeign(models string) string {
	names := strings.Split(models, ",")
	for i, name := range names {
		if !jobfile.OwnModel(name) {
			names[i] = jobfile.Other
		}
	}
	return strings.Join(names, ",")
}
