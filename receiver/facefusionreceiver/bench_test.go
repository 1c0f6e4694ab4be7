package facefusionreceiver

import (
	"context"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/gpuprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/processprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/staleness"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/webprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/gradio"
)

// BenchmarkScrape is a scrape of all probes on a host with two GPUs and two instances, each with a
// server that has answered everything. The budget: under 200 us and under 200 KB.
func BenchmarkScrape(b *testing.B) {
	env, _ := probetest.Env()
	driver := gputest.New(gputest.NewGPU(0), gputest.NewGPU(1))
	g := gpuprobe.New(gpuprobe.NewDefaultConfig(), driver, env)
	require.NoError(b, g.Start(context.Background(), componenttest.NewNopHost()))
	require.Eventually(b, func() bool { return has(g, "hw.energy") }, 5*time.Second, time.Millisecond)
	require.NoError(b, g.Shutdown(context.Background()))
	publish(env)
	w := webprobe.New(webprobe.NewDefaultConfig(), webprobe.NewDefaultHistogramsConfig(), []webprobe.ConfiguredInstance{
		{Name: "facefusion-3f2a", Endpoint: serve(b)}, {Name: "studio", Endpoint: serve(b)},
	}, false, env)
	require.NoError(b, w.Start(context.Background(), componenttest.NewNopHost()))
	require.Eventually(b, func() bool { return has(w, "facefusion.server.requests") }, 5*time.Second, time.Millisecond)
	require.NoError(b, w.Shutdown(context.Background()))
	list := []probe.Probe{
		g,
		processprobe.New(processprobe.NewDefaultConfig(), nil, env),
		w,
	}

	stale := make([]*staleness.Marker, len(list))
	for i := range list {
		stale[i] = staleness.New()
	}
	points, now := 0, time.Now()
	scrape := func() {
		points = 0
		for i, p := range list {
			metrics := p.Scrape(now)
			stale[i].Mark(metrics)
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

// has says whether a probe has something to say of a metric. GPUs and servers are observed in the
// background.
func has(p probe.Probe, name string) bool {
	for _, rm := range p.Scrape(time.Now()).ResourceMetrics().All() {
		for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
			if m.Name() == name {
				return true
			}
		}
	}
	return false
}

// publish puts two instances in the store, each with the roles of a busy host.
func publish(env probe.Env) {
	processes := &process.Snapshot{}
	for _, id := range []string{"facefusion-3f2a", "studio"} {
		instance := process.Instance{ID: id, Version: "3.8.1"}
		for _, role := range []process.Role{process.RoleServer, process.RoleRunner, process.RoleFFmpeg} {
			instance.Roles = append(instance.Roles, process.RoleUsage{
				Role: role, Count: 1, FileDescriptors: reading.Known(int64(9)), ReadBytes: reading.Known(int64(9)), WriteBytes: reading.Known(int64(9)),
				OldestStart: time.Now(),
			})
		}
		processes.Instances = append(processes.Instances, instance)
	}
	env.Snapshots.Processes.Publish(processes)
}

// serve is a web server whose functions were all used.
func serve(b *testing.B) *url.URL {
	rate, p50, p90, p99 := 1.0, 1.0, 2.0, 3.0
	functions := map[string]gradio.FunctionSummary{}
	for _, name := range []string{"apply", "clear", "other", "read_logs", "run", "run_1", "start", "start_1", "stop", "stop_1", "update_job_dataframe"} {
		functions[name] = gradio.FunctionSummary{SuccessRate: &rate, Percentiles: gradio.Percentiles{P50: &p50, P90: &p90, P99: &p99}, Requests: 7}
	}
	server := gradio.New()
	server.Set(gradio.Behavior{Mode: gradio.Normal, AppID: 7, QueueSize: 1, Functions: functions})
	listening := httptest.NewServer(server)
	b.Cleanup(listening.Close)
	u, err := url.Parse(listening.URL)
	require.NoError(b, err)
	return u
}
