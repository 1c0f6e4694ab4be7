package jobqueue

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// Folder is a jobs folder to look at, as one instance has it.
type Folder struct {
	// Instance is the instance's ID.
	Instance string
	// Of is set for a folder that only runs of an instance use: it is that instance's ID, to which
	// the folder's jobs and counts belong. Instance is then a name for the folder alone, by which
	// the evidence about those runs is found. It is looked at while it is named, and nothing is
	// kept of it but what it adds to the instance's totals.
	Of string
	// Since is when such runs began: what was written before is history. Zero is now.
	Since time.Time
	// Files is the root below which the folder is found: that of the host, or of a process of a
	// container. It may change from pass to pass. Nil is the root of this process.
	Files *hostfs.Root
	// Path of the folder below Files; empty while there is no way, and NoPath says why:
	// AccessUnreachable by default.
	Path   string
	NoPath Access
	// Process is the root of the instance's processes. Where it is nil, the growth of files is no
	// evidence.
	Process *hostfs.Root
	// May says whether the instance may have what Path leads to, which is asked when that is
	// another folder than before, also from the goroutine of a pass. Nil is that it may.
	May func(hostfs.Held) bool
	// Payer is the user who pays for what is kept of it: with all folders of one user it is
	// bounded. The instance by default.
	Payer string
	// Dir is the working folder of its processes, as they name it.
	Dir string
	// Sessions says that its FaceFusion is one that has a jobs folder for each session of its api
	// below this one.
	Sessions bool

	// session is the name of such a folder in Path, and sharers are the instances that have Path.
	session string
	sharers []string
	// jobs is the folder while it is open: from when it was identified to the end of the pass.
	jobs *jobsdir.JobsFolder
}

// Evidence is what is known from elsewhere, by instance. Of an instance that is missing, nothing is
// known.
type Evidence map[string]InstanceEvidence

// InstanceEvidence is what shows whether an instance works, and on what.
type InstanceEvidence struct {
	// Time is when the processes were listed; zero while that is not known, and then Processes says
	// nothing.
	Time time.Time
	// Processes are the live ones of FaceFusion itself, without their children.
	Processes []LiveProcess
	// Exits are those of the last minutes, in the order in which they were noticed.
	Exits []Exit
	// Servers are what Gradio counted, by process of a web UI; without those whose counts are
	// unknown.
	Servers []ServerCalls
	// CPU is a total in seconds: of runners and of all children, exited ones included. That of the
	// web UIs, which use some without any job, is with their processes.
	CPU reading.Value[float64]
	// GPUBusy says that the processes or their children compute on a GPU. Memory that they only
	// hold is no progress.
	GPUBusy reading.Value[bool]
	// FFmpeg are the paths in the arguments of each child that runs ffmpeg. FaceFusion 3.8 leaves
	// idle ones behind: a new one is progress, an old one is not.
	FFmpeg reading.Value[[][]string]
	// LogRead says that FaceFusion's log is read; Log is what it said lately about runs that did
	// not complete.
	LogRead bool
	Log     []LogLine
	// LogQuiet are steps that began, and of which it said nothing else.
	LogQuiet []SilentStep
}

// ProcessID identifies a process for as long as the host runs.
type ProcessID struct {
	PID        int
	StartTicks uint64
}

// LiveProcess is a live process of an instance.
type LiveProcess struct {
	ProcessID
	Role ProcessRole
	// Command is FaceFusion's: "headless-run" for one; empty where it is not known.
	Command string
	Started time.Time
	// TempPath is its folder for temporary files, as it names it; "/tmp" by default.
	TempPath string
	// Target and Output are the files that a headless-run was given, where its command line says
	// so.
	Target, Output string
	// Job is the one that a job-run or a job-retry was told to run, where its command line says so.
	// The id of the job may be another: FaceFusion removes what it does not like in one.
	Job string
	// CPU is what a web UI has used so far, in seconds; absent for others.
	CPU reading.Value[float64]
}

