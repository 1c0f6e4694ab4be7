package jobqueue

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// uiID is an id as the instant runner gives.
const uiID, nextUIID, headlessID, nextHeadlessID = "ui-2026-11-22-16-13-21", "ui-2026-11-22-16-14-21", "headless-2026-11-22-16-13-21", "headless-2026-11-22-16-13-25"

// webUI adds a web UI whose Gradio counts its calls.
func (h *harness) webUI() ProcessID {
	h.process(RoleServer, time.Second)
	p := &h.evidence.Processes[len(h.evidence.Processes)-1]
	p.Command, p.CPU = "run", is(0.0)
	h.evidence.Servers = append(h.evidence.Servers, ServerCalls{ProcessID: p.ProcessID, Functions: map[string]CallCounts{}})
	return p.ProcessID
}

// useServers has the web UIs use CPU time.
func (h *harness) useServers(seconds float64) {
	for i := range h.evidence.Processes {
		if p := &h.evidence.Processes[i]; p.Role == RoleServer {
			p.CPU.V += seconds
		}
	}
}

// runner adds a process of a command.
func (h *harness) runner(command string) ProcessID {
	h.process(RoleRunner, time.Second)
	p := &h.evidence.Processes[len(h.evidence.Processes)-1]
	p.Command = command
	return p.ProcessID
}

// watching returns a harness after its first pass, which finds a web UI for the command "run" and a
// runner for any other.
func watching(t *testing.T, settings Settings, commands ...string) *harness {
	t.Helper()
	h := newHarness(t, settings)
	for _, command := range commands {
		if command == "run" {
			h.webUI()
		} else {
			h.runner(command)
		}
	}
	h.pass()
	return h
}

// exit ends a process; an empty reason is a clean end.
func (h *harness) exit(id ProcessID, reason LossReason) {
	var left []LiveProcess
	for _, p := range h.evidence.Processes {
		if p.ProcessID != id {
			left = append(left, p)
		}
	}
	h.evidence.Processes = left
	h.evidence.Exits = append(h.evidence.Exits, Exit{PID: id.PID, Time: h.now, Reason: reason})
}

// calls has Gradio say how often a function was called, and how often it raised an exception.
func (h *harness) calls(function string, requests, failed int64) {
	s := &h.evidence.Servers[len(h.evidence.Servers)-1]
	s.Time = h.now
	functions := map[string]CallCounts{function: {Requests: requests, Failed: reading.Known(failed)}}
	for name, calls := range s.Functions {
		if name != function {
			functions[name] = calls
		}
	}
	s.Functions = functions
}

// asked has Gradio say the same again.
func (h *harness) asked() { h.evidence.Servers[len(h.evidence.Servers)-1].Time = h.now }

// lastRun is that of the last change.
func (h *harness) lastRun() *Run {
	require.NotEmpty(h.t, h.changes)
	run := h.changes[len(h.changes)-1].Run
	require.NotNil(h.t, run)
	return run
}

func (h *harness) orphans() map[LossReason]uint64 { return h.queue().Orphans }

// TestAnExceptionInALivingWebUI: the file stays as it is, the server lives, and polling tabs keep
// it busy.
func TestAnExceptionInALivingWebUI(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{StallAfter: time.Hour})
	h.webUI()
	h.asked()
	h.pass()
	h.job("queued/"+uiID, "started")
	h.pass()
	h.tick(20 * time.Second)
	h.calls("run", 1, 0)
	h.tick(20 * time.Second)
	assert.Equal(t, "running 1", counts(h.queue()))
	h.took()
	h.calls("run", 1, 1)
	evidence := h.now
	for range 15 {
		h.useServers(0.24) // two tabs
		if h.tick(time.Second); h.queue().Count(StateOrphaned) == 1 {
			break
		}
	}
	assert.Less(t, h.now.Sub(evidence), 15*time.Second)
	assert.Equal(t, []string{uiID + ": running -> orphaned ended orphaned"}, transitions(h.changes))
	assert.Equal(t, BasisFailedCall, h.lastRun().Basis)
	assert.Equal(t, ReasonException, h.lastRun().Reason)
	assert.Less(t, h.lastRun().Duration().V, 5*time.Second, "it ended when something of it moved last")
	assert.Equal(t, map[LossReason]uint64{ReasonException: 1}, h.orphans())
	h.tick(time.Minute)
	assert.Equal(t, "orphaned/ui/video 1 0.0s waited 0.0s", finishedRuns(h.queue()))
}

