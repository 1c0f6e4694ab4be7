package facefusionreceiver

import (
	"context"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// sinkCapacity is how many events and traces wait for a slow pipeline before further ones are dropped: minutes of a crash loop, and a few hundred KB.
const sinkCapacity = 1024

// sink is the way out for events and spans. Probes hand over without waiting; one goroutine delivers, so that a pipeline that blocks costs no probe its pace.
type sink struct {
	logger    *zap.Logger
	telemetry *metadata.TelemetryBuilder
	logs      atomic.Pointer[consumer.Logs]
	traces    atomic.Pointer[consumer.Traces]
	queue     chan parcel
	cancel    context.CancelFunc
	wg        sync.WaitGroup
	failing   bool // owned by the goroutine that delivers
}

// parcel is what is handed over at once: events or spans.
type parcel interface {
	// deliver returns nil where nobody is waiting: a pipeline may have been removed in the meantime.
	deliver(ctx context.Context, s *sink) error
	// dropped counts it.
	dropped(s *sink)
}

var _ probe.Sink = (*sink)(nil)

func newSink(logger *zap.Logger, telemetry *metadata.TelemetryBuilder) *sink {
	return &sink{logger: logger, telemetry: telemetry, queue: make(chan parcel, sinkCapacity)}
}

// start begins to deliver. It is called once.
func (s *sink) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.wg.Go(func() { s.run(ctx) })
}

// stop ends the delivery and waits for the parcel in progress. What still waits then is counted as dropped.
func (s *sink) stop() {
	if s.cancel != nil {
		s.cancel()
	}
	s.wg.Wait()
	for {
		select {
		case p := <-s.queue:
			p.dropped(s)
		default:
			return
		}
	}
}

// WantsLogs implements probe.Sink.
func (s *sink) WantsLogs() bool { return s.logs.Load() != nil }

// WantsTraces implements probe.Sink.
func (s *sink) WantsTraces() bool { return s.traces.Load() != nil }

// Logs implements probe.Sink.
func (s *sink) Logs(logs plog.Logs) { s.put(events{logs}) }

// Traces implements probe.Sink.
func (s *sink) Traces(traces ptrace.Traces) { s.put(spans{traces}) }

func (s *sink) put(p parcel) {
	select {
	case s.queue <- p:
	default:
		p.dropped(s)
	}
}

func (s *sink) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-s.queue:
			err := p.deliver(ctx, s)
			if err != nil {
				p.dropped(s)
			}
			s.log(err)
		}
	}
}

// log says once that nothing can be delivered, and once that it can again.
func (s *sink) log(err error) {
	if (err != nil) == s.failing {
		return
	}
	s.failing = err != nil
	if s.failing {
		s.logger.Warn("events or spans cannot be delivered and are dropped until they can", zap.Error(err))
	} else {
		s.logger.Info("events and spans can be delivered again")
	}
}

type events struct{ plog.Logs }

func (e events) deliver(ctx context.Context, s *sink) error {
	if next := s.logs.Load(); next != nil {
		return (*next).ConsumeLogs(ctx, e.Logs)
	}
	return nil
}

func (e events) dropped(s *sink) {
	s.telemetry.ReceiverFacefusionEventsDropped.Add(context.Background(), int64(e.LogRecordCount()))
}

type spans struct{ ptrace.Traces }

func (p spans) deliver(ctx context.Context, s *sink) error {
	if next := s.traces.Load(); next != nil {
		return (*next).ConsumeTraces(ctx, p.Traces)
	}
	return nil
}

func (p spans) dropped(s *sink) {
	s.telemetry.ReceiverFacefusionSpansDropped.Add(context.Background(), int64(p.SpanCount()))
}
