package jobqueue

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// Snapshot is what is known about all jobs folders at one moment. It is never changed after it was
// published, so any goroutine may read it.
type Snapshot struct {
	// Time is when the snapshot was taken.
	Time time.Time
	// Queues has an entry for each jobs folder, sorted by its first instance.
	Queues []Queue
	// Oldest is when the folder was last looked at for which that was longest ago; zero without a
	// folder. One that does not answer, or cannot be looked at, says so by its access.
	Oldest time.Time
	// Behind are the instances of folders with more changes than were read in the last seconds.
	// Nobody else waits for that, so it makes no observation old.
	Behind []string
	// Changes are the transitions seen by this very observation, sorted by job; those of one job
	// are in the order in which they happened.
	Changes []Change
}

// Queue is what is known about one jobs folder.
type Queue struct {
	// Instances are the IDs of those that share the folder, sorted. What is counted belongs to the
	// first.
	Instances []string
	// Access says whether the folder can be looked at. Where it is neither AccessOpen nor
	// AccessAbsent, Jobs and what follows it is how it was last seen.
	Access Access
	// Scanning says that the first scan is not through yet: Jobs still grows, although nothing
	// happens.
	Scanning bool
	// Hinted says that changes are noticed at once. Without it (a limit of inotify) they are
	// noticed by the next pass.
	Hinted bool
	// Jobs counts by state, in the order of States.
	Jobs [len(States)]int
	// ActiveTasks is how many steps run now. Those of stalled and orphaned jobs do not run.
	ActiveTasks int
	// OldestWaiting and OldestRunning are since when the oldest such job waits or runs; absent
	// without one.
	OldestWaiting, OldestRunning reading.Value[time.Time]
	// Contended is how many jobs two runners work on at the same time; FaceFusion has no lock that
	// would keep them from it.
	Contended int
	// Irregular is how many entries of the folders are named like a job and are no regular file.
	Irregular int
	// Oversized is how many jobs are over a limit of what is read of one, and therefore
	// StateUnreadable; OversizedJob is the first of them by id, and OversizedReason says which
	// limit.
	Oversized                     int
	OversizedJob, OversizedReason string
	// ModelsOver counts the steps whose model is reported as "other", because the number of names
	// is bounded.
	ModelsOver uint64
	// Open are the runs that have begun and not ended, sorted by job.
	Open []*Run
	// Start is when the folder was first looked at, by any process whose records there are: all
	// totals count from here.
	Start time.Time
	// Restored says what its jobs were compared with at the first pass.
	Restored RestoreState
	// AwaitsCalls says that Gradio's word is awaited: a run has failed, and may have been stopped,
	// or one that a web UI can have has just fallen silent.
	AwaitsCalls bool
	// StopsKnown says that a web UI's buttons are counted, so that a stopped run would be known as
	// one.
	StopsKnown bool
	// DeclinesKnown says that a log of FaceFusion is read, so that a declined run would be known as
	// one.
	DeclinesKnown bool
	// Orphans counts the runs that were lost, by reason; one that never occurred is missing.
	Orphans map[LossReason]uint64
	// Runs and Steps are the totals of what ended since then.
	Runs  []RunTotals
	Steps []StepTotals
}

// Access says whether a jobs folder can be looked at.
type Access string

// The accesses.
const (
	// AccessOpen: it is there.
	AccessOpen Access = "open"
	// AccessAbsent: there is none. FaceFusion 2.x has none, and 3.x makes it with its first
	// command.
	AccessAbsent Access = "absent"
	// AccessUnreachable: no way leads to it now, because no process of the container that has it
	// runs. It means this and nothing else.
	AccessUnreachable Access = "unreachable"
	// AccessDenied: it may not be read.
	AccessDenied Access = "denied"
	// AccessNotVisible: a process of the instance runs, or may run, and the collector may not look
	// into it, so it is not known which folder it has.
	AccessNotVisible Access = "not_visible"
	// AccessUnknown: a process of the instance runs, and neither it nor the configuration shows a
	// checkout or a jobs folder.
	AccessUnknown Access = "unknown"
	// AccessClaimRefused: the processes of the instance name a jobs folder that their user may not
	// write to. It is not taken for his, so it is not read.
	AccessClaimRefused Access = "claim_refused"
	// AccessError: the file system answers with an error that is neither "no such folder" nor
	// "permission denied".
	AccessError Access = "error"
	// AccessUnresponsive: the share that it lies on does not answer. Nobody waits for it, and it is
	// asked again when it has answered.
	AccessUnresponsive Access = "share_unresponsive"
)

// JobState is how a job is. The set is fixed, so that it may become an attribute.
type JobState string

// The states.
const (
	StateDrafted JobState = "drafted"
	StateWaiting JobState = "waiting"
	StateRunning JobState = "running"
	// StateFinalizing: all steps have ended, their outputs are being joined.
	StateFinalizing JobState = "finalizing"
	// StateStalled: a process that could work on it lives, but nothing shows that it does.
	StateStalled JobState = "stalled"
	// StateOrphaned: it says that it runs, but whatever ran it is gone. It stays so until somebody
	// runs or deletes it.
	StateOrphaned  JobState = "orphaned"
	StateCompleted JobState = "completed"
	StateFailed    JobState = "failed"
	// StateUnreadable: it cannot be understood, and nobody is writing it.
	StateUnreadable JobState = "unreadable"
)

// The states that occur in changes alone.
const (
	// StateNone is where a job comes from that was not known before.
	StateNone JobState = ""
	// StateDeleted is where a job goes that was deleted before it ended.
	StateDeleted JobState = "deleted"
)

// States are all that are counted.
var States = [...]JobState{
	StateDrafted, StateWaiting, StateRunning, StateFinalizing, StateStalled, StateOrphaned, StateCompleted, StateFailed, StateUnreadable,
}

// Count is how many jobs are in a state.
func (q *Queue) Count(s JobState) int {
	if i := index(s); i >= 0 {
		return q.Jobs[i]
	}
	return 0
}

func index(s JobState) int {
	for i, state := range States {
		if state == s {
			return i
		}
	}
	return -1
}

// Change is one transition of a job, or with From and To the same the end of a run of which it was
// not known yet how it ended. Jobs that lay there at the first pass have made none.
type Change struct {
	// Time is when it happened, as exactly as the evidence allows; for a verdict, when it was
	// reached.
	Time time.Time
	// Instance is the first of those that share the folder.
	Instance string
	// Job is the id, which is text of a user.
	Job      string
	From, To JobState
	// Run is the attempt as it was then; nil for a draft and for what could never be read.
	Run *Run
	// Basis is what To rests on.
	Basis Basis
	// Ended says that the run ended with this change: it is complete, and in the totals.
	Ended bool
}

// Concludes says that the change is no other state: how a run ended has become known, whose job was
// reported as failed before.
func (c *Change) Concludes() bool {
	return c.Ended && c.Run != nil && c.From == StateFailed && c.To == StateFailed
}
