package delivery

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// pipeline is where a queue leads.
type pipeline[T any] struct {
	// name of what goes there, for the log.
	name string
	// mutates says that consume may change what it gets. It gets a clone then, as a batch that it
	// refuses is sent again.
	mutates bool
	consume func(context.Context, T) error
	clone   func(T) T
	// startOp and endOp report a batch to the Collector's own metrics of receivers.
	startOp func(context.Context) context.Context
	endOp   func(ctx context.Context, content T, err error)
	// dropped counts what is lost.
	dropped func(T)
}

// ReceiverAttribute distinguishes two receivers, as the Collector's own metrics of receivers do.
func ReceiverAttribute(id component.ID) attribute.KeyValue {
	return attribute.String("receiver", id.String())
}

func logsPipeline(id component.ID, next consumer.Logs, obs *receiverhelper.ObsReport, telemetry *metadata.TelemetryBuilder) pipeline[plog.Logs] {
	receiver := metric.WithAttributes(ReceiverAttribute(id))
	return pipeline[plog.Logs]{
		name:    "events",
		mutates: next.Capabilities().MutatesData,
		consume: next.ConsumeLogs,
		clone: func(logs plog.Logs) plog.Logs {
			clone := plog.NewLogs()
			logs.CopyTo(clone)
			return clone
		},
		startOp: obs.StartLogsOp,
		endOp: func(ctx context.Context, logs plog.Logs, err error) {
			obs.EndLogsOp(ctx, metadata.Type.String(), logs.LogRecordCount(), err)
		},
		dropped: func(logs plog.Logs) {
			telemetry.ReceiverFacefusionEventsDropped.Add(context.Background(), int64(logs.LogRecordCount()), receiver)
		},
	}
}

func tracesPipeline(id component.ID, next consumer.Traces, obs *receiverhelper.ObsReport, telemetry *metadata.TelemetryBuilder) pipeline[ptrace.Traces] {
	receiver := metric.WithAttributes(ReceiverAttribute(id))
	return pipeline[ptrace.Traces]{
		name:    "spans",
		mutates: next.Capabilities().MutatesData,
		consume: next.ConsumeTraces,
		clone: func(traces ptrace.Traces) ptrace.Traces {
			clone := ptrace.NewTraces()
			traces.CopyTo(clone)
			return clone
		},
		startOp: obs.StartTracesOp,
		endOp: func(ctx context.Context, traces ptrace.Traces, err error) {
			obs.EndTracesOp(ctx, metadata.Type.String(), traces.SpanCount(), err)
		},
		dropped: func(traces ptrace.Traces) {
			telemetry.ReceiverFacefusionSpansDropped.Add(context.Background(), int64(traces.SpanCount()), receiver)
		},
	}
}