// TestAnExceptionThatIsAnothers: each lost run is one exception, also one that Gradio counts late.
func TestAnExceptionThatIsAnothers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{})
	h.webUI()
	h.asked()
	h.pass()
	h.job("queued/"+uiID, "started")
	h.tick(10 * time.Second)
	h.job("queued/"+nextUIID, "started")
	h.tick(3 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonSuperseded: 1}, h.orphans(), "a web UI has one such run at a time")
	h.calls("run", 2, 1) // that of the first, now that the second has joined
	h.tick(time.Minute)
	assert.Equal(t, "running 1 orphaned 1", counts(h.queue()))
	h.calls("run", 2, 2)
	h.tick(10 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonSuperseded: 1, ReasonException: 1}, h.orphans())
}

// TestAnExceptionOfNoRun: a call failed while there was no job.
func TestAnExceptionOfNoRun(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{})
	h.webUI()
	h.asked()
	h.pass()
	h.calls("run", 1, 1)
	h.tick(2 * time.Second)
	h.job("queued/"+uiID, "started")
	h.pass()
	for range 4 {
		h.tick(15 * time.Second)
		h.calls("run", 2, 1)
	}
	assert.Equal(t, "running 1", counts(h.queue()))
	h.job("queued/"+uiID, "completed")
	h.mv("queued/"+uiID, "completed/"+uiID)
	h.pass()
	assert.Equal(t, "completed 1", counts(h.queue()))
}

// TestAFailedCallThatIsNotTheRuns: its files grow on.
func TestAFailedCallThatIsNotTheRuns(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{})
	root := t.TempDir()
	h.folders[0].Process = rootAt(root)
	require.NoError(t, os.MkdirAll(root+"/data/out", 0o755))
	h.webUI()
	h.asked()
	h.pass()
	h.job("queued/"+uiID, "started")
	h.pass()
	h.calls("run", 2, 1)
	for i := range 30 {
		require.NoError(t, os.WriteFile(root+"/data/out/clip.mp4", make([]byte, i+1), 0o600))
		h.tick(time.Second)
	}
	assert.Equal(t, "running 1", counts(h.queue()))
}

// TestAKilledHeadlessRunBesideAnIdleWebUI is lost with its process, whatever else lives.
func TestAKilledHeadlessRunBesideAnIdleWebUI(t *testing.T) {
	t.Parallel()
	for reason, want := range map[LossReason]LossReason{ReasonKilled: ReasonKilled, ReasonOOMKilled: ReasonOOMKilled, ReasonException: ReasonException, "": ReasonGone} {
		h := newHarness(t, Settings{})
		h.webUI()
		id := h.runner("headless-run")
		h.pass()
		h.job("queued/"+headlessID, "started")
		h.pass()
		h.tick(5 * time.Second)
		h.exit(id, reason)
		h.tick(4 * time.Second)
		assert.Equal(t, map[LossReason]uint64{want: 1}, h.orphans())
		assert.Equal(t, BasisProcessExit, h.lastRun().Basis)
		assert.InDelta(t, 5, h.lastRun().Duration().V.Seconds(), 1.1)
	}
}

