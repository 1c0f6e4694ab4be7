//go:build e2e && real

package e2e

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// These tests run the real FaceFusion in all the ways that it ends a run, and compare what it left
// in its folders, and how its processes ended, with the page, the traces and the events. They need
// a checkout, which FACEFUSION_CHECKOUT names (`make e2e-real`).

// compare runs scenarios on a FaceFusion of their own, and has the collector start anew at the end.
func compare(t *testing.T, scenarios ...func(*runComparison)) {
	t.Helper()
	f := newFaceFusion(t)
	a := newAccount(t, f)
	a.c.eventually(t, 10*time.Second, "no other FaceFusion runs on this host: this test needs to be alone", func(p page) bool {
		return p.is(0, "facefusion_process_up")
	})
	defer a.print()
	// The jobs folder is there before the first run, as on a host where FaceFusion has run before.
	require.NotZero(t, f.start("job-list", "drafted").exitCode(), "an empty list of jobs")
	a.c.eventually(t, 30*time.Second, "the folder is read", func(p page) bool {
		return len(p.samples("facefusion_job_folder_state", "facefusion_job_folder_state", "open")) == 1
	})
	for _, scenario := range scenarios {
		scenario(a)
	}
	a.c.stop(t)
	a.watch()
	a.agree("the collector starts anew")
}

func TestRealCommands(t *testing.T) {
	compare(t, (*runComparison).headless, (*runComparison).signals, (*runComparison).batch)
}

func TestRealJobs(t *testing.T) {
	compare(t, (*runComparison).jobCommands, (*runComparison).retry, (*runComparison).lostAndRunAgain)
}

func TestRealTwoRunners(t *testing.T) { compare(t, (*runComparison).twoRunners) }

func TestRealWebUI(t *testing.T) { compare(t, (*runComparison).webUI) }

// headless runs what a process does for itself and ends.
func (a *runComparison) headless() {
	a.t.Helper()
	for _, run := range []struct{ scenario, target, hint, media string }{
		{"headless-run of a video", "gray.mp4", "", "video"},
		{"headless-run of an image", "gray.png", "", "image"},
		{"headless-run, content declined", "white.mp4", "declined", "video"},
		{"headless-run, an image declined", "white.png", "declined", "image"},
		{"headless-run, an exception in the step", "black.mp4", "exception", "video"},
	} {
		p := a.f.start("headless-run", "-t", a.f.input(run.target), "-o", a.f.output(run.target))
		code := p.exitCode()
		a.agree(run.scenario, a.ended(a.newest(), exit(code), run.hint, "headless", run.media))
	}
}

func exit(code int) string { return fmt.Sprintf("exit %d", code) }

// signals ends runs from outside.
func (a *runComparison) signals() {
	a.t.Helper()
	for _, run := range []struct {
		scenario, hint string
		signal         syscall.Signal
		code           int
	}{
		{"headless-run, kill -9", "killed", syscall.SIGKILL, 137},
		{"headless-run, Ctrl-C", "gone", syscall.SIGINT, 0},
		{"headless-run, SIGTERM", "killed", syscall.SIGTERM, 143},
	} {
		p := a.f.start("headless-run", "-t", a.f.input("long.mp4"), "-o", a.f.output("long.mp4"))
		job := a.started("headless-")
		time.Sleep(3 * time.Second)
		p.signal(run.signal)
		code := p.exitCode()
		require.Equal(a.t, run.code, code, run.scenario)
		a.agree(run.scenario, a.ended(job, exit(code), run.hint, "headless", "video"))
	}
}

// batch is one job of an image and a video; of a video where the version cannot name the outputs of
// both.
func (a *runComparison) batch() {
	a.t.Helper()
	scenario, targets, outputs, media := "batch-run of an image and a video", "gray.*", "batch-{index}.{target_extension}", "mixed"
	if !a.f.namesExtensions() {
		scenario, targets, outputs, media = "batch-run of a video", "gray.mp4", "batch-{index}.mp4", "video"
	}
	code := a.f.start("batch-run", "-t", a.f.input(targets), "-o", a.f.output(outputs)).exitCode()
	a.agree(scenario, a.ended(a.newest(), exit(code), "", "batch", media))
}

