// Package board is where the probes meet: the latest snapshot of each, for whoever needs to see one beside another.
package board

import (
	"sync/atomic"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// Board holds one cell for each probe. The zero Board is empty and ready. Each cell is written by its own probe and read by any goroutine, without a lock.
type Board struct {
	Processes Cell[process.Snapshot]
	Servers   Cell[webui.Snapshot]
	GPUs      Cell[gpu.Snapshot]
	Jobs      Cell[jobqueue.Snapshot]
	// GPUUse is who computes on the GPUs, which takes both the GPUs and the processes to know.
	GPUUse Cell[GPUUse]
	// GPUWork is what each instance does on each GPU, at the pace at which the GPUs are observed. Nothing is published where nobody asks or nothing can be known.
	GPUWork Cell[GPUWork]
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
	// Shares by instance. One that is missing does not use the GPU.
	Shares map[string]GPUShare
}

// GPUShare is what the processes of one instance and their children have of one GPU.
type GPUShare struct {
	// Memory in bytes.
	Memory reading.Value[int64]
	// Busy is the fraction of the time since the sample before for which they kept the GPU busy.
	Busy reading.Value[float64]
}

// Cell holds the latest of a series of immutable snapshots.
type Cell[T any] struct {
	latest      atomic.Pointer[T]
	subscribers []func()
}

// Subscribe has f called after each Publish, by the goroutine that published: f must not block. Subscribe before anything is published.
func (c *Cell[T]) Subscribe(f func()) { c.subscribers = append(c.subscribers, f) }

// Publish replaces the latest snapshot, which nobody may change from now on. One goroutine publishes to a cell.
func (c *Cell[T]) Publish(snapshot *T) {
	c.latest.Store(snapshot)
	for _, f := range c.subscribers {
		f()
	}
}

// Latest is the snapshot that was published last; nil before the first.
func (c *Cell[T]) Latest() *T { return c.latest.Load() }
