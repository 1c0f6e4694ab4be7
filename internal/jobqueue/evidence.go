package jobqueue

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// Folder is a jobs folder to look at, as one instance has it.
type Folder struct {
	// Instance is the instance's ID.
	Instance string
	// Files is the root below which the folder is found: that of the host, or of a process of a container. It may change from pass to pass. Nil is the root
	// of this process.
	Files *hostfs.Root
	// Path of the folder below Files; empty while there is no way.
	Path string
	// Process is the root of the instance's processes. Where it is nil, the growth of files is no evidence.
	Process *hostfs.Root
	// Dir is the working folder of its processes, and TempPath its folder for temporary files ("/tmp" by default): both as the processes name them.
	Dir, TempPath string
}

// Evidence is what is known from elsewhere, by instance. Of an instance that is missing, nothing is known.
type Evidence map[string]InstanceEvidence

// InstanceEvidence is what shows whether an instance works.
type InstanceEvidence struct {
	// Time is when the processes were listed; zero while that is not known, and then Processes says nothing.
	Time time.Time
	// Processes are the live ones of FaceFusion itself, without their children.
	Processes []Process
	// CPU is a total in seconds: of the processes and their children, exited ones included.
	CPU reading.Value[float64]
	// GPUBusy says that the processes or their children compute on a GPU. Memory that they only hold is no sign of life.
	GPUBusy reading.Value[bool]
	// FFmpeg is how many children run ffmpeg. FaceFusion 3.8 leaves idle ones behind: a new one is a sign of life, an old one is not.
	FFmpeg reading.Value[int]
}

// Process is a live process of an instance.
type Process struct {
	Role    Role
	Started time.Time
}

// Role is what a process does.
type Role string

// The roles that run jobs. A process with another one does not.
const (
	RoleServer Role = "server"
	RoleRunner Role = "runner"
)

func (r Role) runsJobs() bool { return r == RoleServer || r == RoleRunner }
