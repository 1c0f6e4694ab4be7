package facefusionreceiver

import (
	"context"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// sinkCapacity is how many events wait for a slow pipeline before further ones are dropped: minutes of a crash loop, and a few hundred KB.
const sinkCapacity = 1024

// sink is the way out for events. Probes hand over without waiting; one goroutine delivers, so that a pipeline that blocks costs no probe its pace.
type sink struct {
	logger    *zap.Logger
	telemetry *metadata.TelemetryBuilder
	logs      atomic.Pointer[consumer.Logs]
	queue     chan plog.Logs
	cancel    context.CancelFunc
	wg        sync.WaitGroup
	failing   bool // owned by the goroutine that delivers
}

var _ probe.Sink = (*sink)(nil)

func newSink(logger *zap.Logger, telemetry *metadata.TelemetryBuilder) *sink {
	return &sink{logger: logger, telemetry: telemetry, queue: make(chan plog.Logs, sinkCapacity)}
}

// start begins to deliver. It is called once.
func (s *sink) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.wg.Go(func() { s.deliver(ctx) })
}

// stop ends the delivery and waits for the event in progress. What still waits then is counted as dropped.
func (s *sink) stop() {
	if s.cancel != nil {
		s.cancel()
	}
	s.wg.Wait()
	for {
		select {
		case logs := <-s.queue:
			s.dropped(logs)
		default:
			return
		}
	}
}

// connect sends events to a logs pipeline from now on; nil disconnects it.
func (s *sink) connect(logs consumer.Logs) {
	if logs == nil {
		s.logs.Store(nil)
		return
	}
	s.logs.Store(&logs)
}

// WantsLogs implements probe.Sink.
func (s *sink) WantsLogs() bool { return s.logs.Load() != nil }

// Logs implements probe.Sink.
func (s *sink) Logs(logs plog.Logs) {
	select {
	case s.queue <- logs:
	default:
		s.dropped(logs)
	}
}

func (s *sink) deliver(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case logs := <-s.queue:
			s.deliverOne(ctx, logs)
		}
	}
}

func (s *sink) deliverOne(ctx context.Context, logs plog.Logs) {
	next := s.logs.Load()
	if next == nil {
		return // the logs pipeline was removed, nobody is waiting for it
	}
	n := logs.LogRecordCount()
	err := (*next).ConsumeLogs(ctx, logs)
	if err != nil {
		s.telemetry.ReceiverFacefusionEventsDropped.Add(context.Background(), int64(n))
	}
	if (err != nil) != s.failing {
		s.failing = err != nil
		if s.failing {
			s.logger.Warn("events cannot be delivered and are dropped until they can", zap.Error(err))
		} else {
			s.logger.Info("events can be delivered again")
		}
	}
}

func (s *sink) dropped(logs plog.Logs) {
	s.telemetry.ReceiverFacefusionEventsDropped.Add(context.Background(), int64(logs.LogRecordCount()))
}
