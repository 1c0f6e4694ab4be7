//go:build e2e

package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/fakeproc"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/gradio"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// webUI is a web UI with open tabs, whose Gradio counts calls.
type webUI struct {
	*host.Proc
	t      *testing.T
	folder *jobs.Manager
	tally  gradio.Tally
	jobs   int
}

func newWebUI(t *testing.T, h *host.Machine, tabs int) *webUI {
	t.Helper()
	server, err := h.StartServer(0, nil)
	require.NoError(t, err)
	require.NoError(t, server.SetTabs(tabs))
	return &webUI{Proc: server, t: t, folder: h.Jobs(0)}
}

func (u *webUI) say() {
	require.NoError(u.t, u.Set(func(s *fakeproc.Instruction) { s.Gradio.Functions = u.tally.Summary() }))
}

// click starts a run of the instant runner.
func (u *webUI) click() (id string) {
	u.jobs++
	id = "ui-" + time.Now().Add(time.Duration(u.jobs)*time.Minute).Format("2006-01-02-15-04-05")
	u.tally.Begin("start")
	u.tally.Begin("run")
	require.NoError(u.t, u.folder.Create(id, jobs.StepArgs{Target: "clip.mp4", Processors: []string{"face_swapper"}}))
	require.NoError(u.t, u.folder.Submit(id))
	require.NoError(u.t, u.folder.Start(id, 0))
	u.tally.End("start", 1, true)
	u.say()
	return id
}

// raise ends the run in an exception: Gradio counts it, and nothing else happens.
func (u *webUI) raise() {
	u.tally.End("run", 0, false)
	u.say()
}

func lost(p page, reason string, n float64) bool {
	return p.is(n, "facefusion_job_lost_total", "facefusion_orphan_reason", reason)
}

func jobCount(p page, state string, n float64) bool {
	return p.is(n, "facefusion_job_count", "facefusion_job_state", state)
}