// TestTwoHeadlessRuns: the first process has the first job.
func TestTwoHeadlessRuns(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{})
	first := h.runner("headless-run")
	h.pass()
	h.job("queued/"+headlessID, "started")
	h.pass()
	h.tick(3 * time.Second)
	second := h.runner("headless-run")
	h.job("queued/"+nextHeadlessID, "started")
	h.pass()
	h.tick(3 * time.Second)
	h.took()
	h.exit(second, ReasonKilled)
	h.tick(2 * time.Second)
	assert.Equal(t, []string{nextHeadlessID + ": running -> orphaned ended orphaned"}, transitions(h.took()))
	h.job("queued/"+headlessID, "completed")
	h.mv("queued/"+headlessID, "completed/"+headlessID)
	h.exit(first, "")
	h.tick(10 * time.Second)
	assert.Equal(t, []string{headlessID + ": running -> completed ended completed"}, transitions(h.took()))
}

// TestAKilledRunnerBesideAWebUI: Gradio says that the web UI's job runner was not called.
func TestAKilledRunnerBesideAWebUI(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{})
	h.webUI()
	h.calls("run_1", 3, 0)
	id := h.runner("job-run-all")
	h.pass()
	h.job("queued/nightly", "started")
	h.pass()
	h.tick(5 * time.Second)
	h.exit(id, ReasonKilled)
	h.tick(5 * time.Second)
	assert.Equal(t, "running 1", counts(h.queue()), "the web UI may have it")
	h.asked()
	h.tick(2 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonKilled: 1}, h.orphans())

	// Called since, it may.
	h.runner("job-run-all")
	h.job("queued/other", "started")
	h.pass()
	h.tick(6 * time.Second)
	h.calls("run_1", 4, 0)
	h.exit(h.evidence.Processes[len(h.evidence.Processes)-1].ProcessID, ReasonKilled)
	h.tick(time.Minute)
	assert.Equal(t, "running 1 orphaned 1", counts(h.queue()))
}

// TestSilenceAloneIsNoOrphan: a model is downloaded for minutes.
func TestSilenceAloneIsNoOrphan(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{StallAfter: time.Minute})
	h.evidence.CPU = is(0.0)
	h.webUI()
	h.asked()
	h.pass()
	h.job("queued/"+uiID, "started")
	h.pass()
	h.tick(10 * time.Minute)
	assert.Equal(t, "stalled 1", counts(h.queue()))
	assert.Empty(t, h.orphans())
}

// TestARunThatAUserStopped says in its file that it failed, as one that failed does.
func TestARunThatAUserStopped(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{})
	h.webUI()
	h.calls("stop", 1, 0)
	h.pass()
	run := func(id string) {
		h.job("queued/"+id, "started")
		h.pass()
		h.tick(3 * time.Second)
		h.took()
		h.job("queued/"+id, "failed")
		h.mv("queued/"+id, "failed/"+id)
		h.pass()
		h.tick(time.Second)
	}
	run(uiID)
	assert.Equal(t, "failed 1", counts(h.queue()))
	assert.Equal(t, []string{uiID + ": running -> failed"}, transitions(h.took()), "how it ended is not known yet")
	h.calls("stop", 2, 0)
	h.tick(time.Second)
	assert.Equal(t, []string{uiID + ": failed -> failed ended stopped"}, transitions(h.changes))
	assert.Equal(t, BasisStopCall, h.lastRun().Basis)
	run(nextUIID)
	assert.Len(t, h.took(), 1)
	h.advance(time.Second)
	h.asked()
	h.tick(time.Second)
	assert.Equal(t, []string{nextUIID + ": failed -> failed ended failed"}, transitions(h.took()))
	run("ui-2026-11-22-16-15-21")
	h.tick(settleFor)
	assert.Len(t, h.took(), 2, "Gradio was not asked again")
	assert.Equal(t, "failed 3", counts(h.queue()))
	assert.Equal(t, uint64(3), sumRuns(h.queue()))
}

func sumRuns(q *Queue) (n uint64) {
	for _, r := range q.Runs {
		n += r.Count
	}
	return n
}

