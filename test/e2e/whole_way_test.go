//go:build e2e && traces

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// TestWholeWay follows an operator who sees a slow job in a histogram: from the exemplar that a
// real Prometheus has scraped to the trace in a real Jaeger and to the events of that run.
func TestWholeWay(t *testing.T) {
	ports := steadyPorts(t, 10)
	jaeger := &program{
		args: []string{jaegerBinary, "--config", "../../deploy/stack/jaeger.yaml"},
		env: []string{
			fmt.Sprintf("JAEGER_PORT=%d", ports[5]), fmt.Sprintf("JAEGER_GRPC_PORT=%d", ports[6]),
			fmt.Sprintf("JAEGER_HEALTH_PORT=%d", ports[7]), fmt.Sprintf("JAEGER_OTLP_PORT=%d", ports[8]),
		},
		ready: fmt.Sprintf("http://127.0.0.1:%d/status", ports[7]),
	}
	jaeger.start(t)
	prometheus := prometheusProgram(t, ports[9], fmt.Sprintf(`
scrape_configs: [{job_name: facefusion, honor_labels: true, scrape_interval: 1s, static_configs: [{targets: ["127.0.0.1:%d"]}]}]
`, ports[0]), "--enable-feature=exemplar-storage")
	prometheus.start(t)
	events := filepath.Join(t.TempDir(), "events.json")
	agent := collectorProgram(t, ports[1], []string{
		fmt.Sprintf("OTLP_TRACES_ENDPOINT=http://127.0.0.1:%d/v1/traces", ports[8]), "STATE_DIRECTORY=" + t.TempDir(),
	}, []string{agentConfig, "../../config/all-signals.yaml"}, listeners(ports), fmt.Sprintf(`
exporters: {file/events: {path: %s, flush_interval: 50ms}}
service: {pipelines: {metrics: {exporters: [prometheus]}, logs: {exporters: [file/events]}}}
`, events))
	agent.start(t)

	h := simulate(t, 1)
	_, err := h.StartRunner(0, "job-run-all")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return get(t, fmt.Sprintf("http://127.0.0.1:%d/metrics", ports[0])).is(1, "facefusion_job_folder_state", "facefusion_job_folder_state", "open")
	}, 10*time.Second, 100*time.Millisecond, "the folder is looked at")
	folder := h.Jobs(0)
	slow := func() error { time.Sleep(700 * time.Millisecond); return nil }
	step := jobs.StepArgs{Target: "clip.mp4", Processors: []string{"face_swapper"}}
	for _, do := range []func() error{
		func() error { return folder.Create("slow", step, step) }, slow, func() error { return folder.Submit("slow") }, slow,
		func() error { return folder.Start("slow", 0) }, slow, func() error { return folder.CompleteStep("slow", 0) },
		func() error { return folder.Start("slow", 1) }, slow, func() error { return folder.CompleteStep("slow", 1) }, slow,
		func() error { return folder.Complete("slow") },
	} {
		require.NoError(t, do())
	}

	found := exemplarOf(t, ports[9], "facefusion_job_duration_seconds_bucket")
	require.InDelta(t, 2.1, found.seconds, 0.5)
	spans := traceOf(t, ports[5], found.trace)
	require.Equal(t, []string{"facefusion.job", "facefusion.job.wait", "facefusion.step", "facefusion.step"}, names(spans))
	root := spans[slices.IndexFunc(spans, func(s jaegerSpan) bool { return s.OperationName == "facefusion.job" })]
	require.Equal(t, root.SpanID, found.span, "the exemplar is of the root span")
	require.Empty(t, root.References)
	require.Equal(t, "slow", root.tag("facefusion.job.id"))
	require.Equal(t, "completed", root.tag("facefusion.outcome"))
	// The wait in the queue precedes the run and belongs to the same trace.
	require.InDelta(t, found.seconds*1e6, root.Duration, 1e6)
	for _, span := range spans {
		if span.OperationName != "facefusion.job" {
			require.Equal(t, root.SpanID, span.References[0].SpanID, "%s is a child of the root", span.OperationName)
		}
	}
	// All events since the job was queued belong to this run.
	want := []string{"drafted → waiting", "waiting → running", "running → finalizing", "finalizing → completed"}
	var reported []string
	require.Eventually(t, func() bool {
		reported = eventsOf(t, events, root.TraceID, root.SpanID)
		return len(reported) >= len(want)
	}, 10*time.Second, 100*time.Millisecond, "the events of trace %s, span %s", root.TraceID, root.SpanID)
	require.Equal(t, want, reported)
	t.Logf("exemplar of %.3f s → trace %s of %d spans → events %q", found.seconds, found.trace, len(spans), reported)
}