// Exit is the end of a process.
type Exit struct {
	PID  int
	Time time.Time // when it was noticed
	// Reason is what it means for a run that the process had; empty where that is not known.
	Reason LossReason
}

// ServerCalls is what Gradio says that one process of a web UI was asked for, since that process
// started.
type ServerCalls struct {
	ProcessID
	// Time is when Gradio was asked. What it answered may be older: it counts anew when an event
	// ends.
	Time time.Time
	// Functions are counted by name: "run" is the instant runner, "run_1" the job runner, "stop"
	// and "stop_1" their buttons.
	Functions map[string]CallCounts
}

// CallCounts counts the calls of one function.
type CallCounts struct {
	// Requests are all: those that wait and run as well.
	Requests int64
	// Failed raised an exception. It may be late, and is never too high.
	Failed reading.Value[int64]
}

// ProcessRole is what a process does.
type ProcessRole string

// The roles that have to do with jobs.
const (
	RoleServer ProcessRole = "server"
	RoleRunner ProcessRole = "runner"
	// RoleService and RoleWorker are other programs around FaceFusion, which may run jobs of any
	// kind.
	RoleService ProcessRole = "service"
	RoleWorker  ProcessRole = "worker"
	// RoleAdmin makes and moves jobs, and runs none.
	RoleAdmin ProcessRole = "admin"
)

// folderEvidence is the evidence about all instances that share a folder.
type folderEvidence struct {
	// listed is the oldest list of processes; zero where one is missing.
	listed    time.Time
	processes []LiveProcess
	exits     []Exit
	servers   []ServerCalls
	cpu       reading.Value[float64]
	gpuBusy   reading.Value[bool]
	ffmpeg    reading.Value[[][]string]
	logRead   bool
	log       []LogLine
	quiet     []SilentStep
}

func gather(evidence Evidence, instances []string) *folderEvidence {
	l := &folderEvidence{}
	for i, id := range instances {
		e := evidence[id]
		if i == 0 || e.Time.Before(l.listed) {
			l.listed = e.Time
		}
		l.processes = append(l.processes, e.Processes...)
		l.exits = append(l.exits, e.Exits...)
		l.servers = append(l.servers, e.Servers...)
		l.logRead = l.logRead || e.LogRead
		l.log = append(l.log, e.Log...)
		l.quiet = append(l.quiet, e.LogQuiet...)
		l.cpu = reading.AddKnown(l.cpu, e.CPU)
		if e.GPUBusy.Known {
			l.gpuBusy = reading.Known(l.gpuBusy.V || e.GPUBusy.V)
		}
		if e.FFmpeg.Known {
			l.ffmpeg = reading.Known(append(slices.Clone(l.ffmpeg.V), e.FFmpeg.V...))
		}
	}
	return l
}

// alive says whether a process was listed.
func (l *folderEvidence) alive(id ProcessID) bool { return l.process(id) != nil }

// process is what is known of a process; nil where it is not listed.
func (l *folderEvidence) process(id ProcessID) *LiveProcess {
	for i := range l.processes {
		if l.processes[i].ProcessID == id {
			return &l.processes[i]
		}
	}
	return nil
}

// exitOf is how a process ended, of those that had the pid the last to do so; nil where that is
// unknown.
func (l *folderEvidence) exitOf(id ProcessID, since time.Time) *Exit {
	for i := len(l.exits) - 1; i >= 0; i-- {
		if e := &l.exits[i]; e.PID == id.PID && !e.Time.Before(since) {
			return e
		}
	}
	return nil
}

// callsOf is what Gradio says of one process; nil where it does not.
func (l *folderEvidence) callsOf(id ProcessID) *ServerCalls {
	for i := range l.servers {
		if l.servers[i].ProcessID == id {
			return &l.servers[i]
		}
	}
	return nil
}

// liveServers are the servers that live.
func (l *folderEvidence) liveServers() (ids []ProcessID) {
	for i := range l.processes {
		if l.processes[i].Role == RoleServer {
			ids = append(ids, l.processes[i].ProcessID)
		}
	}
	return ids
}
