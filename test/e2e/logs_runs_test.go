//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
	simulated "github.com/otelcol-facefusion/otelcol-facefusion/simulator/logs"
)

// TestLogsBesideTheReceiver has two FaceFusions that write to two files, and the receiver that sees
// their jobs: every record of a run bears its trace, and the metrics are those of its instance.
func TestLogsBesideTheReceiver(t *testing.T) {
	dir := t.TempDir()
	h := simulate(t, 2)
	l := startLogsOf(t, h.Logs(), dir, fmt.Sprintf(`
exporters: {file/traces: {path: %s, flush_interval: 50ms}}
service: {pipelines: {traces: {receivers: [facefusion], exporters: [file/traces]}}}
`, filepath.Join(dir, "traces.json")))
	server, err := h.StartServer(0, nil)
	require.NoError(t, err)
	l.eventually(t, 10*time.Second, "it is ready", func(p page) bool { return state(p, server.Port(), "ready") })

	require.NoError(t, playJob(h, 0, "ui-2026-11-25-22-00-00", 2))
	runner, err := h.StartRunner(1, "headless-run", "--target-path", "clip.mp4")
	require.NoError(t, err)
	// FaceFusion itself needs seconds to start; what lies in a folder when it is first read is
	// history.
	l.eventually(t, 10*time.Second, "both folders are read", func(p page) bool {
		return len(p.samples("facefusion_job_folder_state", "facefusion_job_folder_state", "open")) == 2
	})
	require.NoError(t, playJob(h, 1, "headless-2026-11-25-22-00-01", 1))
	require.NoError(t, runner.Exit(0))
	require.NoError(t, failJob(h, 0, "ui-2026-11-25-22-00-09", "no source face detected!"))

	require.Eventually(t, func() bool { return len(ofRuns(l.read(t))) == 2*4+1*4+2 }, 15*time.Second, 100*time.Millisecond)
	traces := map[string]string{}
	require.Eventually(t, func() bool {
		for _, span := range read(t, filepath.Join(dir, "traces.json")) {
			if id, there := span.Attributes().Get("facefusion.job.id"); there {
				traces[id.Str()] = span.TraceID().String()
			}
		}
		return len(traces) == 3
		// The end of a failed run of a web UI is certain when Gradio was asked again, 20 s later at
		// most.
	}, 45*time.Second, 100*time.Millisecond)
	requirePhases(t, read(t, filepath.Join(dir, "traces.json")))
	perJob := map[string]int{}
	for _, r := range ofRuns(l.read(t)) {
		id, there := r.Attributes().Get("facefusion.job.id")
		require.True(t, there, r.Body().Str())
		require.Equal(t, traces[id.Str()], r.TraceID().String(), r.Body().Str())
		require.False(t, r.SpanID().IsEmpty())
		perJob[id.Str()]++
	}
	require.Equal(t, map[string]int{"ui-2026-11-25-22-00-00": 8, "headless-2026-11-25-22-00-01": 4, "ui-2026-11-25-22-00-09": 2}, perJob)

	l.eventually(t, 10*time.Second, "frames of both", func(p page) bool {
		return sumOf(p, "facefusion_phase_frames_total", "facefusion_phase", "processing") == 3*frames
	})
	l.eventually(t, 10*time.Second, "the cause", func(p page) bool {
		return sumOf(p, "facefusion_log_causes_total", "facefusion_cause", "no_source_face") == 1
	})
}

// requirePhases requires the phases of each processed step, and the cause of the failed one.
func requirePhases(t *testing.T, spans []ptrace.Span) {
	t.Helper()
	steps := map[pcommon.SpanID]ptrace.Span{}
	for _, span := range spans {
		if span.Name() == "facefusion.step" {
			steps[span.SpanID()] = span
		}
	}
	require.Len(t, steps, 4)
	phases, causes := map[string]int{}, 0
	for _, span := range spans {
		if name, found := strings.CutPrefix(span.Name(), "facefusion.phase."); found {
			phases[name]++
			step, there := steps[span.ParentSpanID()]
			require.True(t, there)
			require.GreaterOrEqual(t, span.StartTimestamp(), step.StartTimestamp())
			require.LessOrEqual(t, span.EndTimestamp(), step.EndTimestamp())
			attributes := span.Attributes().AsRaw()
			require.Equal(t, int64(frames), attributes["facefusion.phase.frames"])
			// Each frame is slept for; on a busy machine that takes longer. TestLogsFromFiles
			// compares durations with those of the bars.
			require.InDelta(t, 2*frames*0.01, attributes["facefusion.phase.duration"], frames*0.01+0.05)
		}
		for _, event := range span.Events().All() {
			causes++
			require.Equal(t, map[string]any{"facefusion.cause": "no_source_face", "message": "no source face detected!"}, event.Attributes().AsRaw())
			require.Equal(t, "job failed: no_source_face", span.Status().Message())
		}
	}
	require.Equal(t, map[string]int{"analysing": 3, "processing": 3}, phases)
	require.Equal(t, 1, causes)
}

// sumOf sums a metric over all instances.
func sumOf(p page, name string, pairs ...string) (sum float64) {
	for _, s := range p.samples(name, pairs...) {
		sum += s.value
	}
	return sum
}

// frames of each step that is played.
const frames = 50

// playJob plays a job of some steps that completes, and writes what FaceFusion writes.
func playJob(h *host.Machine, instance int, id string, steps int) error {
	return playJobTo(h, instance, h.Stderr(instance), id, steps)
}

func playJobTo(h *host.Machine, instance int, log *simulated.Stderr, id string, steps int) error {
	folder := h.Jobs(instance)
	list := make([]jobs.StepArgs, steps)
	for i := range list {
		list[i] = jobs.StepArgs{Target: "clip.mp4", Processors: []string{"face_swapper"}}
	}
	acts := []func() error{
		func() error { return folder.Create(id, list...) },
		func() error { return folder.Submit(id) },
	}
	for i := range steps {
		acts = append(acts,
			func() error { return folder.Start(id, i) },
			func() error { return log.Line("CORE", "processing step %d of %d", i+1, steps) },
			func() error { return playBar(log.Analyse(frames, 0)) },
			func() error { return playBar(log.Process(frames)) },
			func() error { return log.Line("TO_VIDEO", "processing to video succeeded in 1.0 seconds") },
			func() error { return folder.CompleteStep(id, i) },
		)
	}
	acts = append(acts, func() error { return folder.Complete(id) })
	for _, act := range acts {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

func playBar(bar *simulated.Bar) error {
	for done := range frames + 1 {
		if err := bar.Show(done); err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return bar.End()
}

// failJob plays a job that fails with a message.
func failJob(h *host.Machine, instance int, id, why string) error {
	folder, log := h.Jobs(instance), h.Stderr(instance)
	for _, act := range []func() error{
		func() error {
			return folder.Create(id, jobs.StepArgs{Target: "clip.mp4", Processors: []string{"face_swapper"}})
		},
		func() error { return folder.Submit(id) },
		func() error { return folder.Start(id, 0) },
		func() error { return log.Line("CORE", "processing step 1 of 1") },
		func() error { return log.Line("CORE", "%s", why) },
		func() error { return folder.Fail(id) },
	} {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

// ofRuns returns the records that belong to a run.
func ofRuns(records []plog.LogRecord) (list []plog.LogRecord) {
	for _, r := range records {
		if module, _ := r.Attributes().Get("facefusion.module"); strings.HasPrefix(module.Str(), "FACEFUSION") || r.EventName() == "facefusion.log.phase" {
			list = append(list, r)
		}
	}
	return list
}