type exemplar struct {
	trace, span string
	seconds     float64
}

// exemplarOf asks a Prometheus for the exemplar of a histogram until it has one.
func exemplarOf(t *testing.T, port int, metric string) (found exemplar) {
	t.Helper()
	var result struct {
		Data []struct {
			Exemplars []struct {
				Labels map[string]string
				Value  string
			}
		}
	}
	query := url.Values{"query": {metric}, "start": {fmt.Sprint(time.Now().Add(-time.Minute).Unix())}, "end": {fmt.Sprint(time.Now().Add(time.Minute).Unix())}}
	require.Eventually(t, func() bool {
		ask(t, fmt.Sprintf("http://127.0.0.1:%d/api/v1/query_exemplars?%s", port, query.Encode()), &result)
		return len(result.Data) > 0 && len(result.Data[0].Exemplars) > 0
	}, 20*time.Second, 200*time.Millisecond, "no exemplar in Prometheus")
	require.Len(t, result.Data, 1)
	one := result.Data[0].Exemplars[0]
	seconds, err := strconv.ParseFloat(one.Value, 64)
	require.NoError(t, err)
	return exemplar{trace: one.Labels["trace_id"], span: one.Labels["span_id"], seconds: seconds}
}

type jaegerSpan struct {
	TraceID, SpanID, OperationName string
	References                     []struct{ RefType, SpanID string }
	Duration                       float64 // µs
	Tags                           []struct {
		Key   string
		Value any
	}
}

func (s jaegerSpan) tag(key string) any {
	for _, tag := range s.Tags {
		if tag.Key == key {
			return tag.Value
		}
	}
	return nil
}

// traceOf asks a Jaeger for a trace until it has it.
func traceOf(t *testing.T, port int, id string) []jaegerSpan {
	t.Helper()
	var result struct {
		Data []struct{ Spans []jaegerSpan }
	}
	require.Eventually(t, func() bool {
		result.Data = nil
		ask(t, fmt.Sprintf("http://127.0.0.1:%d/api/traces/%s", port, id), &result)
		return len(result.Data) > 0
	}, 20*time.Second, 200*time.Millisecond, "no trace %s in Jaeger", id)
	return result.Data[0].Spans
}

func names(spans []jaegerSpan) (list []string) {
	for _, span := range spans {
		list = append(list, span.OperationName)
	}
	slices.Sort(list)
	return list
}

func ask(t *testing.T, address string, answer any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.NoError(t, json.NewDecoder(response.Body).Decode(answer))
}

// eventsOf returns the state transitions of a run in order.
func eventsOf(t *testing.T, file, trace, span string) (list []string) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	for line := range bytes.Lines(content) {
		logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
		if err != nil {
			continue // being written
		}
		for _, rl := range logs.ResourceLogs().All() {
			for _, record := range rl.ScopeLogs().At(0).LogRecords().All() {
				if record.TraceID().String() != trace || record.SpanID().String() != span {
					continue
				}
				from, _ := record.Attributes().Get("facefusion.job.transition.from")
				to, _ := record.Attributes().Get("facefusion.job.transition.to")
				list = append(list, from.Str()+" → "+to.Str())
			}
		}
	}
	return list
}
