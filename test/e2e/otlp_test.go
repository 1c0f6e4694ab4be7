//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// TestAgentTakesNothing: the shipped configuration has no listener that accepts data.
func TestAgentTakesNothing(t *testing.T) {
	c := start(t, "")
	require.Len(t, listening(t, c.cmd.Process.Pid), 3, "its page, its health and its page about itself: %s", c.log)
}

// listening returns the TCP ports on which a process listens.
func listening(t *testing.T, pid int) (ports []int) {
	t.Helper()
	process := filepath.Join("/proc", strconv.Itoa(pid))
	files, err := filepath.Glob(process + "/fd/*")
	require.NoError(t, err)
	open := map[string]bool{}
	for _, file := range files {
		target, _ := os.Readlink(file) // some are closed meanwhile
		open[target] = true
	}
	for _, table := range []string{"tcp", "tcp6"} {
		content, err := os.ReadFile(filepath.Join(process, "net", table))
		require.NoError(t, err)
		for line := range strings.Lines(string(content)) {
			f := strings.Fields(line)
			const listen = "0A"
			if f[3] != listen || !open["socket:["+f[9]+"]"] {
				continue
			}
			_, hex, _ := strings.Cut(f[1], ":")
			port, err := strconv.ParseInt(hex, 16, 32)
			require.NoError(t, err)
			ports = append(ports, int(port))
		}
	}
	return ports
}

// pushed is an agent that accepts OTLP, with further overlays.
type pushed struct {
	*program
	// URLs of the pages: the agent's, what was pushed, the agent about itself
	page, otlp, own string
	send            string // URL before /v1/…
}

