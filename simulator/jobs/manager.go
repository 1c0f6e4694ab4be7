package jobs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Statuses are the folders, named for the statuses that a job can have as a whole: a running job
// lies in queued.
var Statuses = [...]StepStatus{Drafted, Queued, Completed, Failed}

// ErrExists says that there is a job of that id. FaceFusion's own ids have a resolution of one
// second.
var ErrExists = errors.New("job exists")

// Manager is a jobs folder. Its methods must not be called concurrently for the same job: like
// FaceFusion, it has no lock.
type Manager struct {
	path string
	// Truncation is for how long a file that is written anew is seen empty under its old time: ext4
	// sets the size before the time, which was seen to take up to 38 ms.
	Truncation time.Duration
}

// Open creates the folder and its four status folders, as every FaceFusion command does.
func Open(path string) (*Manager, error) {
	for _, status := range Statuses {
		if err := os.MkdirAll(filepath.Join(path, string(status)), 0o755); err != nil {
			return nil, err
		}
	}
	return &Manager{path: path}, nil
}

// Path returns the path of the folder.
func (f *Manager) Path() string { return f.path }

// Create creates a drafted job: one write for the empty job, one more for each step.
func (f *Manager) Create(id string, steps ...StepArgs) error {
	if _, err := f.Status(id); err == nil {
		return fmt.Errorf("create job %q: %w", id, ErrExists)
	}
	path := f.file(Drafted, id)
	j := &jobDocument{Version: "1", DateCreated: date(), Steps: []stepJSON{}}
	if err := j.write(path, f.Truncation); err != nil {
		return err
	}
	for _, s := range steps {
		j.Steps = append(j.Steps, stepJSON{Args: s.args(), Status: Drafted})
		if err := j.update(path, f.Truncation); err != nil {
			return err
		}
	}
	return nil
}

// Submit queues a drafted job. The steps say so before the file moves.
func (f *Manager) Submit(id string) error { return f.queue(id, Drafted) }

// Retry queues a failed job again, under the same id and date of creation.
func (f *Manager) Retry(id string) error { return f.queue(id, Failed) }

func (f *Manager) queue(id string, from StepStatus) error {
	err := f.change(id, from, func(j *jobDocument) {
		for i := range j.Steps {
			j.Steps[i].Status = Queued
		}
	})
	if err != nil {
		return err
	}
	return f.move(id, from, Queued)
}

// Start marks a step of a queued job as started.
func (f *Manager) Start(id string, step int) error { return f.setStep(id, step, Started) }

// CompleteStep marks a step as completed. The job stays in queued, also after its last step: then
// it is being finalized.
func (f *Manager) CompleteStep(id string, step int) error { return f.setStep(id, step, Completed) }

func (f *Manager) setStep(id string, step int, status StepStatus) error {
	return f.change(id, Queued, func(j *jobDocument) { j.Steps[step].Status = status })
}

// Complete completes a queued job: its started step becomes completed, then the file moves.
func (f *Manager) Complete(id string) error { return f.end(id, Completed) }

// Fail fails a queued job: its started step becomes failed, later ones stay queued, then the file
// moves.
func (f *Manager) Fail(id string) error { return f.end(id, Failed) }

func (f *Manager) end(id string, status StepStatus) error {
	j, err := read(f.file(Queued, id))
	if err != nil {
		return err
	}
	for i, s := range j.Steps {
		if s.Status == Started {
			if err := f.setStep(id, i, status); err != nil {
				return err
			}
		}
	}
	return f.move(id, Queued, status)
}

// Delete removes a job in any status, also a running one.
func (f *Manager) Delete(id string) error {
	status, err := f.Status(id)
	if err != nil {
		return err
	}
	return os.Remove(f.file(status, id))
}

// Status returns the status folder of a job; the error is fs.ErrNotExist where there is no such
// job.
func (f *Manager) Status(id string) (status StepStatus, err error) {
	for _, status = range Statuses {
		if _, err = os.Stat(f.file(status, id)); err == nil {
			return status, nil
		}
	}
	return "", err
}

// Steps returns the number of steps of a queued job.
func (f *Manager) Steps(id string) (int, error) {
	j, err := read(f.file(Queued, id))
	if err != nil {
		return 0, err
	}
	return len(j.Steps), nil
}

// List returns the ids of the jobs in a status folder, sorted.
func (f *Manager) List(status StepStatus) ([]string, error) {
	paths, err := filepath.Glob(f.file(status, "*"))
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(paths))
	for i, path := range paths {
		name := filepath.Base(path)
		ids[i] = name[:len(name)-len(".json")]
	}
	return ids, nil
}

func (f *Manager) file(status StepStatus, id string) string {
	return filepath.Join(f.path, string(status), id+".json")
}

func (f *Manager) change(id string, status StepStatus, edit func(*jobDocument)) error {
	path := f.file(status, id)
	j, err := read(path)
	if err != nil {
		return err
	}
	edit(j)
	return j.update(path, f.Truncation)
}

func (f *Manager) move(id string, from, to StepStatus) error {
	return os.Rename(f.file(from, id), f.file(to, id))
}

func (j *jobDocument) update(path string, truncation time.Duration) error {
	now := date()
	j.DateUpdated = &now
	return j.write(path, truncation)
}
