package facefusionreceiver

import (
	"sync/atomic"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// parcel is what is handed over at once: events or spans.
type parcel[T any] struct {
	content T
	// handed is when: how long it is worth retrying counts from here, not from when its turn comes.
	handed time.Time
	// then is told once what became of it; nil where nobody asks.
	then    func(probe.Fate)
	settled atomic.Bool
}

// settle says what became of the parcel. Only the first word counts: a shutdown may have given it up while it was stuck in the pipeline.
func (p *parcel[T]) settle(fate probe.Fate, dropped func(T)) {
	if !p.settled.CompareAndSwap(false, true) {
		return
	}
	// What is left with whoever keeps it is not lost.
	if fate == probe.Dropped || fate == probe.Left && p.then == nil {
		dropped(p.content)
	}
	if p.then != nil {
		p.then(fate)
	}
}
