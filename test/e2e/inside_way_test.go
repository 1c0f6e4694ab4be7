//go:build e2e && traces && inside

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/fakenvml"
)

// recipe is what the recipes on the web tell people to write into Prometheus for a service around
// FaceFusion, word for word.
const (
	recipeScrape = `
  - job_name: 'facefusion'
    scrape_interval: 15s
    static_configs:
      - targets: ['localhost:7860']
`
	recipeAlert = `
groups:
  - name: facefusion
    rules:
      - alert: HighGPUUtilization
        expr: facefusion_gpu_utilization > 90
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: "GPU utilization above 90% for 5 minutes"
`
)

// TestInsideWholeWay has a FastAPI service around FaceFusion, of one line, on a host with an agent,
// a real Prometheus and a real Jaeger. The shipped board shows its requests, latency and errors by
// route, its steps and frames, and its share of the GPU; from a failed request on the panel of
// errors its exemplar leads to its trace; and the recipes' scrape configuration and alert, beside
// the shipped ones, are what they were.
func TestInsideWholeWay(t *testing.T) {
	w := newInsideWay(t)
	w.work(90 * time.Second)

	// The first click: the dot of the failed request. The second: its link.
	failed := w.exemplarOfAFailedRequest()
	// The agent's job is in the trace of the request, too, a little later.
	var spans []jaegerSpan
	require.Eventually(t, func() bool {
		spans = traceOf(t, w.jaeger, failed)
		return slices.Contains(names(spans), "facefusion.job")
	}, time.Minute, time.Second)
	require.Subset(t, names(spans), []string{"POST /v1/swap/{user_id}", "facefusion.run", "facefusion.run.step"})
	root := spans[slices.IndexFunc(spans, func(s jaegerSpan) bool { return strings.HasPrefix(s.OperationName, "POST ") })]
	require.EqualValues(t, 500, root.tag("http.response.status_code"))
	require.Equal(t, "/v1/swap/{user_id}", root.tag("http.route"))

	for title, query := range w.panels("Requests by route", "Errors by route", "How long requests take", "Steps by how they ended", "Frames by phase", "FaceFusion's share of the GPUs", "FaceFusion's memory on the GPUs", "Observed from both sides") {
		assert.Eventually(t, func() bool { return len(w.answer(query)) > 0 }, time.Minute, time.Second, "%s: %s shows nothing", title, query)
	}

	w.work(4*time.Minute + 30*time.Second)
	require.Eventually(t, func() bool { return w.firing("HighGPUUtilization") }, 2*time.Minute, time.Second)
}

// insideWay is such a host.
type insideWay struct {
	*testing.T
	prometheus, jaeger int
	service            *exec.Cmd
}

func newInsideWay(t *testing.T) *insideWay {
	t.Helper()
	ports := steadyPorts(t, 12)
	w := &insideWay{T: t, prometheus: ports[9], jaeger: ports[5]}
	(&program{
		args: []string{jaegerBinary, "--config", "../../deploy/stack/jaeger.yaml"},
		env: []string{
			fmt.Sprintf("JAEGER_PORT=%d", ports[5]), fmt.Sprintf("JAEGER_GRPC_PORT=%d", ports[6]),
			fmt.Sprintf("JAEGER_HEALTH_PORT=%d", ports[7]), fmt.Sprintf("JAEGER_OTLP_PORT=%d", ports[8]),
		},
		ready: fmt.Sprintf("http://127.0.0.1:%d/status", ports[7]),
	}).start(t)
	driver := fakeDriver(t, "gpu.0.utilization 97")
	state := "STATE_DIRECTORY=" + t.TempDir()
	collectorProgram(t, ports[1], []string{fmt.Sprintf("OTLP_TRACES_ENDPOINT=http://127.0.0.1:%d/v1/traces", ports[8]), state},
		[]string{agentConfig, "../../config/all-signals.yaml", "../../config/in-process.yaml"}, listeners(ports), driver, fmt.Sprintf(`
exporters: {prometheus/inside: {endpoint: "127.0.0.1:%d"}, file/events: {path: %s}}
receivers: {otlp/inside: {protocols: {http: {endpoint: "127.0.0.1:%d"}}}}
service: {pipelines: {metrics: {exporters: [prometheus]}, logs: {exporters: [file/events]}}}
`, ports[3], filepath.Join(t.TempDir(), "events.json"), ports[4])).start(t)
	w.serve(fmt.Sprintf("http://127.0.0.1:%d", ports[4]))
	prometheusProgram(t, w.prometheus, w.config(ports[0]), "--enable-feature=exemplar-storage").start(t)
	return w
}

// serve starts the service at FaceFusion's port.
func (w *insideWay) serve(otlp string) {
	w.Helper()
	tests, err := filepath.Abs("../../instrumentation/tests")
	require.NoError(w, err)
	checkout := filepath.Join(w.TempDir(), "facefusion")
	require.NoError(w, os.CopyFS(checkout, os.DirFS(filepath.Join(tests, "standin"))))
	python, err := filepath.Abs("../../.cache/python/bin/python")
	require.NoError(w, err)
	library, err := fakenvml.Build(w.TempDir())
	require.NoError(w, err)
	require.NoError(w, os.Rename(library, filepath.Join(filepath.Dir(library), "libnvidia-ml.so.1")))
	p := &program{
		args: []string{"sh", "-c", `cd "$1" && exec "$2" -m uvicorn --port 7860 --log-level warning apps.fast:app`, "sh", checkout, python},
		env: []string{
			"OTEL_EXPORTER_OTLP_ENDPOINT=" + otlp, "PYTHONPATH=" + tests + ":" + checkout, "LD_LIBRARY_PATH=" + filepath.Dir(library),
		},
		ready: "http://127.0.0.1:7860/healthz",
	}
	p.start(w.T)
	w.service = p.cmd
}

