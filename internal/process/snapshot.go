package process

import (
	"net/netip"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// Snapshot is what is known about FaceFusion's processes at one moment. It is never changed after
// it was published, so any goroutine may read it.
type Snapshot struct {
	// Time is when the snapshot was taken.
	Time time.Time
	// Waiting is how many processes have waited for some seconds to have their port searched for,
	// as their user's hold more descriptors than are looked at in a second. Nobody else waits for
	// it, so it makes no observation old.
	Waiting int
	// Instances holds those that run, those remembered and those configured, sorted by ID.
	Instances []Instance
	// Changes are the starts and exits seen by this very observation.
	Changes []LifecycleEvent
	// Denied names what could not be read for lack of permission, once for each field, with the
	// remedy.
	Denied []DeniedField
	// Over says which processes are in no instance, as there are too many.
	Over Excess
	// Blind are the reasons for which FaceFusion may run unseen; empty where all processes were
	// looked at.
	Blind []Blindness
	// Hints are processes that look like FaceFusion's, and that no rule finds. They are for the log
	// of this host, and never exported.
	Hints []Hint
}

// Instance is one FaceFusion installation: a checkout with its jobs folder.
type Instance struct {
	// ID is readable, unique on the host and the same after a restart of FaceFusion or of the
	// collector: the configured name, or for example "facefusion-3f2a".
	ID string
	// Version of FaceFusion, for example "3.8.1"; empty while unknown.
	Version string
	// Checkout and JobsPath are the folders as FaceFusion names them; in a container that is the
	// container's name. Empty while unknown. The jobs folder need not exist, as 2.x has none. Paths
	// hold names of people and projects: they are for opening files, and never exported.
	Checkout, JobsPath string
	// JobsHostPath opens the jobs folder from this process: below the host's root, or through
	// /proc/<pid>/root of a process of the instance. It may change from pass to pass, and is empty
	// while there is no way. Never exported either.
	JobsHostPath string
	// RunFolders are jobs folders that runs of it use beside its own.
	RunFolders []RunFolder
	// UID is the user whose process made a discovered instance known; 0 for a configured one.
	UID int
	// Configured instances are reported for ever, others until they were gone for
	// Settings.ForgetAfter.
	Configured bool
	// Configuration says whether what the configuration names is there; empty for others. Unfit are
	// the fields that nothing fits: path, jobs_path, match, match.user.
	Configuration ConfigurationState
	Unfit         []string
	// Expected says that it is configured, and is down whenever it does not run, however it ended.
	Expected bool
	// Stopped says that no process of it runs, as its services were ended on purpose since the host
	// booted: with exit code 0, SIGTERM or SIGINT. Never so of one that is expected.
	Stopped bool
	// Container is what is around its oldest service, else its oldest run; nil where that is a
	// login session or the whole host, and while none runs.
	Container *ContainerUsage
	// Ended are the servers and services whose place is empty, the one that ended first is first.
	Ended []EndedService
	// Unseen says that no process of it is known, and that nobody could look: it is neither up nor
	// down.
	Unseen bool
	// Restricted says that a live process of it may not be looked into.
	Restricted bool
	// ClaimRefused says that its processes, each of those that are no children, name a jobs folder
	// that their user may not write to, or work in the checkout of another instance, whose jobs are
	// shown there.
	ClaimRefused bool
	// Claimants say whether what the way to a jobs folder leads to may be the instance's.
	Claimants Claimants
	// JobsNamed says that the configuration names the jobs folder, whosever it is.
	JobsNamed bool
	// LastSeen is when a process of the instance was last seen; zero if never.
	LastSeen time.Time
	// Roles has an entry for each role seen since the instance is known, sorted by role. A role
	// stays when its last process is gone, with zeros.
	Roles []RoleUsage
	// Servers has an entry for each live process with RoleServer, and for each with RoleService
	// that listens or has listened, sorted by PID.
	Servers []ServerProcess
	// Processes are the live ones, children included, sorted by PID.
	Processes []Process
}

// Up says whether a FaceFusion process of the instance runs. Children that outlive their parent do
// not count, nor does what only starts runs of a service that is missed.
func (i *Instance) Up() bool {
	for _, p := range i.Processes {
		if !p.Role.Child() && !p.Bystander {
			return true
		}
	}
	return false
}

// HasSessions says that its FaceFusion keeps a jobs folder for each session of its api, below the
// jobs folder.
func (i *Instance) HasSessions() bool {
	n, ok := major(i.Version)
	return ok && n >= 4
}

// Process is one live process of an instance.
type Process struct {
	ID
	Role Role
	// Command is FaceFusion's, "headless-run" for one; empty for children, for FaceFusion 2.x and
	// where it is not known.
	Command string
	// Rule is how a process that is no child was found, for the log: "script", "cwd", …
	Rule string
	// Bystander says that it is known for the runs that it starts, and that the instance is more
	// than that.
	Bystander bool
	// Started is the wall-clock time of the start.
	Started time.Time
	// TempPath is its folder for temporary files, as it names it; empty for /tmp, for children, and
	// where nobody may look. Never exported.
	TempPath string
	// Target and Output are the files that a headless-run was given; empty where its command line
	// does not say. Never exported.
	Target, Output string
	// Job is the one that a runner was told to run, as its command line names it. Never exported.
	Job string
	// CPU is what it has used so far, in seconds.
	CPU float64
	// Paths are those in the arguments of an ffmpeg.
	Paths []string
}

// ID identifies a process for as long as the host runs: the kernel reuses a PID, but not with the
// same start time.
type ID struct {
	PID int
	// StartTicks is field 22 of /proc/<pid>/stat: clock ticks after boot.
	StartTicks uint64
}

// RoleUsage sums what the processes of one role use. Totals never decrease: what an exited process
// had used stays in them.
type RoleUsage struct {
	Role Role
	// Count is how many processes of the role live.
	Count int
	// Starts counts those that started since the collector looks; those found running at its first
	// pass are not among them.
	Starts uint64
	// Exits counts by reason.
	Exits map[ExitReason]uint64
	// CPUUser and CPUSystem are totals in seconds.
	CPUUser, CPUSystem float64
	// ResidentMemory in bytes, from stat: smaps would stop the process while it is read.
	ResidentMemory int64
	// Threads of all processes of the role.
	Threads int64
	// FileDescriptors needs the right to look into the process.
	FileDescriptors reading.Value[int64]
	// ReadBytes and WriteBytes are totals of what reached the storage layer; they need the right to
	// look into the process.
	ReadBytes, WriteBytes reading.Value[int64]
	// OldestStart is when the oldest live process of the role started; zero without one.
	OldestStart time.Time
}

// ServerProcess is a live process that serves, and where it listens.
type ServerProcess struct {
	ID
	// Port is where it listens, 0 while it does not (it downloads models first) or while that
	// cannot be known.
	Port uint16
	// Address is where the port can be reached from this host; invalid when it cannot, and then
	// Barrier says why.
	Address netip.AddrPort
	Barrier Barrier
	// Others are further addresses at which it listens and can be reached, some of them: which one
	// is the server, their answers tell. See Table.Choose.
	Others []netip.AddrPort
	// PortUnknown says that Port is 0 because the sockets of the process may not be looked at.
	PortUnknown bool
}

// LifecycleEvent is one start or exit.
type LifecycleEvent struct {
	// Time is when it was noticed; for a start, when the process started.
	Time time.Time
	// Instance is the instance's ID.
	Instance string
	Role     Role
	PID      int
	// Exited distinguishes an exit from a start.
	Exited bool
	// Reason of an exit.
	Reason ExitReason
	// ExitCode is the code where the process ended by itself, Signal the signal's number where it
	// did not.
	ExitCode, Signal reading.Value[int]
}

// ExitReason says how a process ended. The set is fixed, so that it may become an attribute.
type ExitReason string

// The reasons, after FaceFusion 3.x's exit codes and the signals an operator meets.
const (
	ExitCompleted ExitReason = "completed" // code 0
	ExitFailed    ExitReason = "failed"    // code 1 and every other code
	// Code 2: a pre-check failed, or the command line was wrong
	ExitCheckFailed ExitReason = "check_failed"
	// SIGTERM, SIGINT, SIGHUP; or the code by which a program says that it ended for the first two
	ExitTerminated ExitReason = "terminated"
	ExitKilled     ExitReason = "killed"     // SIGKILL, by an operator or whoever
	ExitOOMKilled  ExitReason = "oom_killed" // SIGKILL by the kernel, for memory
	ExitCrashed    ExitReason = "crashed"    // SIGSEGV, SIGABRT, SIGBUS and the like
	ExitUnknown    ExitReason = "unknown"    // the kernel did not report it
)

// Failure says that a program did not end as it was meant to.
func (r ExitReason) Failure() bool {
	switch r {
	case ExitFailed, ExitCheckFailed, ExitKilled, ExitOOMKilled, ExitCrashed:
		return true
	default:
		return false
	}
}

// DeniedField is a field of a FaceFusion process that could not be read.
type DeniedField struct {
	// Field is for example "file_descriptors".
	Field string
	// Path is the pattern of the file, for example "/proc/<pid>/fd".
	Path string
	// Lost is what is not known for that reason.
	Lost string
	// Remedy is what would help, for example "run as the same user as FaceFusion, or add
	// CAP_SYS_PTRACE".
	Remedy string
}
