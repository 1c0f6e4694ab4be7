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
//	hinter   inotify: names that changed, which need not be looked for. Losing hints costs time, never truth.
//	listing  the names in a folder, where its time of change says that some came or went
//	check    one name: what it is now, where it came from, where it went. Opens what changed, and nothing else.
//	run      one attempt of a job, from its place in the queue to its end, with the time of each step
//	verdict  whether what says it runs still does: see docs/jobs.md
//	totals   what ended, counted and timed
//
// Finished jobs cost a few dozen bytes each and are not opened, unless they ended while we looked.
// Work that does not fit into one pass is continued in the next, for which the Watcher asks itself.
//
// Paths of sources, targets and outputs stay in the package, unless Settings.KeepPaths asks for
// them.
package jobqueue
