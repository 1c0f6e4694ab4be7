package runlog

import (
	"slices"
	"time"
)

// Known is what the receiver knows at one moment. It is never changed after it was published.
type Known struct {
	Host      KnownHost
	Instances []KnownInstance
	// Runs are those that are under way, and those that ended lately.
	Runs []KnownRun
}

// KnownHost is where the collector runs.
type KnownHost struct{ Name, ID string }

// KnownInstance is a FaceFusion instance, and by what a line shows that it is its.
type KnownInstance struct {
	ID, Version string
	// PIDs are those of its processes and their children, Containers and Pods the ids of the
	// containers and of the pods they are in.
	PIDs             []int
	Containers, Pods []string
	// Files are those that its processes have for standard output and error.
	Files []KnownFile
}

// KnownFile is a file that an instance seems to write to, and how well that is known.
type KnownFile struct {
	Path  string
	Claim FileClaim
}

// FileClaim is how well it is known that a file is an instance's; a greater one goes before.
type FileClaim int

// The claims. Without a file there is none.
const (
	ClaimByName FileClaim = iota + 1
	// ClaimByWriting: it has that very file open for writing.
	ClaimByWriting
	// ClaimByOwner: it writes it, and its user owns it.
	ClaimByOwner
)

// claim is the greatest of an instance to a file with these names; 0 for none.
func (o *KnownInstance) claim(names []string) (greatest FileClaim) {
	for _, f := range o.Files {
		if slices.Contains(names, f.Path) {
			greatest = max(greatest, f.Claim)
		}
	}
	return greatest
}

// KnownRun is an attempt of a job. A time that is not known is zero.
type KnownRun struct {
	Instance string
	Job      string
	Attempt  int
	Trace    [16]byte
	Root     [8]byte
	// Started is when its first step started, or it was created. Ended is zero while it is under
	// way.
	Started, Ended time.Time
	Steps          []KnownStep
}

// KnownStep is a step of a run.
type KnownStep struct {
	Started, Ended time.Time
	Span           [8]byte
}

// ID identifies an attempt.
func (r *KnownRun) ID() RunID { return RunID{r.Instance, r.Job, r.Attempt, r.Root} }

// RunID identifies an attempt of a job.
type RunID struct {
	Instance, Job string
	Attempt       int
	Root          [8]byte
}

func (r *KnownRun) same(o *KnownRun) bool { return r.ID() == o.ID() }

// spanOf is the step that a record of this step number, counted from 1, belongs to; without one it
// is the run itself.
func (r *KnownRun) spanOf(step int) [8]byte {
	if step > 0 && step <= len(r.Steps) {
		return r.Steps[step-1].Span
	}
	return r.Root
}

// instance finds an instance by its id.
func (k *Known) instance(id string) *KnownInstance {
	for i := range k.Instances {
		if k.Instances[i].ID == id {
			return &k.Instances[i]
		}
	}
	return nil
}
