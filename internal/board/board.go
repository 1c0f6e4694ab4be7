// Package board is where the probes meet: the latest snapshot of each, for whoever needs to see one beside another.
package board

import (
	"sync/atomic"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
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
}

// GPUUse says which instances computed on a GPU in the window that a scrape summed up last.
type GPUUse struct {
	// Time is when the window ended.
	Time time.Time
	// Busy is by instance. An instance is missing where the driver does not tell.
	Busy map[string]bool
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
