package facefusionreceiver

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// TestACleanStopDeliversTheTracesThatWait: a trace waits for the log of its run for two seconds. A
// receiver without storage that is shut down meanwhile sends it, whichever signal ends first.
func TestACleanStopDeliversTheTracesThatWait(t *testing.T) {
	for name, tracesFirst := range map[string]bool{"traces first": true, "traces last": false} {
		t.Run(name, func(t *testing.T) { testCleanStop(t, tracesFirst) })
	}
}

func testCleanStop(t *testing.T, tracesFirst bool) {
	host, err := proctest.NewProcRoot(t.TempDir(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.NoError(t, host.Checkout("/opt/facefusion", "3.8.1"))
	folder, err := jobs.Open(host.Path("/opt/facefusion/.jobs"))
	require.NoError(t, err)
	require.NoError(t, host.Put(proctest.ProcEntry{PID: 4_100_000, PPID: 1, Argv: []string{"python", "facefusion.py", "run"}, Cwd: "/opt/facefusion", StartTicks: 1000}))
	factory := NewFactory()
	cfg := factory.CreateDefaultConfig().(*Config)
	cfg.RootPath = host.Root()
	cfg.Process.Interval, cfg.Jobs.Interval = 100*time.Millisecond, 100*time.Millisecond
	set := receivertest.NewNopSettings(metadata.Type)
	set.ID = component.NewIDWithName(metadata.Type, t.Name())
	logs, traces := new(consumertest.LogsSink), new(consumertest.TracesSink)
	l, err := factory.CreateLogs(context.Background(), set, cfg, logs)
	require.NoError(t, err)
	tr, err := factory.CreateTraces(context.Background(), set, cfg, traces)
	require.NoError(t, err)
	exchange := runlog.For(set.ID.String())
	defer exchange.Attach()()
	signals := []component.Component{tr, l}
	if !tracesFirst {
		signals = []component.Component{l, tr}
	}
	for _, c := range signals {
		require.NoError(t, c.Start(context.Background(), componenttest.NewNopHost()))
	}
	emitted := func(body string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(marshalLogs(t, logs), body) }, 10*time.Second, 5*time.Millisecond, body)
	}
	require.Eventually(t, func() bool { k := exchange.Known(); return k != nil && len(k.Instances) > 0 }, 10*time.Second, 5*time.Millisecond)
	exchange.Update(runlog.Key{Processor: "p", Stream: "s"}, runlog.StreamHealth{Instance: exchange.Known().Instances[0].ID, Updated: time.Now()})
	require.NoError(t, folder.Create("good", jobs.StepArgs{Source: "a.jpg", Target: "b.mp4", Output: "c.mp4", Processors: []string{"face_swapper"}}))
	emitted("good: drafted")
	require.NoError(t, folder.Submit("good"))
	require.NoError(t, folder.Start("good", 0))
	emitted("good: running")
	require.NoError(t, folder.CompleteStep("good", 0))
	require.NoError(t, folder.Complete("good"))
	emitted("good: completed")
	require.Zero(t, traces.SpanCount(), "the last lines of the log are still to come")
	for _, c := range signals {
		require.NoError(t, c.Shutdown(context.Background()))
	}
	require.Contains(t, marshalTraces(t, traces), `"name":"facefusion.job"`)
}
