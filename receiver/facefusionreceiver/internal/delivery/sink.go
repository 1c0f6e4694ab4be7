package delivery

import (
	"sync/atomic"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// Sink takes the events and spans of all probes of a receiver. Each signal has a queue of its own,
// so that a store of traces that is down delays no event; a signal without a pipeline has none.
type Sink struct {
	settings  receiver.Settings
	cfg       metadata.LogsBuilderConfig
	telemetry *metadata.TelemetryBuilder
	obs       *receiverhelper.ObsReport
	logs      atomic.Pointer[queue[plog.Logs]]
	traces    atomic.Pointer[queue[ptrace.Traces]]
	// suppressor is before the queue of events.
	suppressor atomic.Pointer[suppressor]
}

var _ probe.Sink = (*Sink)(nil)

// NewSink makes a sink without a pipeline.
func NewSink(set receiver.Settings, cfg metadata.LogsBuilderConfig, telemetry *metadata.TelemetryBuilder) (*Sink, error) {
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{ReceiverID: set.ID, ReceiverCreateSettings: set})
	if err != nil {
		return nil, err
	}
	return &Sink{settings: set, cfg: cfg, telemetry: telemetry, obs: obs}, nil
}

// ConnectLogs adds the logs pipeline. Events are queued until the component that it returns is
// started: probes may have begun before.
func (s *Sink) ConnectLogs(next consumer.Logs) component.Component {
	q := newQueue(logsPipeline(s.settings.ID, next, s.obs, s.telemetry), s.settings.Logger)
	forward := func(logs plog.Logs) { q.put(logs, nil) }
	limited := newSuppressor(s.settings.ID, s.telemetry, metadata.NewLogsBuilder(s.cfg, s.settings), forward)
	s.suppressor.Store(limited)
	s.logs.Store(q)
	return limitedQueue{q, limited}
}

// ConnectTraces adds the traces pipeline.
func (s *Sink) ConnectTraces(next consumer.Traces) component.Component {
	q := newQueue(tracesPipeline(s.settings.ID, next, s.obs, s.telemetry), s.settings.Logger)
	s.traces.Store(q)
	return q
}

// WantsLogs implements probe.Sink.
func (s *Sink) WantsLogs() bool { return s.logs.Load().open() }

// WantsTraces implements probe.Sink.
func (s *Sink) WantsTraces() bool { return s.traces.Load().open() }

// Event implements probe.Sink.
func (s *Sink) Event(logs plog.Logs) {
	if limited := s.suppressor.Load(); limited != nil {
		limited.pass(logs)
	}
}

// SendLogs implements probe.Sink.
func (s *Sink) SendLogs(logs plog.Logs, onDone func(probe.Result)) { s.logs.Load().put(logs, onDone) }

// SendTraces implements probe.Sink.
func (s *Sink) SendTraces(traces ptrace.Traces, onDone func(probe.Result)) {
	s.traces.Load().put(traces, onDone)
}
