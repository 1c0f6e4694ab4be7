package snapshots

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// Store holds what one probe reads of another. The zero Store is empty and ready. Each field is
// written by its own probe and read by any goroutine, without a lock.
type Store struct {
	// Servers are the web servers: Gradio's counters are evidence for jobs.
	Servers Latest[webui.Snapshot]
	// Jobs says whether runs wait for Gradio's counters, so that Gradio is asked for them, and
	// whether one has begun, so that the processes are listed.
	Jobs      Latest[Jobs]
	Processes Latest[process.Snapshot]
	// GPUUse are the instances that compute on a GPU, from the GPUs and the processes.
	GPUUse Latest[GPUUse]
	// GPUWork is the work of each instance on each GPU, published when the GPUs are observed. It is
	// not published if no probe reads it or nothing is known.
	GPUWork Latest[GPUWork]
}

// Jobs is what the probes of processes and of web servers read of the jobs.
type Jobs struct {
	// Begun says that a run has just begun.
	Begun bool

	// AwaitCalls says that a run has failed or fallen silent, and that what is made of it depends
	// on Gradio's next counters.
	AwaitCalls bool
}

// GPUUse says which instances computed on a GPU lately.
type GPUUse struct {
	// Time is when the GPUs were observed.
	Time time.Time
	// Busy is by instance. An instance is missing where the driver does not report it.
	Busy map[string]bool
}

// GPUWork is the work of instances on the GPUs that report their processes.
type GPUWork struct {
	// Time is when the GPUs were looked at.
	Time time.Time
	GPUs []GPUReadings
}

// GPUReadings are the readings of one GPU.
type GPUReadings struct {
	// ID is the hw.id of the GPU.
	ID string
	// Sampled is when Energy and Shares were read, which may be a few seconds before.
	Sampled time.Time
	// Energy is the counter of the driver in joules, Power what the GPU draws at Time in watts.
	Energy, Power reading.Value[float64]
	// Shares by instance. An instance that is missing has a known share of zero.
	Shares map[string]GPUShare
}

// GPUShare is what the processes of one instance and their children have of one GPU.
type GPUShare struct {
	// Memory in bytes.
	Memory reading.Value[int64]
	// Busy is the fraction of the time since the sample before for which they kept the GPU busy.
	Busy reading.Value[float64]
}
