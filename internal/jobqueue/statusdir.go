package jobqueue

import "github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"

// statusDir is one of the four folders, and what is remembered of the files in it that are not jobs
// under way.
type statusDir struct {
	jobsdir.Dir
	// finished are the jobs that need not be looked at any more, by the hash of their name. They
	// are what grows with the history of a host: hence no strings and no pointers.
	finished  archive
	irregular irregulars
	// parent is the jobs folder in which it was last there.
	parent jobsdir.FileStat
	// left are the names that were left out.
	left leftOut
}

// state is that of all jobs in a terminal status folder.
func (d *statusDir) state() JobState {
	if d.Index == jobsdir.Failed {
		return StateFailed
	}
	return StateCompleted
}
