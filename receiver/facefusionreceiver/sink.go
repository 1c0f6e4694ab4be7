package facefusionreceiver

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// sink is the way out for events and spans: a lane for each, so that a store of traces that is down holds up no event. Without a pipeline there is no lane,
// and metrics alone pay for none.
type sink struct {
	settings  receiver.Settings
	cfg       metadata.LogsBuilderConfig
	telemetry *metadata.TelemetryBuilder
	logs      atomic.Pointer[lane[plog.Logs]]
	traces    atomic.Pointer[lane[ptrace.Traces]]
	// gate is before the lane of events.
	gate atomic.Pointer[floodgate]
}

var _ probe.Sink = (*sink)(nil)

func newSink(set receiver.Settings, cfg metadata.LogsBuilderConfig, telemetry *metadata.TelemetryBuilder) *sink {
	return &sink{settings: set, cfg: cfg, telemetry: telemetry}
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
	}, s.settings.Logger)
	gate := newFloodgate(s.telemetry, metadata.NewLogsBuilder(s.cfg, s.settings), func(logs plog.Logs) { l.put(logs, nil) })
	s.gate.Store(gate)
	s.logs.Store(l)
	return gated{l, gate}
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
	}, s.settings.Logger)
	s.traces.Store(l)
	return l
}

// WantsLogs implements probe.Sink.
func (s *sink) WantsLogs() bool { return s.logs.Load().open() }

// WantsTraces implements probe.Sink.
func (s *sink) WantsTraces() bool { return s.traces.Load().open() }

// Logs implements probe.Sink.
func (s *sink) Logs(logs plog.Logs) {
	if gate := s.gate.Load(); gate != nil {
		gate.pass(logs)
	}
}

// LogsThen implements probe.Sink.
func (s *sink) LogsThen(logs plog.Logs, then func(probe.Fate)) { s.logs.Load().put(logs, then) }

// TracesThen implements probe.Sink.
func (s *sink) TracesThen(traces ptrace.Traces, then func(probe.Fate)) {
	s.traces.Load().put(traces, then)
}
