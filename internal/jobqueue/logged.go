package jobqueue

import "time"

// LogLine is what FaceFusion's log said about why a run did not complete.
type LogLine struct {
	Time time.Time
	// Job is the id of the job; empty where it is unknown.
	Job string
	// Outcome is OutcomeDeclined or OutcomeStopped; OutcomeFailed for any other cause.
	Outcome Outcome
}

const (
	// logWait is for how long the last lines of a log that is read are awaited after a run failed.
	logWait = 3 * time.Second
	// logEarly and logLate are how far a line may seem to be outside of its run: dates in a job's
	// file have whole seconds, and a line is read after it was written.
	logEarly, logLate = 3 * time.Second, 5 * time.Second
)

// awaitsLog says that lines about a run that failed may still be read.
func (f *jobsFolder) awaitsLog(p *pass, j *job) bool {
	return j.attempt.run.Outcome == "" && !j.historic && gather(p.evidence, f.witnesses()).logRead
}

// logged is what the log says about a run that failed; empty where it says nothing that is an
// outcome of its own. "Processing stopped" is a user's only in a web UI, and FaceFusion 3.8 says
// the same when its encoder ends early: where Gradio counts the presses of Stop, it is Gradio that
// tells.
func (f *jobsFolder) logged(j *job, l *folderEvidence) Outcome {
	a := j.attempt
	for i := range l.log {
		line := &l.log[i]
		switch {
		case !line.mayBeOf(j), line.Outcome == OutcomeFailed:
		case line.Outcome == OutcomeStopped && (f.mayBeStopped(j) || doorOf(a).ownProcess()):
		default:
			return line.Outcome
		}
	}
	return ""
}

// mayBeOf says that a line speaks of a run that failed, or of none by name while it ran.
func (line *LogLine) mayBeOf(j *job) bool {
	run := &j.attempt.run
	switch {
	case line.Job != "" && line.Job != run.Job, line.Time.After(j.failedEnd.Add(logLate)):
		return false
	default:
		return !run.Started.Known || !line.Time.Before(run.Started.V.Add(-logEarly))
	}
}