// TestLostJobs loses jobs in all the ways that FaceFusion does, beside a web UI that two open tabs
// keep busy, on a filesystem that shows files as ext4 does while they are written.
func TestLostJobs(t *testing.T) {
	h := simulate(t, 1)
	h.Jobs(0).Truncation = 30 * time.Millisecond
	kept := t.TempDir()
	overrides := fmt.Sprintf(`
extensions: {file_storage: {directory: %s}}
receivers: {facefusion: {storage: file_storage}}
service: {extensions: [health_check, file_storage]}
`, kept)
	c := startWith(t, byKind, overrides)
	ui := newWebUI(t, h, 2)
	c.eventually(t, 40*time.Second, "two tabs are open", func(p page) bool {
		return p.is(2, "facefusion_server_viewers") && len(p.samples("facefusion_server_requests_total", "facefusion_function", "read_logs")) == 0 &&
			jobCount(p, "drafted", 0)
	})

	ui.click()
	c.eventually(t, 5*time.Second, "a run of the web UI", func(p page) bool { return jobCount(p, "running", 1) })
	time.Sleep(3 * time.Second)
	assert.True(t, jobCount(c.page(t), "running", 1))
	ui.raise()
	took := c.eventually(t, 30*time.Second, "an exception in a living web UI", func(p page) bool {
		return jobCount(p, "orphaned", 1) && jobCount(p, "running", 0) && lost(p, "exception", 1)
	})
	t.Logf("an exception in a living web UI was reported after %v", took.Round(100*time.Millisecond))

	runner, err := h.StartRunner(0, "headless-run", "--target-path", "clip.mp4", "--output-path", "out.mp4")
	require.NoError(t, err)
	id := "headless-" + time.Now().Format("2006-01-02-15-04-05")
	require.NoError(t, h.Jobs(0).Create(id, jobs.StepArgs{Target: "clip.mp4", Output: "out.mp4", Processors: []string{"face_swapper"}}))
	require.NoError(t, h.Jobs(0).Submit(id))
	require.NoError(t, h.Jobs(0).Start(id, 0))
	c.eventually(t, 5*time.Second, "a headless run", func(p page) bool { return jobCount(p, "running", 1) })
	time.Sleep(2 * time.Second)
	require.NoError(t, runner.Kill(syscall.SIGKILL))
	took = c.eventually(t, 15*time.Second, "a killed headless run beside an idle web UI", func(p page) bool {
		return jobCount(p, "orphaned", 2) && lost(p, "killed", 1)
	})
	t.Logf("a killed headless run was reported after %v", took.Round(100*time.Millisecond))

	// A runner that dies of its job at once is in no list that is made once a second.
	short, err := h.StartRunner(0, "headless-run", "--target-path", "clip.mp4", "--output-path", "short.mp4")
	require.NoError(t, err)
	id = "headless-" + time.Now().Add(time.Minute).Format("2006-01-02-15-04-05")
	require.NoError(t, h.Jobs(0).Create(id, jobs.StepArgs{Target: "clip.mp4", Output: "short.mp4", Processors: []string{"face_swapper"}}))
	require.NoError(t, h.Jobs(0).Submit(id))
	require.NoError(t, h.Jobs(0).Start(id, 0))
	time.Sleep(300 * time.Millisecond)
	require.NoError(t, short.Kill(syscall.SIGKILL))
	c.eventually(t, 15*time.Second, "a runner that lived for a moment", func(p page) bool {
		return jobCount(p, "orphaned", 3) && lost(p, "killed", 2)
	})

	stopped := ui.click()
	c.eventually(t, 5*time.Second, "the next run of the web UI", func(p page) bool { return jobCount(p, "running", 1) })
	ui.tally.Begin("stop")
	ui.tally.End("stop", 0, true)
	ui.tally.End("run", 5, true)
	require.NoError(t, h.Jobs(0).Fail(stopped))
	ui.say()
	c.eventually(t, 25*time.Second, "a run that a user stopped", func(p page) bool {
		return jobCount(p, "failed", 1) && p.is(1, "facefusion_job_finished_total", "facefusion_outcome", "stopped", "facefusion_origin", "ui")
	})

	first, err := h.StartRunner(0, "job-run-all")
	require.NoError(t, err)
	require.NoError(t, h.Jobs(0).Create("nightly", jobs.StepArgs{Target: "clip.mp4", Processors: []string{"face_swapper"}}))
	require.NoError(t, h.Jobs(0).Submit("nightly"))
	require.NoError(t, h.Jobs(0).Start("nightly", 0))
	c.eventually(t, 5*time.Second, "job-run-all", func(p page) bool { return jobCount(p, "running", 1) })
	second, err := h.StartRunner(0, "job-run-all")
	require.NoError(t, err)
	time.Sleep(2 * time.Second)
	require.NoError(t, h.Jobs(0).Start("nightly", 0))
	c.eventually(t, 40*time.Second, "two at once", func(p page) bool { return p.is(1, "facefusion_job_contended") && jobCount(p, "running", 1) })
	require.NoError(t, h.Jobs(0).Complete("nightly"))
	require.NoError(t, second.Exit(1))
	require.NoError(t, first.Exit(0))
	all := func(p page) bool {
		return jobCount(p, "completed", 1) && jobCount(p, "failed", 1) && jobCount(p, "orphaned", 3) && jobCount(p, "running", 0) &&
			lost(p, "exception", 1) && lost(p, "killed", 2) && total(p, "facefusion_job_finished_total") == 5
	}
	c.eventually(t, 10*time.Second, "one run of the two", all)

	for range 3 {
		c.stop(t)
		c = startWith(t, byKind, overrides)
		c.eventually(t, 10*time.Second, "the same after a restart", all)
		time.Sleep(3 * time.Second)
		require.True(t, all(c.page(t)), "the same a while after a restart")
	}
}
