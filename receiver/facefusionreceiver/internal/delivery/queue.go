package delivery

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

const (
	// queueCapacity is how many batches wait for a pipeline: the jobs of a busy host for hours, and
	// a few MB at most.
	queueCapacity = 1024
	// shutdownGrace is how long a shutdown tries to deliver the rest, and abandonAfter how long it
	// then waits for a pipeline that does not return: two queues end well before the 10 seconds of
	// `docker stop`.
	shutdownGrace = 2 * time.Second
	abandonAfter  = 500 * time.Millisecond
)

var errQueueFull = errors.New("the queue of the receiver is full")

// queue leads to one pipeline. Probes put batches without waiting; one goroutine delivers them in
// order, so that a pipeline that refuses, blocks or is slow delays no probe. A refused batch is
// retried within bounds of time and number, then counted as dropped: at least once, not exactly
// once, where a pipeline forks and one branch refuses.
type queue[T any] struct {
	pipeline[T]
	logger  *zap.Logger
	batches chan *batch[T]
	// stopping is closed when the shutdown begins, ended when the goroutine has ended.
	stopping, ended chan struct{}
	cancel          context.CancelFunc // nil until started
	// current is in the pipeline's hands.
	current atomic.Pointer[batch[T]]
	failing bool // owned by the goroutine that delivers

	mu     sync.Mutex
	closed bool
}

func newQueue[T any](to pipeline[T], logger *zap.Logger) *queue[T] {
	return &queue[T]{
		pipeline: to, logger: logger, batches: make(chan *batch[T], queueCapacity),
		stopping: make(chan struct{}), ended: make(chan struct{}),
	}
}

// Start implements component.Component. It is called once, and not after Shutdown.
func (q *queue[T]) Start(context.Context, component.Host) error {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:gosec // Shutdown calls it
	q.cancel = cancel
	go q.run(ctx) // Shutdown waits for it
	return nil
}

// Shutdown implements component.Component. It tries for a moment to deliver the rest. It is called
// once, and may be without Start.
func (q *queue[T]) Shutdown(ctx context.Context) error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	close(q.stopping)
	close(q.batches) // nobody puts any more
	if q.cancel != nil {
		q.drain(ctx)
	}
	for b := range q.batches {
		b.finish(probe.Abandoned, q.dropped)
	}
	return nil
}

// drain waits for the goroutine. A pipeline that does not return even when its context ends is
// abandoned with the batch that it holds.
func (q *queue[T]) drain(ctx context.Context) {
	defer q.cancel()
	select {
	case <-q.ended:
		return
	case <-ctx.Done():
	case <-time.After(shutdownGrace):
	}
	q.cancel()
	select {
	case <-q.ended:
		return
	case <-time.After(abandonAfter):
	}
	if b := q.current.Load(); b != nil {
		b.finish(probe.Abandoned, q.dropped)
	}
	q.logger.Warn("shutdown timed out waiting for the pipeline", zap.String("signal", q.name))
}

// open says that there is a pipeline that is not shut down. A nil queue is not open.
func (q *queue[T]) open() bool {
	if q == nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.closed
}

// put hands over without waiting.
func (q *queue[T]) put(content T, onDone func(probe.Result)) {
	b := &batch[T]{content: content, received: time.Now(), onDone: onDone}
	if q == nil {
		b.finish(probe.Abandoned, func(T) {}) // nobody asked for it, so nothing is lost
		return
	}
	result := q.enqueue(b)
	if result == probe.Dropped {
		q.endOp(q.startOp(context.Background()), content, errQueueFull)
	}
	if result != probe.Pending {
		b.finish(result, q.dropped)
	}
}

func (q *queue[T]) enqueue(b *batch[T]) probe.Result {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return probe.Abandoned
	}
	select {
	case q.batches <- b:
		return probe.Pending
	default:
		return probe.Dropped
	}
}
