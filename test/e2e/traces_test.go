//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// TestTraceOfAJobOnAGPU: a job of two steps whose id is a caller's trace context, on one of two
// GPUs. Its spans join that trace and say what they took of the GPU.
func TestTraceOfAJobOnAGPU(t *testing.T) {
	const caller, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	const memory, watts = 6 << 30, 300
	file := filepath.Join(t.TempDir(), "traces.json")
	c := start(t, fakeDriver(t, "")+fmt.Sprintf(`
exporters: {file/traces: {path: %s, flush_interval: 50ms}}
service: {pipelines: {traces: {receivers: [facefusion], exporters: [file/traces]}}}
`, file))
	h := simulate(t, 1)
	runner, err := h.StartRunner(0, "job-run-all")
	require.NoError(t, err)
	begin := time.Now()
	work := func(seconds int) {
		for range seconds * 5 { // a busy process is in the driver's samples in each pass
			time.Sleep(200 * time.Millisecond)
			require.NoError(t, control(
				fmt.Sprintf("gpu.0.compute %d:%d 555:1000", runner.PID(), memory),
				fmt.Sprintf("gpu.0.process.samples %d:%d:80:0:0", time.Now().UnixMicro(), runner.PID()),
				fmt.Sprintf("gpu.0.power %d", watts*1000),
				fmt.Sprintf("gpu.0.energy %d", int64(5e6)+watts*time.Since(begin).Milliseconds()),
			))
		}
	}
	folder, id := h.Jobs(0), "00-"+caller+"-"+span+"-01"
	c.eventually(t, 10*time.Second, "the folder is seen", func(p page) bool { return p.is(0, "facefusion_job_count", "facefusion_job_state", "running") })
	work(6) // processes on the GPUs are read every 5 s
	step := jobs.StepArgs{Target: "clip.mp4", Processors: []string{"face_swapper"}}
	require.NoError(t, folder.Create(id, step, step))
	require.NoError(t, folder.Submit(id))
	work(1)
	require.NoError(t, folder.Start(id, 0))
	work(12)
	require.NoError(t, folder.CompleteStep(id, 0))
	require.NoError(t, folder.Start(id, 1))
	work(11) // two readings at least, of which one reports this step for the most part
	require.NoError(t, folder.CompleteStep(id, 1))
	require.NoError(t, folder.Complete(id))
	require.Eventually(t, func() bool { return len(read(t, file)) == 4 }, 10*time.Second, 50*time.Millisecond)
	spans := read(t, file)
	t.Log("\n" + picture(spans))

	root := spans[0]
	for i, want := range []struct {
		name    string
		seconds float64
		parent  string
	}{{"facefusion.job", 23, span}, {"facefusion.job.wait", 0, root.SpanID().String()}, {"facefusion.step", 12, root.SpanID().String()}, {"facefusion.step", 11, root.SpanID().String()}} {
		s := spans[i]
		require.Equal(t, want.name, s.Name())
		require.Equal(t, caller, s.TraceID().String())
		require.Equal(t, want.parent, s.ParentSpanID().String())
		a := s.Attributes().AsRaw()
		require.NotContains(t, a, "facefusion.target.path")
		if want.seconds == 0 {
			require.NotContains(t, a, "facefusion.gpu.energy", "nobody works on a job that waits")
			continue
		}
		require.Equal(t, []any{firstGPU}, a["facefusion.gpu.ids"])
		require.Equal(t, int64(memory), a["facefusion.gpu.memory.usage.max"])
		require.InDelta(t, 0.8, a["facefusion.gpu.utilization.max"], 1e-9)
		require.InEpsilon(t, want.seconds*watts, a["facefusion.gpu.energy"], 0.25, "%s, as far as the machine keeps the time", s.Name())
	}
}

// read returns the spans in a file of the file exporter, in the order in which they began.
func read(t *testing.T, file string) (spans []ptrace.Span) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	for line := range bytes.Lines(content) {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		require.NoError(t, err)
		for _, rs := range traces.ResourceSpans().All() {
			for _, span := range rs.ScopeSpans().At(0).Spans().All() {
				spans = append(spans, span)
			}
		}
	}
	return spans
}

// picture formats a trace as text.
func picture(spans []ptrace.Span) string {
	var b strings.Builder
	begin, end := spans[0].StartTimestamp(), spans[0].EndTimestamp()
	for _, s := range spans {
		column := func(at int64) int { return int(60 * at / max(1, int64(end-begin))) }
		from, to := column(int64(s.StartTimestamp()-begin)), column(int64(s.EndTimestamp()-begin))
		fmt.Fprintf(&b, "%-20s %s%s%s %7.3fs %s\n", s.Name(), strings.Repeat(" ", from), strings.Repeat("█", max(1, to-from)), strings.Repeat(" ", max(0, 60-to)),
			s.EndTimestamp().AsTime().Sub(s.StartTimestamp().AsTime()).Seconds(), s.Status().Code())
		var names []string
		s.Attributes().Range(func(name string, _ pcommon.Value) bool { names = append(names, name); return true })
		slices.Sort(names)
		for _, name := range names {
			v, _ := s.Attributes().Get(name)
			fmt.Fprintf(&b, "    %s = %s\n", name, v.AsString())
		}
	}
	return b.String()
}
