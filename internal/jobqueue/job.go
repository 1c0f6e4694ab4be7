package jobqueue

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// fileKey is where a file lies.
type fileKey struct {
	dir  int
	name string
}

// job is one that lies in drafted or queued, or that ended and was not read yet.
type job struct {
	fileKey
	// stat is the file's when it was last read or looked at, fresh is when it was first seen to be
	// so; racy says that the file may have changed since without showing it.
	stat  jobsdir.FileStat
	fresh time.Time
	racy  bool
	// doc is what the file said when it was last understood, written is when that was written by
	// the clock of whoever wrote it, wroteSeen when we first saw it. understood says that it ever
	// was.
	doc        jobfile.Document
	kept       int64 // what doc takes, about
	written    time.Time
	wroteSeen  time.Time
	understood bool
	// unparsableSince is since when it cannot be understood.
	unparsableSince time.Time
	state           JobState
	// counted says that the folder counts it.
	counted bool
	// historic: it lay there at the first pass, which makes no change of it.
	historic bool
	// number counts the attempts; attempt is the last one, nil for a draft.
	number  int
	attempt *attempt
	// maker is who made the job, where its id does not show it and it is known; madeSeen is when
	// the job was first seen, and applied what Gradio had counted of the job manager by then.
	maker    jobfile.Origin
	madeSeen time.Time
	applied  map[ProcessID]int64
	// since is when the state began.
	since    time.Time
	progress progress
	// rerun is set while somebody began the job anew, and it is not known whether the run is over.
	rerun *rerun
	// failedEnd is when the run failed, failedSeen when we saw it: whether it was stopped is not
	// known yet. Zero where nothing is awaited.
	failedEnd, failedSeen time.Time
	// justEnded: the run ended with the transition to come.
	justEnded bool
	// generation is that of the last listing that named it.
	generation uint32
}

// open says that there is a run that has begun and not ended.
func (j *job) open() bool {
	switch j.state {
	case StateRunning, StateFinalizing, StateStalled:
		return true
	default:
		return false
	}
}

// suspicious states need passes at every tick: a verdict may be due.
func (j *job) suspicious() bool {
	return j.open() || j.settling() || !j.unparsableSince.IsZero() && j.state != StateUnreadable
}

// settling says that the run has failed, and that it is not known yet how.
func (j *job) settling() bool { return !j.failedSeen.IsZero() }

// writtenAt is when a version was written, to the microsecond where the file says it: FaceFusion
// takes the date just before it writes. A date that is far from the time of the file is that of a
// copy.
func writtenAt(doc *jobfile.Document, st *jobsdir.FileStat) time.Time {
	at := st.Written()
	if d := at.Sub(doc.Updated); d > -time.Second && d < maxDateLag {
		return doc.Updated
	}
	return at
}

// maxDateLag is how long writing may take on a busy disk.
const maxDateLag = 10 * time.Second
