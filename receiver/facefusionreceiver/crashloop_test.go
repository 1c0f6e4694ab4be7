package facefusionreceiver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/delivery"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/processprobe"
)

// TestACrashLoopIsVisible: FaceFusion is restarted every two seconds for five minutes and fails
// each time. The counters have each start and each exit with its reason, and each is an event: that
// rate is below the limit.
func TestACrashLoopIsVisible(t *testing.T) {
	const restarts, period = 150, 2 * time.Second
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		host, err := proctest.NewProcRoot(root, time.Now().Add(-time.Hour))
		require.NoError(t, err)
		require.NoError(t, host.Checkout("/opt/facefusion", "3.8.1"))
		// with one process alone, the order of a plain folder may pass for that of the kernel's
		for _, pid := range []int{77, 555, 4711} {
			require.NoError(t, host.Put(proctest.ProcEntry{PID: pid, PPID: 1, Argv: []string{"/usr/bin/sleep", "infinity"}, Cwd: "/", StartTicks: uint64(pid)}))
		}
		arrived := new(consumertest.LogsSink)
		env, _ := probetest.Env()
		telemetry, err := metadata.NewTelemetryBuilder(env.Settings.TelemetrySettings)
		require.NoError(t, err)
		sink, err := delivery.NewSink(env.Settings, env.Logs, telemetry)
		require.NoError(t, err)
		events := sink.ConnectLogs(arrived)
		require.NoError(t, events.Start(t.Context(), componenttest.NewNopHost()))
		env.Sink, env.RootPath = sink, root
		p := processprobe.New(processprobe.NewDefaultConfig(), nil, env)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		pass(t, host, period)
		for i := range restarts {
			server := proctest.ProcEntry{PID: 4_000_000 + i, PPID: 1, Argv: []string{"python", "facefusion.py", "run"}, Cwd: "/opt/facefusion", StartTicks: host.Ticks()}
			require.NoError(t, host.Put(server))
			pass(t, host, period*3/4)
			server.State, server.ExitCode = "Z", 1<<8
			require.NoError(t, host.Put(server))
			pass(t, host, period/8)
			require.NoError(t, host.Remove(server.PID))
			pass(t, host, period/8)
		}
		pass(t, host, period)
		metrics := p.Scrape(time.Now())
		require.NoError(t, p.Shutdown(t.Context()))
		require.NoError(t, events.Shutdown(t.Context()))

		require.Equal(t, int64(restarts), sum(metrics, "facefusion.process.starts", "facefusion.process.role", "server"))
		require.Equal(t, int64(restarts), sum(metrics, "facefusion.process.exits", "facefusion.exit.reason", "failed"))
		counts := map[string]int{}
		for _, logs := range arrived.AllLogs() {
			record := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
			counts[record.EventName()+" "+record.SeverityText()]++
			require.NotEqual(t, plog.SeverityNumberUnspecified, record.SeverityNumber())
		}
		require.Equal(t, map[string]int{"facefusion.process.started INFO": restarts, "facefusion.process.exited WARN": restarts}, counts)
	})
}

// pass lets time go by on the host, too.
func pass(t *testing.T, host *proctest.ProcRoot, d time.Duration) {
	t.Helper()
	const step = 250 * time.Millisecond
	for ; d > 0; d -= step {
		time.Sleep(step)
		require.NoError(t, host.Advance(step))
	}
}

// sum adds up the points of a metric that have an attribute.
func sum(metrics pmetric.Metrics, name, attribute, value string) (total int64) {
	for _, rm := range metrics.ResourceMetrics().All() {
		for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
			if m.Name() != name {
				continue
			}
			for _, point := range m.Sum().DataPoints().All() {
				if v, ok := point.Attributes().Get(attribute); ok && v.Str() == value {
					total += point.IntValue()
				}
			}
		}
	}
	return total
}
