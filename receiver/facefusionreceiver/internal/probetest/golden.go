package probetest

import (
	"flag"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/plogtest"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/pmetrictest"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/ptracetest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

var update = flag.Bool("update", false, "write what was sent into the golden files; read the diff")

// Metrics compares all values, attributes and timestamps: inputs and time are the test's.
func Metrics(t *testing.T, file string, got pmetric.Metrics) {
	t.Helper()
	if *update {
		require.NoError(t, golden.WriteMetricsToFile(file, got, golden.SkipMetricTimestampNormalization()))
	}
	want, err := golden.ReadMetrics(file)
	require.NoError(t, err)
	// The golden file is sorted; the order of what is sent says nothing.
	require.NoError(t, pmetrictest.CompareMetrics(want, got, pmetrictest.IgnoreResourceMetricsOrder(),
		pmetrictest.IgnoreMetricsOrder(), pmetrictest.IgnoreMetricDataPointsOrder()))
}

// Logs compares all values, attributes and timestamps.
func Logs(t *testing.T, file string, got plog.Logs) {
	t.Helper()
	if *update {
		require.NoError(t, golden.WriteLogsToFile(file, got))
	}
	want, err := golden.ReadLogs(file)
	require.NoError(t, err)
	require.NoError(t, plogtest.CompareLogs(want, got))
}

// Traces compares all values, attributes and timestamps.
func Traces(t *testing.T, file string, got ptrace.Traces) {
	t.Helper()
	if *update {
		require.NoError(t, golden.WriteTracesToFile(file, got))
	}
	want, err := golden.ReadTraces(file)
	require.NoError(t, err)
	require.NoError(t, ptracetest.CompareTraces(want, got))
}

// Sink collects events and spans.
type Sink struct {
	// All holds every event that was sent, Spans every span.
	All   plog.Logs
	Spans ptrace.Traces
}

var _ probe.Sink = (*Sink)(nil)

// WantsLogs implements probe.Sink.
func (*Sink) WantsLogs() bool { return true }

// WantsTraces implements probe.Sink.
func (*Sink) WantsTraces() bool { return true }

// Event implements probe.Sink.
func (s *Sink) Event(logs plog.Logs) { logs.ResourceLogs().MoveAndAppendTo(s.All.ResourceLogs()) }

// SendLogs implements probe.Sink.
func (s *Sink) SendLogs(logs plog.Logs, onDone func(probe.Result)) {
	s.Event(logs)
	if onDone != nil {
		onDone(probe.Delivered)
	}
}

// SendTraces implements probe.Sink.
func (s *Sink) SendTraces(traces ptrace.Traces, onDone func(probe.Result)) {
	traces.ResourceSpans().MoveAndAppendTo(s.Spans.ResourceSpans())
	if onDone != nil {
		onDone(probe.Delivered)
	}
}

// Env is an environment whose events land in the sink that comes with it.
func Env() (probe.Env, *Sink) {
	sink := &Sink{All: plog.NewLogs(), Spans: ptrace.NewTraces()}
	return probe.Env{
		Settings:      receivertest.NewNopSettings(metadata.Type),
		Metrics:       metadata.NewDefaultMetricsBuilderConfig(),
		Logs:          metadata.DefaultLogsBuilderConfig(),
		Snapshots:     &snapshots.Store{},
		Log:           runlog.New(),
		Host:          host.Host{Name: "gpu-7", ID: "0123456789abcdef0123456789abcdef"},
		Gate:          hostfs.NewGate(hostfs.Settings{}),
		RootPath:      "/",
		RequestScrape: func() {},
		Sink:          sink,
	}, sink
}