func startPushed(t *testing.T, files []string, overrides ...string) *pushed {
	t.Helper()
	ports := steadyPorts(t, 6)
	url := func(i int, path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", ports[i], path) }
	all := append([]string{listeners(ports), fmt.Sprintf(`
exporters: {prometheus/otlp: {endpoint: "127.0.0.1:%d"}}
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:%d"}, http: {endpoint: "127.0.0.1:%d"}}}}
`, ports[3], ports[4], ports[5])}, overrides...)
	p := &pushed{
		program: collectorProgram(t, ports[1], []string{"STATE_DIRECTORY=" + t.TempDir()}, append([]string{agentConfig}, files...), all...),
		page:    url(0, "/metrics"), otlp: url(3, "/metrics"), own: url(2, "/metrics"), send: url(5, ""),
	}
	p.start(t)
	return p
}

// push sends metrics, and returns the status of the answer.
func (p *pushed) push(t *testing.T, metrics pmetric.Metrics) int {
	t.Helper()
	body, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(metrics)
	require.NoError(t, err)
	return p.post(t, "/v1/metrics", body)
}

func (p *pushed) post(t *testing.T, path string, body []byte) int {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, p.send+path, bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-protobuf")
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}

// gauge is a metric with one point of now; change makes of it what a case is about.
func gauge(name string, change func(pmetric.ResourceMetrics, pmetric.Metric, pmetric.NumberDataPoint)) pmetric.Metrics {
	metrics := pmetric.NewMetrics()
	resource := metrics.ResourceMetrics().AppendEmpty()
	metric := resource.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName(name)
	point := metric.SetEmptyGauge().DataPoints().AppendEmpty()
	point.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	point.SetIntValue(77)
	if change != nil {
		change(resource, metric, point)
	}
	return metrics
}

func counter(_ pmetric.ResourceMetrics, metric pmetric.Metric, point pmetric.NumberDataPoint) {
	moved := pmetric.NewNumberDataPoint()
	point.CopyTo(moved)
	total := metric.SetEmptySum()
	total.SetIsMonotonic(true)
	total.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	moved.CopyTo(total.DataPoints().AppendEmpty())
}

func unit(u string) func(pmetric.ResourceMetrics, pmetric.Metric, pmetric.NumberDataPoint) {
	return func(_ pmetric.ResourceMetrics, metric pmetric.Metric, _ pmetric.NumberDataPoint) { metric.SetUnit(u) }
}

func resource(key, value string) func(pmetric.ResourceMetrics, pmetric.Metric, pmetric.NumberDataPoint) {
	return func(r pmetric.ResourceMetrics, _ pmetric.Metric, _ pmetric.NumberDataPoint) {
		r.Resource().Attributes().PutStr(key, value)
	}
}

func attribute(key, value string) func(pmetric.ResourceMetrics, pmetric.Metric, pmetric.NumberDataPoint) {
	return func(_ pmetric.ResourceMetrics, _ pmetric.Metric, p pmetric.NumberDataPoint) {
		p.Attributes().PutStr(key, value)
	}
}

// TestOTLPBringsNoNameOfOurs: no pushed metric gets a name that the rules and dashboards use for
// the agent's own metrics.
func TestOTLPBringsNoNameOfOurs(t *testing.T) {
	p := startPushed(t, []string{"../../config/otlp.yaml"})
	refused := []pmetric.Metrics{
		gauge("facefusion_process_up", nil),
		gauge("facefusion.process.up", nil),
		gauge("FaceFusion.process.up", nil),
		gauge("facefusion-process/up", nil),
		gauge("_.facefusion..process.up", nil),
		// a letter that folds to an "s", and that no name in Prometheus has
		gauge("ſfacefusion.process.up", nil),
		gauge("nvidiaſgpu.fault", nil),
		gauge("facefusion", unit("process_up")),
		gauge("-", unit("facefusion_process_up")),
		gauge("total.facefusion.job.finished", counter),
		gauge("ratio_hw_gpu_utilization", unit("1")),
		gauge("hw.status", nil),
		gauge("hw_status", nil),
		gauge("nvidia.gpu.fault", nil),
		gauge("nvidia_gpu_fault", nil),
		gauge("nvidia_driver_state", nil),
		gauge("system.filesystem.utilization", nil),
		gauge("otelcol_receiver_facefusion_observation_age", nil),
		gauge("up", resource("service.name", "studio")),
		gauge("up", unit("{x}")),
		gauge("up", counter),
		gauge("-", unit("{x}up")),
		gauge("nvidia.total.gpu.xid", counter), // "total" and "ratio" are removed wherever they are
		gauge("nvidia.ratio.gpu.utilization", unit("1")),
		gauge("nvidia.ratio.driver.x", nil),
		gauge("nvidia.total", func(r pmetric.ResourceMetrics, m pmetric.Metric, p pmetric.NumberDataPoint) {
			counter(r, m, p)
			m.SetUnit("gpu/temperature")
		}),
		gauge("total.ratio.total", unit("up")),
		gauge("ALERTS", attribute("alertname", "FaceFusionDown")),
		gauge("ALERTS_FOR_STATE", nil),
		gauge("scrape_samples_scraped", nil),
		gauge("scrape.duration", unit("s")),
		gauge("instance:facefusion_cpu:rate10m", nil),
		gauge("process.memory.usage", attribute("facefusion.process.role", "server")),
		gauge("process.memory.usage", attribute("facefusion_process_role", "server")),
		gauge("process.memory.usage", resource("facefusion.process.role", "server")),
		gauge("process.memory.usage", resource("service.name", "facefusion")),
		gauge("process.memory.usage", resource("service.instance.id", "facefusion-fc92")),
		gauge("process.memory.usage", resource("service_instance_id", "facefusion-fc92")),
		gauge("process.memory.usage", attribute("service.instance.id", "facefusion-fc92")),
		gauge("process.memory.usage", attribute("service_instance_id", "FaceFusion-fc92")),
		gauge("process.memory.usage", attribute("service<instance<id", "facefusion-fc92")),
		gauge("a.year.ahead", func(_ pmetric.ResourceMetrics, _ pmetric.Metric, point pmetric.NumberDataPoint) {
			point.SetTimestamp(pcommon.NewTimestampFromTime(time.Now().AddDate(1, 0, 0)))
		}),
	}
	for i, metrics := range refused {
		resource := metrics.ResourceMetrics().At(0)
		resource.Resource().Attributes().PutStr("pushed", fmt.Sprintf("refused %d", i))
		require.Equal(t, http.StatusOK, p.push(t, metrics), "%d", i)
	}
	taken := []pmetric.Metrics{
		gauge("process.memory.usage", resource("service.name", "studio")),
		gauge("studio.requests", counter),
		gauge("hwmon.temperature", nil),
		gauge("upload.size", unit("By")),
		gauge("studio.total.up", counter),
		gauge("scraper.pages", nil),
		gauge("studio.text", attribute("quote", `"service.instance.id":"facefusion"`)),
		gauge("studio.text", attribute("service.instance.id", "studio-1")),
		gauge("studio.facefusion.queue", nil),
		gauge("a.year.ahead", nil), // now
	}
	for i, metrics := range taken {
		metrics.ResourceMetrics().At(0).Resource().Attributes().PutStr("pushed", fmt.Sprintf("taken %d", i))
		require.Equal(t, http.StatusOK, p.push(t, metrics), "%d", i)
	}
	// Earlier requests have been processed when this one shows.
	page := get(t, p.otlp)
	for i := range taken {
		require.Contains(t, string(page), fmt.Sprintf(`pushed="taken %d"`, i))
	}
	require.NotContains(t, string(page), `pushed="refused`)
	require.Empty(t, regexp.MustCompile(`(?m)^_*(?i:facefusion|hw|nvidia|system|otelcol|up|alerts|scrape)[_{ ].*`).FindAllString(string(page), -1))
	require.NotContains(t, string(get(t, p.page)), "pushed=", "the agent's own page has what the agent saw")
}

// TestOTLPIsForwarded: what programs push is sent on, all signals of it, and neither events nor
// runs of jobs that the receiver did not send.
func TestOTLPIsForwarded(t *testing.T) {
	var received buffer
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintln(&received, r.URL.Path)
		_, _ = io.Copy(&received, r.Body)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(store.Close)
	p := startPushed(t, []string{"../../config/all-signals.yaml", "../../config/otlp.yaml", "../../config/otlp-forward.yaml"},
		fmt.Sprintf(`exporters: {otlp_http/otlp: {endpoint: %q, compression: none}, otlp_http: {endpoint: "http://127.0.0.1:1"}}`, store.URL))

	for name, marker := range map[string]string{"facefusion.process.exited": "refused event", "studio.started": "taken event"} {
		logs := plog.NewLogs()
		record := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		record.SetEventName(name)
		record.Body().SetStr(marker)
		body, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, p.post(t, "/v1/logs", body))
	}
	for name, marker := range map[string]string{"facefusion.job": "refused span", "POST /swap": "taken span"} {
		traces := ptrace.NewTraces()
		span := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetName(name)
		span.Attributes().PutStr("facefusion.job.id", marker)
		body, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, p.post(t, "/v1/traces", body))
	}
	require.Equal(t, http.StatusOK, p.push(t, gauge("hw.status", attribute("a", "refused point"))))
	require.Equal(t, http.StatusOK, p.push(t, gauge("studio.level", attribute("a", "taken point"))))
	for _, taken := range []string{"taken event", "taken span", "taken point"} {
		require.Eventually(t, func() bool { return received.count(taken) > 0 }, 10*time.Second, 20*time.Millisecond, "%s: %s", taken, p.log.String())
	}
	require.Zero(t, received.count("refused"))
}

