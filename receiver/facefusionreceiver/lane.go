package facefusionreceiver

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

const (
	// laneCapacity is how many parcels wait for a pipeline: the jobs of a busy host for hours, and a few MB at most.
	laneCapacity = 1024
	// shutdownGrace is for how long a shutdown tries to deliver what is left, and abandonAfter for how long it then waits for a pipeline that does not
	// return: two lanes end well before the 10 seconds of `docker stop`.
	shutdownGrace = 2 * time.Second
	abandonAfter  = 500 * time.Millisecond
)

// outlet is where a lane leads.
type outlet[T any] struct {
	// name is what goes there, for the log.
	name string
	// mutates says that consume may change what it gets, so that it gets a clone: what it refuses is wanted again.
	mutates bool
	consume func(context.Context, T) error
	clone   func(T) T
	// dropped counts what is lost.
	dropped func(T)
}

// lane is the way out to one pipeline. Probes put without waiting; one goroutine delivers, in order, so that a pipeline that refuses, blocks or is slow costs
// no probe its pace. What is refused is tried again within bounds of time and number, then counted as dropped: at least once, not exactly once, where a
// pipeline forks and one branch refuses.
type lane[T any] struct {
	outlet[T]
	logger *zap.Logger
	queue  chan *parcel[T]
	// stopping is closed when the shutdown begins, ended when the goroutine has ended.
	stopping, ended chan struct{}
	cancel          context.CancelFunc // nil until started
	// current is in the pipeline's hands.
	current atomic.Pointer[parcel[T]]
	failing bool // owned by the goroutine that delivers

	mu     sync.Mutex
	closed bool
}

func newLane[T any](to outlet[T], logger *zap.Logger) *lane[T] {
	return &lane[T]{
		outlet: to, logger: logger, queue: make(chan *parcel[T], laneCapacity),
		stopping: make(chan struct{}), ended: make(chan struct{}),
	}
}

// Start implements component.Component. It is called once, and not after Shutdown.
func (l *lane[T]) Start(context.Context, component.Host) error {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	go l.run(ctx) // Shutdown waits for it
	return nil
}

// Shutdown implements component.Component. It tries for a moment to deliver what is left. It is called once, and may be without Start.
func (l *lane[T]) Shutdown(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	close(l.stopping)
	close(l.queue) // nobody puts into it any more
	if l.cancel != nil {
		l.finish(ctx)
	}
	for p := range l.queue {
		p.settle(probe.Left, l.dropped)
	}
	return nil
}

// finish waits for the goroutine. A pipeline that does not return even when its context ends is left behind with what it holds.
func (l *lane[T]) finish(ctx context.Context) {
	defer l.cancel()
	select {
	case <-l.ended:
		return
	case <-ctx.Done():
	case <-time.After(shutdownGrace):
	}
	l.cancel()
	select {
	case <-l.ended:
		return
	case <-time.After(abandonAfter):
	}
	if p := l.current.Load(); p != nil {
		p.settle(probe.Left, l.dropped)
	}
	l.logger.Warn("a pipeline does not return, it was left behind", zap.String("what", l.name))
}

// open says that somebody will be there to take what is put. A lane that is nil is not open.
func (l *lane[T]) open() bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.closed
}

// put hands over without waiting.
func (l *lane[T]) put(content T, then func(probe.Fate)) {
	p := &parcel[T]{content: content, handed: time.Now(), then: then}
	if l == nil {
		p.settle(probe.Left, func(T) {}) // nobody asked for it, so nothing is lost
		return
	}
	if fate := l.enqueue(p); fate != probe.Pending {
		p.settle(fate, l.dropped)
	}
}

func (l *lane[T]) enqueue(p *parcel[T]) probe.Fate {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return probe.Left
	}
	select {
	case l.queue <- p:
		return probe.Pending
	default:
		return probe.Dropped
	}
}
