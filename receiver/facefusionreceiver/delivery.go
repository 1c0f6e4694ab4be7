package facefusionreceiver

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

const (
	// retryFor is for how long after it was handed over a parcel is tried again: as long as the Collector's exporters keep trying by default.
	retryFor = 5 * time.Minute
	// firstPause is short enough for a queue that was full for a moment, longestPause notices soon that a pipeline is back.
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
	// leastAttempt is what each parcel is given at least, also when it waited too long behind one that blocked.
	leastAttempt = time.Second
)

// run delivers what is put until the queue is closed and empty. When ctx ends before, the rest is left.
func (l *lane[T]) run(ctx context.Context) {
	defer close(l.ended)
	for p := range l.queue {
		l.current.Store(p)
		p.settle(l.deliver(ctx, p), l.dropped)
		l.current.Store(nil)
	}
}

// deliver tries until the pipeline has taken the parcel, or has refused it for good or for too long.
func (l *lane[T]) deliver(ctx context.Context, p *parcel[T]) probe.Fate {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstPause, longestPause
	stopping := l.stopping
	for {
		err := l.attempt(ctx, p)
		if err != nil && ctx.Err() != nil {
			return probe.Left
		}
		l.log(err)
		switch {
		case err == nil:
			return probe.Delivered
		case consumererror.IsPermanent(err):
			return probe.Dropped
		}
		pause := pauses.NextBackOff()
		if time.Since(p.handed)+pause > retryFor {
			return probe.Dropped
		}
		select {
		case <-time.After(pause):
		case <-stopping: // there is no time for long pauses
			stopping = nil
			pauses.Reset()
		case <-ctx.Done():
			return probe.Left
		}
	}
}

func (l *lane[T]) attempt(ctx context.Context, p *parcel[T]) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := time.Now()
	deadline := p.handed.Add(retryFor)
	if least := now.Add(leastAttempt); deadline.Before(least) {
		deadline = least
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if l.mutates {
		return l.consume(ctx, l.clone(p.content))
	}
	return l.consume(ctx, p.content)
}

// log says once that a pipeline refuses, and once that it does not any more.
func (l *lane[T]) log(err error) {
	if (err != nil) == l.failing {
		return
	}
	l.failing = err != nil
	if l.failing {
		l.logger.Warn("a pipeline refuses what is sent, which is tried again for a while and then dropped", zap.String("what", l.name), zap.Error(err))
	} else {
		l.logger.Info("a pipeline takes what is sent again", zap.String("what", l.name))
	}
}