// TestOTLPDoesNotStopOurOwn: pushed data has a memory budget of its own, so it cannot displace the
// agent's.
func TestOTLPDoesNotStopOurOwn(t *testing.T) {
	p := startPushed(t, []string{"../../config/otlp.yaml"}, `receivers: {facefusion: {collection_interval: 1s}, host_metrics: {collection_interval: 1s}}`)
	var statuses [600]atomic.Int64
	var senders sync.WaitGroup
	until := time.Now().Add(15 * time.Second)
	for sender := range 8 {
		senders.Go(func() {
			for i := 0; time.Now().Before(until); i++ {
				statuses[p.push(t, large(sender, i))].Add(1)
			}
		})
	}
	senders.Wait()
	require.NotZero(t, statuses[http.StatusOK].Load())
	require.NotZero(t, statuses[http.StatusServiceUnavailable].Load(), "nothing was too much: this tests nothing")
	before := accepted(t, p, "facefusion")
	require.Eventually(t, func() bool { return accepted(t, p, "facefusion") > before }, 10*time.Second, 50*time.Millisecond, "the agent goes on")
	own := get(t, p.own)
	for _, name := range []string{"otelcol_receiver_refused_metric_points", "otelcol_receiver_failed_metric_points"} {
		for _, s := range own.samples(name) {
			require.True(t, s.labels["receiver"] == "otlp" || s.value == 0, "%v\n%s", s, p.log.String())
		}
	}
	require.NotEmpty(t, get(t, p.page).samples("facefusion_process_up"))
}

func accepted(t *testing.T, p *pushed, receiver string) (points float64) {
	t.Helper()
	for _, s := range get(t, p.own).samples("otelcol_receiver_accepted_metric_points", "receiver", receiver) {
		points += s.value
	}
	return points
}

// large returns about 900 KiB of new series.
func large(sender, n int) pmetric.Metrics {
	metrics := gauge("studio.flood", nil)
	points := metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints()
	for i := range 900 {
		point := points.AppendEmpty()
		point.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		point.SetIntValue(1)
		point.Attributes().PutStr("series", fmt.Sprintf("%d/%d/%d", sender, n, i))
		point.Attributes().PutStr("text", strings.Repeat("x", 960))
	}
	return metrics
}