// TestAnOrphanIsCountedOnceOverRestarts of the collector: a file that is seen again is no file that
// was written again.
func TestAnOrphanIsCountedOnceOverRestarts(t *testing.T) {
	t.Parallel()
	kept := recordStore{}
	h := newHarness(t, Settings{Load: kept.load})
	h.webUI()
	id := h.runner("headless-run")
	h.pass()
	h.job("queued/"+headlessID, "started")
	h.pass()
	h.tick(3 * time.Second)
	h.exit(id, ReasonKilled)
	h.tick(5 * time.Second)
	require.Equal(t, map[LossReason]uint64{ReasonKilled: 1}, h.orphans())
	h.took()
	for range 4 {
		h.kill(kept)
		h.tick(10 * time.Second)
		assert.Empty(t, h.took())
		assert.Equal(t, "orphaned 1", counts(h.queue()))
		assert.Equal(t, map[LossReason]uint64{ReasonKilled: 1}, h.orphans())
		assert.EqualValues(t, 1, sumRuns(h.queue()))
	}
}

// TestTheWindowOfExt4: while it truncates a file, its size is zero and its time still that of the
// version before.
func TestTheWindowOfExt4(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{}, "job-run-all")
	h.job("queued/a", "queued")
	h.pass()
	h.tick(time.Hour)
	h.took()
	info, err := os.Stat(h.file("queued/a"))
	require.NoError(t, err)
	require.NoError(t, os.Truncate(h.file("queued/a"), 0))
	require.NoError(t, os.Chtimes(h.file("queued/a"), info.ModTime(), info.ModTime()))
	h.pass()
	assert.Equal(t, "waiting 1", counts(h.queue()), "it is being written")
	h.job("queued/a", "started")
	h.pass()
	h.tick(5 * time.Second)
	h.job("queued/a", "completed")
	h.mv("queued/a", "completed/a")
	h.pass()
	assert.Equal(t, []string{"a: waiting -> running", "a: running -> completed ended completed"}, transitions(h.took()))
	assert.EqualValues(t, 1, sumRuns(h.queue()))
}

// TestTwoRunnersAtOnce: FaceFusion has no lock. The second crashes when the first has moved the
// file.
func TestTwoRunnersAtOnce(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{}, "job-run-all")
	h.job("queued/a", "started")
	h.pass()
	h.tick(3 * time.Second)
	second := h.runner("job-run-all")
	h.job("queued/a", "started")
	h.pass()
	h.tick(3 * time.Second)
	assert.Equal(t, 1, h.queue().Contended)
	h.job("queued/a", "completed")
	h.mv("queued/a", "completed/a")
	h.exit(second, ReasonException)
	h.pass()
	h.tick(10 * time.Second)
	assert.Equal(t, "completed/other/video 1 6.0s", finishedRuns(h.queue()))
	assert.Equal(t, "completed 1", counts(h.queue()))
}

// TestOldestAges: the oldest, not the youngest.
func TestOldestAges(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{})
	h.process(RoleServer, time.Second)
	h.runner("job-run-all")
	h.pass()
	begin := h.now
	for i, id := range []string{"a", "b", "c"} {
		h.job("queued/w"+id, "queued")
		h.job("queued/r"+id, "started")
		h.pass()
		if i < 2 {
			h.tick(10 * time.Second)
		}
	}
	assert.InDelta(t, 0, h.queue().OldestWaiting.V.Sub(begin).Seconds(), 0.1)
	assert.InDelta(t, 0, h.queue().OldestRunning.V.Sub(begin).Seconds(), 0.1)
}

