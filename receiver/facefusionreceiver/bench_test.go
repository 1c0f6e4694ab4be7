package facefusionreceiver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/histogram"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/gpuprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/processprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/webprobe"
)

// BenchmarkScrape is a scrape of all probes on a host with two GPUs and two instances, each with a server that has answered everything.
// The budget: under 200 us and under 200 KB.
func BenchmarkScrape(b *testing.B) {
	env, _ := probetest.Env()
	driver := gputest.New(gputest.NewGPU(0), gputest.NewGPU(1))
	g := gpuprobe.New(gpuprobe.NewDefaultConfig(), driver, env)
	require.NoError(b, g.Start(context.Background(), componenttest.NewNopHost()))
	require.Eventually(b, func() bool { s := env.Board.GPUs.Latest(); return s != nil && len(s.Devices) == 2 }, 5*time.Second, time.Millisecond)
	require.NoError(b, g.Shutdown(context.Background()))
	list := []probe.Probe{
		g,
		processprobe.New(processprobe.NewDefaultConfig(), nil, env),
		webprobe.New(webprobe.NewDefaultConfig(), webprobe.NewDefaultHistogramsConfig(), nil, false, env),
	}
	publish(env)

	stale := make([]*staleness, len(list))
	for i := range list {
		stale[i] = newStaleness()
	}
	points, now := 0, time.Now()
	scrape := func() {
		points = 0
		for i, p := range list {
			metrics := p.Scrape(now)
			stale[i].mark(metrics)
			points += metrics.DataPointCount()
		}
	}
	scrape()
	b.ReportAllocs()
	for b.Loop() {
		scrape()
	}
	b.ReportMetric(float64(points), "points/op")
}

// publish puts two instances on the board, each with the roles and the functions of a busy host.
func publish(env probe.Env) {
	processes, servers := &process.Snapshot{}, &webui.Snapshot{}
	duration := histogram.New([]float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10})
	for _, id := range []string{"facefusion-3f2a", "studio"} {
		instance := process.Instance{ID: id, Version: "3.8.1"}
		for _, role := range []process.Role{process.RoleServer, process.RoleRunner, process.RoleFFmpeg} {
			instance.Roles = append(instance.Roles, process.RoleUsage{
				Role: role, Count: 1, FileDescriptors: reading.Known(int64(9)), ReadBytes: reading.Known(int64(9)), WriteBytes: reading.Known(int64(9)),
				OldestStart: time.Now(),
			})
		}
		processes.Instances = append(processes.Instances, instance)
		server := webui.Server{Instance: id, Port: 7860, State: webui.StateReady, QueueSize: reading.Known(int64(1))}
		for _, name := range []string{"apply", "clear", "other", "read_logs", "run", "run_1", "start", "start_1", "stop", "stop_1", "update_job_dataframe"} {
			f := webui.Function{Name: name, Failed: reading.Known(int64(0))}
			if name == "run" || name == "start" || name == "read_logs" { // those that were used
				f.P50, f.P90, f.P99 = reading.Known(1.0), reading.Known(2.0), reading.Known(3.0)
			}
			server.Functions = append(server.Functions, f)
		}
		for _, p := range []webui.Probe{webui.ProbeLoop, webui.ProbeQueue, webui.ProbeApp, webui.ProbeSummary} {
			server.Probes = append(server.Probes, webui.ProbeStats{Probe: p, StatusCode: 200, Duration: duration.Snapshot()})
		}
		servers.Servers = append(servers.Servers, server)
	}
	env.Board.Processes.Publish(processes)
	env.Board.Servers.Publish(servers)
}
