// Package jobqueue knows the meaning of FaceFusion's jobs folder: which jobs wait, run, hang, were
// lost or ended, and how long everything took.
//
// FaceFusion 3.x keeps every piece of work as a file in one of four folders (drafted, queued,
// completed, failed), which it truncates and writes in place and then renames into the next. There
// is no folder for what runs: a running job is a queued one with a started step, and so is one
// whose process was killed. FaceFusion 2.x has no jobs folder: it is absent, which is a state as
// well.
//
// A Watcher looks at any number of folders (Observe), from one goroutine. A pass goes from what the
// disk says to what it means:
//
//	jobsdir  the names in a folder that are new, gone or changed, and the bytes of one file
//	jobfile  what these bytes say
//	check    one name: its present state, where it came from, where it went
//	run      one attempt of a job, from the queue to its end, with the times of its steps
//	verdict  whether a job that says it runs still does: see docs/jobs.md
//	totals   ended runs, counted and timed
//
// Finished jobs cost a few dozen bytes each and are not opened, unless they ended while we looked.
// Work that does not fit into one pass is continued in the next, for which the Watcher asks itself.
//
// Paths of sources, targets and outputs stay in the package, unless Settings.KeepPaths asks for
// them.
package jobqueue
