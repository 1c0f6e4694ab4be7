package jobqueue

import "time"

// verdict is what is made of a job whose file says that it runs.
type verdict uint8

const (
	verdictNone verdict = iota // nothing speaks against the file
	verdictStalled
	verdictOrphaned
)

// Basis is what the state or the end of a run rests on. The set is fixed, so that it may become an
// attribute.
type Basis string

// The bases.
const (
	// BasisFile: FaceFusion wrote it into the folder.
	BasisFile Basis = "file"
	// BasisStopCall: Gradio counted a press of the stop button before the run failed.
	BasisStopCall Basis = "stop_call"
	// BasisLog: FaceFusion's log says so.
	BasisLog Basis = "log"
	// BasisFailedCall: Gradio counted an exception in the call that had the run.
	BasisFailedCall Basis = "failed_call"
	// BasisNextJob: the web UI took its next job, and takes one at a time.
	BasisNextJob Basis = "next_job"
	// BasisRerun: the job was begun anew.
	BasisRerun Basis = "rerun"
	// BasisProcessExit: the process that had the run exited.
	BasisProcessExit Basis = "process_exit"
	// BasisNoProcess: no process that could have the run was ever seen.
	BasisNoProcess Basis = "no_process"
	// BasisSilence: nothing moves.
	BasisSilence Basis = "silence"
	// BasisProgress: something moves again.
	BasisProgress Basis = "progress"
)

// LossReason is why a run was lost. The set is fixed, so that it may become an attribute.
type LossReason string

// The reasons.
const (
	// ReasonException: the process, or the call in a living web UI, ended with an error.
	ReasonException LossReason = "exception"
	// ReasonKilled: a signal ended the process.
	ReasonKilled LossReason = "killed"
	// ReasonOOMKilled: the kernel did, for want of memory.
	ReasonOOMKilled LossReason = "oom_killed"
	// ReasonSuperseded: the next job, or another attempt, took its place.
	ReasonSuperseded LossReason = "superseded"
	// ReasonGone: whatever had it is gone, and how it ended is unknown.
	ReasonGone LossReason = "gone"
)

// Reasons are all.
var Reasons = [...]LossReason{ReasonException, ReasonKilled, ReasonOOMKilled, ReasonSuperseded, ReasonGone}

// verdictInput is all that a verdict rests on.
type verdictInput struct {
	// listed: the processes were listed after the last change of the file was seen.
	listed bool
	// held: a process that can have the run was seen; alive: one of those lives.
	held, alive bool
	// exit is how the last of them ended; empty while that is not known.
	exit LossReason
	// gone is for how long none has lived.
	gone time.Duration
	// failedCall: Gradio counted an exception that is nobody else's. ownQuiet is for how long
	// nothing of this very job has moved.
	failedCall bool
	ownQuiet   time.Duration
	// nextJob: the web UI that has the run took another one.
	nextJob bool
	// unwritten is the time since the last change of the file. writtenUnseen: it changed when no
	// process lived that could have changed it.
	unwritten     time.Duration
	writtenUnseen bool
	// shared: other hosts may use the folder, and their processes cannot be seen.
	shared bool
	// growing: files of the step grew after the process had gone, or may have; or lately where
	// there never was one.
	growing bool
	// observable: there is something in which progress would show.
	observable bool
	// quiet is for how long nothing has shown progress.
	quiet time.Duration
}

const (
	// goneFor guards against a list of processes that misses one once, and leaves the kernel the
	// time to say how a process ended.
	goneFor = 3 * time.Second
	// longAgo is when a job without a process was not just taken by one that is still to be seen.
	longAgo = time.Minute
	// growingFor is for how long growth counts as a sign of somebody who cannot be seen, such as
	// another host.
	growingFor = time.Minute
	// ownQuietFor is for how long nothing of a job may move before an exception that Gradio counted
	// is thought to be its. Files are looked at every 5 seconds.
	ownQuietFor = 6 * time.Second
)

// judge is the table in docs/jobs.md.
func judge(in verdictInput, stallAfter time.Duration) (verdict, Basis, LossReason) {
	switch {
	case in.failedCall && (in.nextJob || in.ownQuiet >= ownQuietFor):
		return verdictOrphaned, BasisFailedCall, ReasonException
	case in.nextJob:
		return verdictOrphaned, BasisNextJob, ReasonSuperseded
	case in.listed && in.held && !in.alive && in.exit != "":
		return verdictOrphaned, BasisProcessExit, in.exit
	case in.listed && in.held && !in.alive && in.gone >= goneFor && !in.growing:
		return verdictOrphaned, BasisProcessExit, ReasonGone
	case in.listed && !in.held && !in.shared && !in.growing && in.unwritten >= longAgo && (!in.writtenUnseen || in.quiet >= stallAfter):
		return verdictOrphaned, BasisNoProcess, ReasonGone
	case in.observable && in.quiet >= stallAfter:
		return verdictStalled, BasisSilence, ""
	default:
		return verdictNone, BasisProgress, ""
	}
}