// config is the shipped one, with the targets of this host and the recipe besides.
func (w *insideWay) config(agent int) string {
	w.Helper()
	dir := w.TempDir()
	write := func(name, text string) {
		require.NoError(w, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("agents.yml", fmt.Sprintf("- targets: ['127.0.0.1:%d']\n", agent))
	write("collectors.yml", "[]\n")
	write("inside.yml", "- targets: ['127.0.0.1:7860']\n  labels: {host_name: studio}\n")
	write("recipe.yml", recipeAlert)
	shipped, err := os.ReadFile("../../deploy/prometheus/prometheus.yml")
	require.NoError(w, err)
	// a job may be there once
	recipe := strings.Replace(recipeScrape, "'facefusion'", "'recipe'", 1)
	text := strings.NewReplacer(
		"targets/", dir+"/", "  - rules/*.yml\n  - rules/alerts/*.yml\n", "  - "+dir+"/recipe.yml\n", "targets: [127.0.0.1:9093]", "targets: []",
	).Replace(string(shipped)) + recipe
	require.Contains(w, text, dir+"/recipe.yml")
	return text
}

// work has users, one of whose requests fails each five seconds, and keeps the GPU busy.
func (w *insideWay) work(d time.Duration) {
	w.Helper()
	for i, end := 0, time.Now().Add(d); time.Now().Before(end); i++ {
		target, want := "clip.mp4", http.StatusOK
		if i%5 == 0 {
			target, want = "fail.mp4", http.StatusInternalServerError
		}
		answer, err := http.Post("http://127.0.0.1:7860/v1/swap/jane?target="+target, "", nil)
		require.NoError(w, err)
		answer.Body.Close()
		require.Equal(w, want, answer.StatusCode)
		pid := w.service.Process.Pid
		require.NoError(w, control(
			"gpu.0.utilization 97", fmt.Sprintf("gpu.0.compute %d:%d", pid, 6<<30),
			fmt.Sprintf("gpu.0.process.samples %d:%d:80:0:0", time.Now().UnixMicro(), pid),
		))
		time.Sleep(time.Second)
	}
}

// exemplarOfAFailedRequest is the trace of the last one on the panel of errors.
func (w *insideWay) exemplarOfAFailedRequest() string {
	w.Helper()
	query := w.panels("Errors by route")["Errors by route"]
	var result struct {
		Data []struct {
			SeriesLabels map[string]string
			Exemplars    []struct{ Labels map[string]string }
		}
	}
	values := url.Values{"query": {query}, "start": {fmt.Sprint(time.Now().Add(-5 * time.Minute).Unix())}, "end": {fmt.Sprint(time.Now().Unix())}}
	trace := ""
	require.Eventually(w, func() bool {
		ask(w.T, fmt.Sprintf("http://127.0.0.1:%d/api/v1/query_exemplars?%s", w.prometheus, values.Encode()), &result)
		for _, series := range result.Data {
			if n := len(series.Exemplars); n > 0 && series.SeriesLabels["status"] == "5xx" && series.SeriesLabels["job"] == "facefusion-inside" {
				trace = series.Exemplars[n-1].Labels["trace_id"]
			}
		}
		return trace != ""
	}, 30*time.Second, time.Second, "no exemplar of a failed request")
	return trace
}

// panels are the queries of the shipped board, as Grafana asks them.
func (w *insideWay) panels(titles ...string) map[string]string {
	w.Helper()
	type panel struct {
		Title   string
		Targets []struct{ Expr string }
		Panels  []json.RawMessage
	}
	content, err := os.ReadFile("../../deploy/grafana/dashboards/inside.json")
	require.NoError(w, err)
	var board struct{ Panels []json.RawMessage }
	require.NoError(w, json.Unmarshal(content, &board))
	queries := map[string]string{}
	for left := board.Panels; len(left) > 0; left = left[1:] {
		var p panel
		require.NoError(w, json.Unmarshal(left[0], &p))
		left = append(left, p.Panels...)
		if slices.Contains(titles, p.Title) {
			queries[p.Title] = strings.NewReplacer("$host", ".*", "$service", ".*", "$instance", ".*", "$__rate_interval", "1m").Replace(p.Targets[0].Expr)
		}
	}
	require.Len(w, queries, len(titles), "not on the board")
	return queries
}

// answer is what a query finds.
func (w *insideWay) answer(query string) []json.RawMessage {
	w.Helper()
	var result struct {
		Data struct{ Result []json.RawMessage }
	}
	ask(w.T, fmt.Sprintf("http://127.0.0.1:%d/api/v1/query?%s", w.prometheus, url.Values{"query": {query}}.Encode()), &result)
	return result.Data.Result
}

// firing says that an alert is.
func (w *insideWay) firing(name string) bool {
	w.Helper()
	var result struct {
		Data struct {
			Alerts []struct {
				Labels map[string]string
				State  string
			}
		}
	}
	ask(w.T, fmt.Sprintf("http://127.0.0.1:%d/api/v1/alerts", w.prometheus), &result)
	for _, alert := range result.Data.Alerts {
		if alert.Labels["alertname"] == name && alert.State == "firing" {
			return true
		}
	}
	return false
}
