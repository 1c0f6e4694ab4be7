package facefusionreceiver

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	zapobserver "go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// Everything personal of this host contains one of these.
var personal = []string{"alice", "wedding", "/home", "/proc", "swapped", "female", "asian", ".jpg", ".mp4"}

// sentText is all that a receiver sent and logged, as text.
type sentText struct{ metrics, logs, traces, log string }

// TestNothingPersonalLeaves: a user's folder, file names, command line and the attributes of faces
// are in no signal and in no line of the log.
func TestNothingPersonalLeaves(t *testing.T) {
	s := observeAlice(t, func(*Config) {})
	for name, text := range map[string]string{"metrics": s.metrics, "logs": s.logs, "traces": s.traces, "log": s.log} {
		for _, word := range personal {
			require.NotContains(t, text, word, name)
		}
	}
}

// TestPathsOnRequestAreInTracesOnly.
func TestPathsOnRequestAreInTracesOnly(t *testing.T) {
	s := observeAlice(t, func(cfg *Config) { cfg.Jobs.TracePaths = true })
	require.Contains(t, s.traces, `{"key":"facefusion.target.path","value":{"stringValue":"/home/alice/in/wedding.mp4"}}`)
	require.Contains(t, s.traces, `{"key":"facefusion.output.path","value":{"stringValue":"/home/alice/out/swapped.mp4"}}`)
	require.NotContains(t, s.traces, "face.jpg", "whose face it is, is not asked for")
	for name, text := range map[string]string{"metrics": s.metrics, "logs": s.logs, "log": s.log} {
		for _, word := range personal {
			require.NotContains(t, text, word, name)
		}
	}
}

// observeAlice has a receiver of all signals observe a whole day of a user: two jobs that end, one
// that is deleted, a server that crashes.
func observeAlice(t *testing.T, change func(*Config)) sentText {
	t.Helper()
	host, err := proctest.NewProcRoot(t.TempDir(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.NoError(t, host.Checkout("/home/alice/facefusion", "3.8.1"))
	folder, err := jobs.Open(host.Path("/home/alice/facefusion/.jobs"))
	require.NoError(t, err)
	arguments := []string{"-s", "/home/alice/face.jpg", "-t", "/home/alice/in/wedding.mp4", "--face-selector-gender", "female", "--face-selector-race", "asian"}
	server := proctest.ProcEntry{
		PID: 4_100_000, PPID: 1, Argv: append([]string{"/home/alice/bin/python", "facefusion.py", "run"}, arguments...), Cwd: "/home/alice/facefusion", StartTicks: 1000,
	}
	require.NoError(t, host.Put(server))

	factory := NewFactory()
	cfg := factory.CreateDefaultConfig().(*Config)
	cfg.RootPath, cfg.Controller.InitialDelay, cfg.Controller.CollectionInterval = host.Root(), 0, time.Second
	cfg.Process.Interval, cfg.Jobs.Interval, cfg.Web.Interval = 100*time.Millisecond, 100*time.Millisecond, time.Second
	change(cfg)
	require.NoError(t, cfg.Validate())
	set := receivertest.NewNopSettings(metadata.Type)
	core, log := zapobserver.New(zap.DebugLevel)
	set.Logger = zap.New(core)
	metrics, logs, traces := new(consumertest.MetricsSink), new(consumertest.LogsSink), new(consumertest.TracesSink)
	m, err := factory.CreateMetrics(context.Background(), set, cfg, metrics)
	require.NoError(t, err)
	l, err := factory.CreateLogs(context.Background(), set, cfg, logs)
	require.NoError(t, err)
	tr, err := factory.CreateTraces(context.Background(), set, cfg, traces)
	require.NoError(t, err)
	for _, c := range []component.Component{m, l, tr} {
		require.NoError(t, c.Start(context.Background(), componenttest.NewNopHost()))
	}
	emitted := func(event, body string) {
		t.Helper()
		require.Eventually(t, func() bool {
			return strings.Contains(marshalLogs(t, logs), event) && strings.Contains(marshalLogs(t, logs), body)
		},
			10*time.Second, 20*time.Millisecond, "%s %s in %s", event, body, marshalLogs(t, logs))
	}

	// The first look has made no event of what it found.
	require.Eventually(t, func() bool { return strings.Contains(marshalMetrics(t, metrics), "facefusion.job.count") }, 10*time.Second, 20*time.Millisecond, "%v", log.AllUntimed())
	for _, id := range []string{"good", "bad", "gone"} {
		step := jobs.StepArgs{Source: "/home/alice/face.jpg", Target: "/home/alice/in/wedding.mp4", Output: "/home/alice/out/swapped.mp4", Processors: []string{"face_swapper"}}
		require.NoError(t, folder.Create(id, step, step))
		require.NoError(t, folder.Submit(id))
		require.NoError(t, folder.Start(id, 0))
		emitted("job.state_changed", "FaceFusion job "+id+": running")
	}
	require.NoError(t, folder.CompleteStep("good", 0))
	require.NoError(t, folder.Start("good", 1))
	require.NoError(t, folder.CompleteStep("good", 1))
	require.NoError(t, folder.Complete("good"))
	require.NoError(t, folder.Fail("bad"))
	require.NoError(t, folder.Delete("gone"))
	for _, body := range []string{"good: completed", "bad: failed", "gone: deleted"} {
		emitted("job.state_changed", body)
	}
	require.NoError(t, host.Remove(server.PID))
	emitted("process.exited", "FaceFusion server exited")
	require.Eventually(t, func() bool { return strings.Contains(marshalMetrics(t, metrics), "facefusion.job.duration") }, 10*time.Second, 20*time.Millisecond)
	require.Eventually(t, func() bool { return strings.Count(marshalTraces(t, traces), `"name":"facefusion.job"`) == 3 }, 10*time.Second, 20*time.Millisecond)
	for _, c := range []component.Component{m, l, tr} {
		require.NoError(t, c.Shutdown(context.Background()))
	}
	s := sentText{metrics: marshalMetrics(t, metrics), logs: marshalLogs(t, logs), traces: marshalTraces(t, traces)}
	for _, entry := range log.AllUntimed() {
		s.log += entry.Message + " " + strings.Join(fields(entry), " ") + "\n"
	}
	return s
}

func fields(entry zapobserver.LoggedEntry) (list []string) {
	for name, value := range entry.ContextMap() {
		if name == "root_path" {
			continue // what the configuration says, which the operator wrote
		}
		list = append(list, name+"="+fmt.Sprint(value))
	}
	return list
}

func marshalMetrics(t *testing.T, sink *consumertest.MetricsSink) (text string) {
	t.Helper()
	for _, m := range sink.AllMetrics() {
		b, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(m)
		require.NoError(t, err)
		text += string(b)
	}
	return text
}

func marshalLogs(t *testing.T, sink *consumertest.LogsSink) (text string) {
	t.Helper()
	for _, l := range sink.AllLogs() {
		b, err := (&plog.JSONMarshaler{}).MarshalLogs(l)
		require.NoError(t, err)
		text += string(b)
	}
	return text
}

func marshalTraces(t *testing.T, sink *consumertest.TracesSink) (text string) {
	t.Helper()
	for _, tr := range sink.AllTraces() {
		b, err := (&ptrace.JSONMarshaler{}).MarshalTraces(tr)
		require.NoError(t, err)
		text += string(b)
	}
	return text
}
