package delivery

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

const (
	// maxElapsedTime is how long after it was handed over a batch is retried: as long as the
	// Collector's exporters retry by default.
	maxElapsedTime = 5 * time.Minute
	// initialInterval is short enough for a queue that was full for a moment, maxInterval notices
	// soon that a pipeline is back.
	initialInterval = 100 * time.Millisecond
	maxInterval     = 5 * time.Second
	// minAttempt is what each batch is given at least, also when it waited too long behind one that
	// blocked.
	minAttempt = time.Second
)

// run delivers batches until the queue is closed and empty. When ctx ends before, the rest is
// abandoned.
func (q *queue[T]) run(ctx context.Context) {
	defer close(q.ended)
	for b := range q.batches {
		q.current.Store(b)
		b.finish(q.deliver(ctx, b), q.dropped)
		q.current.Store(nil)
	}
}

// deliver sends one batch and reports it to the Collector's own metrics: as accepted, or once as
// refused, however many attempts it took.
func (q *queue[T]) deliver(ctx context.Context, b *batch[T]) probe.Result {
	ctx = q.startOp(ctx)
	result, err := q.retry(ctx, b)
	q.endOp(ctx, b.content, err)
	return result
}

// retry sends until the pipeline has taken the batch, or has refused it for good or for too long.
// The error is that of the last attempt.
func (q *queue[T]) retry(ctx context.Context, b *batch[T]) (probe.Result, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = initialInterval, maxInterval
	stopping := q.stopping
	for {
		err := q.attempt(ctx, b)
		if err != nil && ctx.Err() != nil {
			return probe.Abandoned, err
		}
		q.log(err)
		switch {
		case err == nil:
			return probe.Delivered, nil
		case consumererror.IsPermanent(err):
			return probe.Dropped, err
		}
		pause := pauses.NextBackOff()
		if time.Since(b.received)+pause > maxElapsedTime {
			return probe.Dropped, err
		}
		select {
		case <-time.After(pause):
		case <-stopping: // there is no time for long pauses
			stopping = nil
			pauses.Reset()
		case <-ctx.Done():
			return probe.Abandoned, err
		}
	}
}

func (q *queue[T]) attempt(ctx context.Context, b *batch[T]) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := time.Now()
	deadline := b.received.Add(maxElapsedTime)
	if least := now.Add(minAttempt); deadline.Before(least) {
		deadline = least
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if q.mutates {
		return q.consume(ctx, q.clone(b.content))
	}
	return q.consume(ctx, b.content)
}

// log reports once that a pipeline refuses, and once that it accepts again.
func (q *queue[T]) log(err error) {
	if (err != nil) == q.failing {
		return
	}
	q.failing = err != nil
	if q.failing {
		q.logger.Warn("pipeline refuses data, retrying", zap.String("signal", q.name),
			zap.Duration("max_elapsed_time", maxElapsedTime), zap.Error(err))
	} else {
		q.logger.Info("pipeline accepts data again", zap.String("signal", q.name))
	}
}