// queue makes a job by job commands, with a step for each target, and leaves it in the queue.
func (a *runComparison) queue(job string, targets ...string) {
	a.t.Helper()
	require.Zero(a.t, a.f.start("job-create", job).exitCode())
	for i, target := range targets {
		output := a.f.output(fmt.Sprintf("%s-%d-%s", job, i, target))
		require.Zero(a.t, a.f.start("job-add-step", job, "-t", a.f.input(target), "-o", output).exitCode())
	}
	require.Zero(a.t, a.f.start("job-submit", job).exitCode())
}

func (a *runComparison) jobCommands() {
	a.t.Helper()
	require.Zero(a.t, a.f.start("job-create", "draft").exitCode())
	a.agree("job-create")
	require.Zero(a.t, a.f.start("job-delete", "draft").exitCode())
	a.agree("job-delete of a draft")

	a.queue("two-steps", "gray.png", "gray.mp4")
	a.agree("job-submit")
	code := a.f.start("job-run", "two-steps").exitCode()
	a.agree("job-run of two steps", a.ended("two-steps", exit(code), "", "command_line", "mixed"))
	require.Zero(a.t, a.f.start("job-delete", "two-steps").exitCode())
	a.agree("job-delete of a job that completed")

	a.queue("deleted", "long.mp4")
	p := a.f.start("job-run", "deleted")
	require.Equal(a.t, "deleted", a.started("deleted"))
	require.Zero(a.t, a.f.start("job-delete", "deleted").exitCode())
	p.exitCode()
	run := a.ended("deleted", "", "", "command_line", "video")
	a.agree("job-delete of a job that runs", run)
}

// retry fails a job, and runs it again when its target is another.
func (a *runComparison) retry() {
	a.t.Helper()
	swap := func(name string) {
		content, err := os.ReadFile(a.f.input(name))
		require.NoError(a.t, err)
		require.NoError(a.t, os.WriteFile(a.f.input("swap.mp4"), content, 0o600))
	}
	swap("white.mp4")
	a.queue("again", "swap.mp4")
	code := a.f.start("job-run", "again").exitCode()
	a.agree("job-run, content declined", a.ended("again", exit(code), "declined", "command_line", "video"))
	code = a.f.start("job-retry", "again").exitCode()
	a.agree("job-retry, declined again", a.ended("again", exit(code), "declined", "command_line", "video"))
	swap("gray.mp4")
	code = a.f.start("job-retry", "again").exitCode()
	a.agree("job-retry that succeeds", a.ended("again", exit(code), "", "command_line", "video"))
}

// lostAndRunAgain kills a runner, and has another one take its job.
func (a *runComparison) lostAndRunAgain() {
	a.t.Helper()
	a.queue("lost", "long.mp4")
	p := a.f.start("job-run", "lost")
	a.started("lost")
	time.Sleep(3 * time.Second)
	p.signal(syscall.SIGKILL)
	a.agree("job-run, kill -9", a.ended("lost", exit(p.exitCode()), "killed", "command_line", "video"))
	code := a.f.start("job-run", "lost").exitCode()
	a.agree("job-run of the job that was lost", a.ended("lost", exit(code), "", "command_line", "video"))
}

