package delivery

import (
	"sync/atomic"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// batch is what is handed over at once: events or spans.
type batch[T any] struct {
	content T
	// received is when it was handed over: the time for retries counts from here, not from when its
	// turn comes.
	received time.Time
	// onDone is called once with the result; nil for a batch without an owner.
	onDone   func(probe.Result)
	finished atomic.Bool
}

// finish reports the result. Only the first call counts: a shutdown may have abandoned the batch
// while it was stuck in the pipeline.
func (b *batch[T]) finish(result probe.Result, dropped func(T)) {
	if !b.finished.CompareAndSwap(false, true) {
		return
	}
	if result == probe.Dropped || result == probe.Abandoned && b.onDone == nil {
		dropped(b.content)
	}
	if b.onDone != nil {
		b.onDone(result)
	}
}
