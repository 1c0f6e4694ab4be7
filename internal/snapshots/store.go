package snapshots

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// Store holds what one probe reads of another. The zero Store is empty and ready. Each field is
// written by its own probe and read by any goroutine, without a lock.
type Store struct {
	// Servers is what the web UIs say: what Gradio counts is evidence for jobs.
	Servers Latest[webui.Snapshot]
	// Jobs is how the jobs are: Gradio is asked when a run waits for its word.
	Jobs      Latest[jobqueue.Snapshot]
	Processes Latest[process.Snapshot]
	// GPUUse is who computes on the GPUs, which takes both the GPUs and the processes to know.
	GPUUse Latest[GPUUse]
	// GPUWork is what each instance does on each GPU, at the pace at which the GPUs are observed.
	// Nothing is published where nobody asks or nothing can be known.
	GPUWork Latest[GPUWork]
}

// GPUUse says which instances computed on a GPU lately.
type GPUUse struct {
	// Time is when the GPUs were observed.
	Time time.Time
	// Busy is by instance. An instance is missing where the driver does not tell.
	Busy map[string]bool
}

// GPUWork says what instances do on the GPUs that tell who uses them.
type GPUWork struct {
	// Time is when the GPUs were looked at.
	Time time.Time
	GPUs []GPUMeter
}

// GPUMeter is what one GPU reads.
type GPUMeter struct {
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