// TestAProgramAroundFaceFusion starts a process for each request: the run is the process's, and the
// program lives on. One that calls FaceFusion's code has the run itself.
func TestAProgramAroundFaceFusion(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{})
	h.process(RoleService, time.Hour)
	id := h.runner("headless-run")
	h.pass()
	h.job("queued/"+headlessID, "started")
	h.pass()
	h.tick(3 * time.Second)
	h.exit(id, ReasonKilled)
	h.tick(2 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonKilled: 1}, h.orphans())

	h.job("queued/"+nextHeadlessID, "started")
	h.pass()
	h.tick(2 * time.Minute)
	assert.Equal(t, "running 1 orphaned 1", counts(h.queue()), "by nobody but the program")
	h.exit(h.evidence.Processes[0].ProcessID, ReasonOOMKilled)
	h.tick(2 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonKilled: 1, ReasonOOMKilled: 1}, h.orphans())
}

// TestTwoVersionsWithinOneStepOfTheClock have the same size and the same time: what is so fresh is
// read again.
func TestTwoVersionsWithinOneStepOfTheClock(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{}, "job-run-all")
	at := h.now
	text := h.text("a", "started", "queued")
	require.NoError(t, os.WriteFile(h.file("queued/a"), text, 0o600))
	require.NoError(t, os.Chtimes(h.file("queued/a"), at, at))
	h.pass()
	require.Equal(t, "running 1", counts(h.queue()))
	require.NoError(t, os.WriteFile(h.file("queued/a"), h.text("a", "queued", "started"), 0o600))
	require.NoError(t, os.Chtimes(h.file("queued/a"), at, at))
	info, err := os.Stat(h.file("queued/a"))
	require.NoError(t, err)
	require.Equal(t, int64(len(text)), info.Size())
	only := func() *job {
		for _, j := range h.watcher.folders[0].jobs {
			return j
		}
		return nil
	}
	// Nor does the time of its change differ, which nobody can set.
	st, err := jobsdir.Stat(rootAt(h.path), "/queued/a.json")
	require.NoError(t, err)
	only().stat = st
	h.pass()
	assert.Equal(t, jobfile.StatusStarted, only().doc.Steps[1].Status)
	assert.True(t, only().racy)
	h.advance(jobsdir.ClockStep)
	h.pass()
	assert.False(t, only().racy, "it cannot change any more without another time")
}

// TestGrowthIsMoreThanSize: a file that is written in place keeps its size, and one that is
// replaced as well.
func TestGrowthIsMoreThanSize(t *testing.T) {
	root := t.TempDir()
	at, s := Folder{Process: rootAt(root)}, &jobfile.PlannedStep{Target: "/in/clip.mp4", Output: "/out.mp4"}
	path := filepath.Join(root, "out.mp4")
	require.NoError(t, os.WriteFile(path, []byte("frames"), 0o600))
	sum := func() int64 { n, ok := stepFiles(&at, s, nil); require.True(t, ok); return n }
	first := sum()
	later := time.Now().Add(time.Minute)
	require.NoError(t, os.Chtimes(path, later, later))
	written := sum()
	assert.NotEqual(t, first, written, "written in place")
	require.NoError(t, os.WriteFile(path+".new", []byte("frames"), 0o600))
	require.NoError(t, os.Chtimes(path+".new", later, later))
	require.NoError(t, os.Rename(path+".new", path))
	assert.NotEqual(t, written, sum(), "replaced")
}

// TestAStepThatIsRunAgainIsCountedAgain, as a step of another attempt.
func TestAStepThatIsRunAgainIsCountedAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{})
	id := h.runner("job-run-all")
	h.pass()
	h.job("queued/a", "started")
	h.pass()
	h.tick(4 * time.Second)
	h.exit(id, ReasonKilled)
	h.tick(4 * time.Second)
	assert.Equal(t, "orphaned 1 4.0s", endedSteps(h.queue()))
	h.runner("job-run-all")
	h.job("queued/a", "started")
	h.pass()
	h.tick(7 * time.Second)
	h.job("queued/a", "completed")
	h.mv("queued/a", "completed/a")
	h.pass()
	assert.Equal(t, "completed 1 7.0s, orphaned 1 4.0s", endedSteps(h.queue()))
}

