package jobqueue

import (
	"errors"
	"strings"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

const (
	// maxFolderSteps bounds the steps of all jobs of a folder that did not end: a third of a
	// kilobyte each, so 33 MB.
	maxFolderSteps = 100_000
	// maxForeignModels is how many models a folder may have, beside FaceFusion's own, that are
	// distinguished. Beyond it they are "other".
	maxForeignModels = 20
	// maxStepKeys bounds the combinations of processors and models of a folder; maxForeignKeys
	// those of them in which a model is not FaceFusion's own.
	maxStepKeys    = 200
	maxForeignKeys = 100
)

// errFolderFull says that the jobs of a folder have too many steps together.
var errFolderFull = errors.New("the jobs of the folder have more steps together than are kept")

// isOversized says that a file is a job's and larger than what is read of one.
func isOversized(err error) bool {
	return errors.Is(err, jobsdir.ErrTooLarge) || errors.Is(err, jobfile.ErrTooManySteps) || errors.Is(err, errFolderFull)
}

// checkRoom says whether there is room for the steps of a job.
func (f *jobsFolder) checkRoom(j *job, doc *jobfile.Document) error {
	more := len(doc.Steps)
	if f.steps+more > maxFolderSteps { // which counts a job at each version
		f.steps = 0
		for _, other := range f.jobs {
			if other != j {
				f.steps += len(other.doc.Steps)
			}
		}
		if f.steps+more > maxFolderSteps {
			return errFolderFull
		}
	}
	f.steps += more
	return nil
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
	return there && errors.Is(over.err, errFolderFull) && p.now.Sub(over.at) >= retryOversized
}

const retryOversized = time.Minute

// publishOversized counts the jobs over a limit, and names one of them.
func (f *jobsFolder) publishOversized(q *Queue) {
	for j, over := range f.oversized {
		if f.jobs[j.fileKey] != j {
			delete(f.oversized, j)
			continue
		}
		if id := jobsdir.JobID(j.name); q.Oversized == 0 || id < q.OversizedJob {
			q.OversizedJob, q.OversizedReason = id, over.err.Error()
		}
		q.Oversized++
	}
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
