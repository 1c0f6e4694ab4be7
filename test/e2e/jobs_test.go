//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// TestJobs follows jobs through the folders of a real installation, written in the sequence that
// FaceFusion writes them.
func TestJobs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "traces.json")
	c := startWith(t, byKind, fmt.Sprintf(`
exporters: {file/traces: {path: %s, flush_interval: 50ms}}
service: {pipelines: {traces: {receivers: [facefusion], exporters: [file/traces]}}}
`, file))
	h := simulate(t, 1)
	runner, err := h.StartRunner(0, "job-run-all")
	require.NoError(t, err)
	folder := h.Jobs(0)
	counts := func(p page, state string, n float64) bool {
		return p.is(n, "facefusion_job_count", "facefusion_job_state", state)
	}
	finished := func(p page, outcome string, n float64) bool {
		return p.is(n, "facefusion_job_finished_total", "facefusion_outcome", outcome, "facefusion_origin", "command_line", "facefusion_media", "video")
	}
	c.eventually(t, 3*time.Second, "the folder is open and empty", func(p page) bool {
		return p.is(1, "facefusion_job_folder_state", "facefusion_job_folder_state", "open") && counts(p, "drafted", 0)
	})

	creator, err := h.StartRunner(0, "job-create")
	require.NoError(t, err)
	c.eventually(t, 3*time.Second, "job-create", func(p page) bool { return p.is(1, "facefusion_process_count", "facefusion_process_role", "admin") })
	for _, id := range []string{"good", "bad", "lost", "gone"} {
		require.NoError(t, folder.Create(id, jobs.StepArgs{Target: "clip.mp4", Processors: []string{"face_swapper"}}))
	}
	c.eventually(t, 2*time.Second, "four drafts", func(p page) bool { return counts(p, "drafted", 4) })
	require.NoError(t, creator.Exit(0))
	for _, id := range []string{"good", "bad", "lost", "gone"} {
		require.NoError(t, folder.Submit(id))
	}
	c.eventually(t, 2*time.Second, "four wait", func(p page) bool { return counts(p, "waiting", 4) && counts(p, "drafted", 0) })

	require.NoError(t, folder.Start("good", 0))
	c.eventually(t, 2*time.Second, "one runs", func(p page) bool {
		return counts(p, "running", 1) && counts(p, "waiting", 3) && p.is(1, "facefusion_active_tasks")
	})
	require.NoError(t, folder.CompleteStep("good", 0))
	require.NoError(t, folder.Complete("good"))
	require.NoError(t, folder.Start("bad", 0))
	c.eventually(t, 2*time.Second, "the first completed, the next runs", func(p page) bool { return counts(p, "completed", 1) && counts(p, "running", 1) })
	require.NoError(t, folder.Fail("bad"))
	require.NoError(t, folder.Start("gone", 0))
	c.eventually(t, 2*time.Second, "one completed, one failed, one runs", func(p page) bool {
		return counts(p, "completed", 1) && counts(p, "failed", 1) && counts(p, "running", 1) && finished(p, "completed", 1) && finished(p, "failed", 1)
	})
	require.NoError(t, folder.Delete("gone"))
	require.NoError(t, folder.Start("lost", 0))
	c.eventually(t, 2*time.Second, "one was deleted while it ran", func(p page) bool { return finished(p, "deleted", 1) && counts(p, "running", 1) })

	require.NoError(t, runner.Kill(syscall.SIGKILL))
	c.eventually(t, 10*time.Second, "what a killed runner leaves is an orphan", func(p page) bool {
		return counts(p, "running", 0) && counts(p, "orphaned", 1) && finished(p, "orphaned", 1)
	})
	require.NoError(t, folder.Retry("bad"))
	c.eventually(t, 2*time.Second, "a retry waits again", func(p page) bool { return counts(p, "waiting", 1) && counts(p, "failed", 0) })

	c.stop(t)
	require.ElementsMatch(t, []string{
		"good completed: facefusion.job, facefusion.job.wait, facefusion.step",
		"bad failed: facefusion.job, facefusion.job.wait, facefusion.step",
		"gone deleted: facefusion.job, facefusion.job.wait, facefusion.step",
		"lost orphaned: facefusion.job, facefusion.job.wait, facefusion.step",
	}, runs(t, file))
}

// runs are the traces in a file of the file exporter: the job, its outcome and the names of its
// spans.
func runs(t *testing.T, file string) (list []string) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	for line := range bytes.Lines(content) {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		require.NoError(t, err)
		for _, rs := range traces.ResourceSpans().All() {
			var names []string
			spans := rs.ScopeSpans().At(0).Spans()
			for _, span := range spans.All() {
				names = append(names, span.Name())
				require.Equal(t, spans.At(0).TraceID(), span.TraceID())
			}
			job, _ := spans.At(0).Attributes().Get("facefusion.job.id")
			outcome, _ := spans.At(0).Attributes().Get("facefusion.outcome")
			list = append(list, job.Str()+" "+outcome.Str()+": "+strings.Join(names, ", "))
		}
	}
	return list
}