// TestHoldersThatEndedDifferently: whose run it was is not known, so neither is how it was lost.
func TestHoldersThatEndedDifferently(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ first, second, want LossReason }{
		"both killed":       {ReasonKilled, ReasonKilled, ReasonKilled},
		"one of each":       {ReasonKilled, ReasonException, ReasonGone},
		"the other order":   {ReasonException, ReasonKilled, ReasonGone},
		"one is not known":  {ReasonKilled, "", ReasonGone},
		"neither one known": {"", "", ReasonGone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := watching(t, Settings{StallAfter: time.Hour})
			first, second := h.runner("job-run-all"), h.runner("job-run-all")
			h.job("queued/a", "started")
			h.tick(5 * time.Second)
			h.exit(first, c.first)
			h.tick(5 * time.Second)
			require.Equal(t, 1, h.queue().Count(StateRunning))
			h.exit(second, c.second)
			h.tick(10 * time.Second)
			assert.Equal(t, map[LossReason]uint64{c.want: 1}, h.orphans())
		})
	}
}

// TestTheNextExceptionAfterARest: between two runs that are lost, what Gradio counts is accounted
// for, once.
func TestTheNextExceptionAfterARest(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour}, "run")
	h.calls("run", 0, 0)
	h.pass()
	for n, id := range []string{uiID, nextUIID, "ui-2026-11-22-16-15-21"} {
		h.job("queued/"+id, "started")
		h.tick(10 * time.Second)
		h.calls("run", int64(n+1), int64(n+1))
		h.tick(20 * time.Second)
		require.Equal(t, map[LossReason]uint64{ReasonException: uint64(n + 1)}, h.orphans())
		h.asked()
		h.tick(time.Minute)
	}
}

// TestTheNextJobOfAnotherWebUI: a second web UI beside the one that has the run takes a job of its
// own, which ends nobody else's.
func TestTheNextJobOfAnotherWebUI(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour}, "run")
	h.job("queued/"+uiID, "started")
	h.tick(20 * time.Second)
	h.webUI()
	h.tick(20 * time.Second)
	h.job("queued/"+nextUIID, "started")
	h.tick(20 * time.Second)
	assert.Equal(t, 2, h.queue().Count(StateRunning))
	assert.Empty(t, h.orphans())
}

// TestAProcessThatWasKilledAtOnce had been listed before its run was seen, and never after.
func TestAProcessThatWasKilledAtOnce(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	killed := h.runner("headless-run")
	h.tick(2 * time.Second)
	h.lag = 500 * time.Millisecond
	h.job("queued/"+headlessID, "started")
	h.pass()
	h.lag = 0
	h.exit(killed, ReasonKilled)
	h.tick(5 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonKilled: 1}, h.orphans())
}

// TestTheExceptionOfADeletedRun: FaceFusion raises one when the file of its job is gone, which
// Gradio counts when the next run is under way already.
func TestTheExceptionOfADeletedRun(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour}, "run")
	h.calls("run", 0, 0)
	h.pass()
	h.job("queued/"+uiID, "started")
	h.tick(10 * time.Second)
	require.NoError(t, os.Remove(h.file("queued/"+uiID)))
	h.tick(2 * time.Second)
	h.job("queued/"+nextUIID, "started")
	h.tick(10 * time.Second)
	h.calls("run", 2, 1)
	h.tick(20 * time.Second)
	assert.Equal(t, 1, h.queue().Count(StateRunning))
	assert.Empty(t, h.orphans())
	h.calls("run", 2, 2)
	h.tick(20 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonException: 1}, h.orphans(), "its own")
}

// TestAListOfProcessesFromBeforeTheRun says nothing about who has it.
func TestAListOfProcessesFromBeforeTheRun(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	h.lag = 3 * time.Minute
	h.job("queued/"+headlessID, "started")
	h.tick(150 * time.Second)
	assert.Equal(t, 1, h.queue().Count(StateRunning))
	h.lag = 0
	h.tick(5 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonGone: 1}, h.orphans())
}