// twoRunners has two runners of one queue, which FaceFusion does not keep apart. Each has a copy of
// the queue as it was when it came, and the two delete each other's temporary files.
func (a *runComparison) twoRunners() {
	a.t.Helper()
	for _, way := range []struct {
		scenario, suffix string
		together         bool
	}{
		{"two job-run-all, the second when the first is at work", "", false},
		{"two job-run-all together", "-again", true},
	} {
		first, second := "first"+way.suffix, "second"+way.suffix
		a.queue(first, "gray.mp4")
		a.queue(second, "gray.mp4")
		j := a.journal()
		one := a.f.start("job-run-all")
		if !way.together {
			a.started(first)
		}
		two := a.f.start("job-run-all")
		codes := exit(one.exitCode()) + " and " + exit(two.exitCode())
		close(j.stop)
		<-j.done
		var runs []fact
		for _, job := range []string{first, second} {
			runs = append(runs, j.runs(a.ended(job, codes, "exception", "command_line", "video"), one, two)...)
		}
		a.agree(way.scenario, runs...)
	}
}

func (a *runComparison) webUI() {
	a.t.Helper()
	ui, _, user := a.f.webUI()
	// A user who clicks has a tab open, and its polls make Gradio count what ended.
	user.must("tabs", 1)
	run := func(target, hint, media string) fact {
		user.must("target", a.f.input(target))
		said := user.do("click")
		return a.ended(a.newest(), "the call "+said[:min(len(said), 20)], hint, "ui", media)
	}
	click := func(scenario, target, hint, media string, before ...fact) {
		a.agree(scenario, append(before, run(target, hint, media))...)
	}
	a.agree("a web UI without a job")
	click("web UI", "gray.mp4", "", "video")
	if a.f.countsCalls() {
		click("web UI, an exception in the step", "black.mp4", "exception", "video")
		click("web UI, the next run", "gray.png", "", "image")
	} else {
		a.t.Logf("FaceFusion %s does not count its calls: what a living web UI lost shows with its next run", a.f.version)
		lost := run("black.mp4", "superseded", "video")
		a.known[lost.job] = true
		click("web UI, an exception in the step, and the next run", "gray.png", "", "image", lost)
	}
	click("web UI, content declined", "white.mp4", "declined", "video")

	user.must("target", a.f.input("long.mp4"))
	running := user.begin("click")
	job := a.started("ui-")
	time.Sleep(3 * time.Second)
	user.must("stop")
	said := user.wait(running)
	a.agree("web UI, STOP", a.ended(job, "the call "+said, "stopped", "ui", "video"))

	user.must("target", a.f.input("gray.mp4"))
	user.must("preview")
	a.agree("web UI, a preview, which is no run")

	user.must("create", "mine")
	a.agree("web UI, the job manager")
	user.must("run", "job-run", "mine")
	made := "ui"
	if !a.f.countsCalls() {
		made = "other"
	}
	a.agree("web UI, the job runner", a.ended("mine", "the call ok", "", made, "video"))

	user.must("tabs", 1)
	// Tabs are reported by how often they poll, which they do less often where the machine is slow.
	if a.f.countsCalls() {
		a.c.eventually(a.t, 5*time.Minute, "tabs are open", func(p page) bool { return sumOf(p, "facefusion_server_viewers") >= 1 })
	}
	time.Sleep(30 * time.Second)
	a.agree("web UI, two tabs open, no job")
	if a.f.countsCalls() {
		click("web UI, an exception, two tabs open", "black.mp4", "exception", "video")
	}

	p := a.f.start("headless-run", "-t", a.f.input("long.mp4"), "-o", a.f.output("beside.mp4"))
	job = a.started("headless-")
	time.Sleep(2 * time.Second)
	p.signal(syscall.SIGKILL)
	a.agree("headless-run, kill -9, beside a web UI with two tabs", a.ended(job, exit(p.exitCode()), "killed", "headless", "video"))

	user.must("target", a.f.input("long.mp4"))
	user.begin("click")
	job = a.started("ui-")
	time.Sleep(3 * time.Second)
	ui.signal(syscall.SIGKILL)
	a.agree("web UI, kill -9", a.ended(job, exit(ui.exitCode()), "killed", "ui", "video"))
}
