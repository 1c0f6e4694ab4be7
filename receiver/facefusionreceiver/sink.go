package facefusionreceiver

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// sink is the way out for events and spans: a lane for each, so that a store of traces that is down holds up no event. Without a pipeline there is no lane,
// and metrics alone pay for none.
type sink struct {
	logger    *zap.Logger
	telemetry *metadata.TelemetryBuilder
	logs      atomic.Pointer[lane[plog.Logs]]
	traces    atomic.Pointer[lane[ptrace.Traces]]
}

var _ probe.Sink = (*sink)(nil)

func newSink(logger *zap.Logger, telemetry *metadata.TelemetryBuilder) *sink {
	return &sink{logger: logger, telemetry: telemetry}
}

// connectLogs makes the way to a logs pipeline. What is told from now on is kept until it is started: probes may have begun before.
func (s *sink) connectLogs(next consumer.Logs) component.Component {
	l := newLane(outlet[plog.Logs]{
		name:    "events",
		mutates: next.Capabilities().MutatesData,
		consume: next.ConsumeLogs,
		clone: func(logs plog.Logs) plog.Logs {
			clone := plog.NewLogs()
			logs.CopyTo(clone)
			return clone
		},
		dropped: func(logs plog.Logs) {
			s.telemetry.ReceiverFacefusionEventsDropped.Add(context.Background(), int64(logs.LogRecordCount()))
		},
	}, s.logger)
	s.logs.Store(l)
	return l
}

// connectTraces makes the way to a traces pipeline.
func (s *sink) connectTraces(next consumer.Traces) component.Component {
	l := newLane(outlet[ptrace.Traces]{
		name:    "spans",
		mutates: next.Capabilities().MutatesData,
		consume: next.ConsumeTraces,
		clone: func(traces ptrace.Traces) ptrace.Traces {
			clone := ptrace.NewTraces()
			traces.CopyTo(clone)
			return clone
		},
		dropped: func(traces ptrace.Traces) {
			s.telemetry.ReceiverFacefusionSpansDropped.Add(context.Background(), int64(traces.SpanCount()))
		},
	}, s.logger)
	s.traces.Store(l)
	return l
}

// WantsLogs implements probe.Sink.
func (s *sink) WantsLogs() bool { return s.logs.Load().open() }

// WantsTraces implements probe.Sink.
func (s *sink) WantsTraces() bool { return s.traces.Load().open() }

// Logs implements probe.Sink.
func (s *sink) Logs(logs plog.Logs) { s.logs.Load().put(logs, nil) }

// Traces implements probe.Sink.
func (s *sink) Traces(traces ptrace.Traces) { s.traces.Load().put(traces, nil) }

// LogsThen implements probe.Sink.
func (s *sink) LogsThen(logs plog.Logs, then func(probe.Fate)) { s.logs.Load().put(logs, then) }

// TracesThen implements probe.Sink.
func (s *sink) TracesThen(traces ptrace.Traces, then func(probe.Fate)) {
	s.traces.Load().put(traces, then)
}
