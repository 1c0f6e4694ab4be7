//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// TestDeclinedRuns: FaceFusion moves a job whose target the content filter refused to failed, and
// only the bar in its log reports why, of an image not even that. The outcome is declined, on the
// metric, on the job's event and on the trace, which has the cause as an event, also when the bar
// is read after the file has moved.
func TestDeclinedRuns(t *testing.T) {
	dir := t.TempDir()
	h := simulate(t, 1)
	traces, events := filepath.Join(dir, "traces.json"), filepath.Join(dir, "events.json")
	l := startLogsOf(t, h.Logs(), dir, fmt.Sprintf(`
exporters: {file/traces: {path: %s, flush_interval: 50ms}, file/events: {path: %s, flush_interval: 50ms}}
service: {pipelines: {traces: {receivers: [facefusion], exporters: [file/traces]}, logs: {receivers: [facefusion], exporters: [file/events]}}}
`, traces, events))
	ids := []string{"headless-2026-11-25-22-00-00", "headless-2026-11-25-22-01-00", "headless-2026-11-25-22-02-00"}
	for n, id := range ids {
		target := []string{"clip.mp4", "clip.mp4", "face.jpg"}[n]
		runner, err := h.StartRunner(0, "headless-run", "--target-path", target)
		require.NoError(t, err)
		l.eventually(t, 10*time.Second, "its folder is read", func(p page) bool {
			return len(p.samples("facefusion_job_folder_state", "facefusion_job_folder_state", "open")) == 1
		})
		if n == 2 {
			require.NoError(t, refuseImage(h, id, target))
		} else {
			require.NoError(t, declineJob(h, id, n == 1))
		}
		require.NoError(t, runner.Exit(1))
		l.eventually(t, 30*time.Second, "it is counted as declined", func(p page) bool {
			return sumOf(p, "facefusion_job_finished_total", "facefusion_outcome", "declined") == float64(n+1)
		})
	}
	require.Zero(t, sumOf(l.page(t), "facefusion_job_finished_total", "facefusion_outcome", "failed"))
	l.eventually(t, 10*time.Second, "its cause", func(p page) bool {
		return sumOf(p, "facefusion_log_causes_total", "facefusion_cause", "declined") == 3
	})

	require.Eventually(t, func() bool { return len(declinedSpans(read(t, traces))) == 3 }, 20*time.Second, 100*time.Millisecond)
	for _, span := range declinedSpans(read(t, traces)) {
		require.Equal(t, "job declined: declined", span.Status().Message())
	}
	perJob := map[string]int{}
	for _, span := range read(t, traces) {
		for _, event := range span.Events().All() {
			if event.Name() == "facefusion.cause" {
				require.Equal(t, "declined", event.Attributes().AsRaw()["facefusion.cause"])
				perJob[span.TraceID().String()]++
			}
		}
	}
	require.Len(t, perJob, 3, "each has its cause")
	require.Eventually(t, func() bool { return len(concluded(t, events)) == 3 }, 20*time.Second, 100*time.Millisecond)
	for _, r := range concluded(t, events) {
		attributes := r.Attributes().AsRaw()
		require.Equal(t, "declined", attributes["facefusion.outcome"])
		require.Equal(t, "declined", attributes["facefusion.cause"])
		require.Contains(t, perJob, r.TraceID().String())
	}
	for _, r := range ofRuns(l.read(t)) {
		require.Contains(t, perJob, r.TraceID().String(), r.Body().Str())
	}
}

// declinedSpans are the roots of the runs that were declined.
func declinedSpans(spans []ptrace.Span) (list []ptrace.Span) {
	for _, span := range spans {
		if outcome, _ := span.Attributes().Get("facefusion.outcome"); span.Name() == "facefusion.job" && outcome.Str() == "declined" {
			list = append(list, span)
		}
	}
	return list
}

// concluded are the events that say how a run ended whose job was reported as failed before.
func concluded(t *testing.T, file string) []plog.LogRecord {
	t.Helper()
	return eventsNamed(t, file, "facefusion.job.concluded")
}

// refuseImage plays a job whose image is refused.
func refuseImage(h *host.Machine, id, target string) error {
	folder := h.Jobs(0)
	for _, act := range []func() error{
		func() error {
			return folder.Create(id, jobs.StepArgs{Target: target, Processors: []string{"face_swapper"}})
		},
		func() error { return folder.Submit(id) },
		func() error { return folder.Start(id, 0) },
		func() error { return h.Stderr(0).Line("CORE", "processing step 1 of 1") },
		func() error { return folder.Fail(id) },
	} {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

// declineJob plays a job whose target is refused; late says that its bar ends after the file has
// moved.
func declineJob(h *host.Machine, id string, late bool) error {
	folder, log := h.Jobs(0), h.Stderr(0)
	bar := log.Analyse(frames, 60)
	acts := []func() error{
		func() error {
			return folder.Create(id, jobs.StepArgs{Target: "clip.mp4", Processors: []string{"face_swapper"}})
		},
		func() error { return folder.Submit(id) },
		func() error { return folder.Start(id, 0) },
		func() error { return log.Line("CORE", "processing step 1 of 1") },
		func() error { return playBar(bar) },
		func() error { return folder.Fail(id) },
	}
	if late {
		last := len(acts) - 1
		acts[last-1], acts[last] = acts[last], func() error {
			time.Sleep(time.Second)
			return playBar(bar)
		}
	}
	for _, act := range acts {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}
