package jobqueue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDoors(t *testing.T) {
	server, headless, batch, all, unknown := LiveProcess{Role: RoleServer, Command: "run"}, LiveProcess{Role: RoleRunner, Command: "headless-run"},
		LiveProcess{Role: RoleRunner, Command: "batch-run"}, LiveProcess{Role: RoleRunner, Command: "job-run-all"}, LiveProcess{Role: RoleRunner}
	for _, c := range []struct {
		door door
		want []bool
	}{
		{doorQueue, []bool{true, false, false, true, true}},
		{doorInstant, []bool{true, false, false, false, false}},
		{doorHeadless, []bool{false, true, false, false, true}},
		{doorBatch, []bool{false, false, true, false, true}},
	} {
		for i, p := range []LiveProcess{server, headless, batch, all, unknown} {
			assert.Equal(t, c.want[i], c.door.lets(&p), "%d %s", c.door, p.Command)
		}
		assert.False(t, c.door.lets(&LiveProcess{Role: "admin"}))
		assert.False(t, c.door.lets(&LiveProcess{Role: "downloader"}))
	}
}

func TestClaims(t *testing.T) {
	seen := time.Now()
	started := func(pid int, before time.Duration) LiveProcess {
		return LiveProcess{ProcessID: ProcessID{PID: pid}, Role: RoleRunner, Started: seen.Add(-before)}
	}
	listing := func(after time.Duration, processes ...LiveProcess) *folderEvidence {
		return &folderEvidence{listed: seen.Add(after), processes: processes}
	}
	free := func(ProcessID) bool { return false }
	c := claim{seen: seen}
	c.resolve(doorQueue, &folderEvidence{processes: []LiveProcess{started(1, time.Hour)}}, seen, free)
	assert.Empty(t, c.holders, "when they were listed is not known")
	c.resolve(doorQueue, listing(0, started(2, -startSlack-1), started(3, -startSlack)), seen, free)
	assert.Equal(t, []ProcessID{{PID: 3}}, c.holders, "one that started later has not started the run")
	assert.False(t, c.resolved, "a process is found a moment after it started")
	c.resolve(doorQueue, listing(claimGrace, started(1, time.Minute), started(4, time.Hour)), seen, free)
	assert.Equal(t, []ProcessID{{PID: 3}, {PID: 4}, {PID: 1}}, c.holders)
	assert.True(t, c.resolved)
	c.resolve(doorQueue, listing(time.Minute, started(5, time.Hour)), seen, free)
	assert.Len(t, c.holders, 3)

	own := claim{seen: seen}
	own.resolve(doorHeadless, listing(time.Millisecond, started(7, time.Second), started(6, time.Minute), started(8, time.Hour)), seen, func(id ProcessID) bool { return id.PID == 8 })
	assert.Equal(t, []ProcessID{{PID: 6}}, own.holders, "the first to start that has no job")
	assert.True(t, own.resolved)

	// A step of the host's clock between the two changes no age.
	stepped := claim{seen: seen}
	old := started(9, -time.Hour+time.Minute)
	stepped.resolve(doorQueue, &folderEvidence{listed: time.Now().Add(time.Hour), processes: []LiveProcess{old}}, seen, free)
	assert.Empty(t, stepped.holders)
}

// TestAKilledHeadlessRunBesideAnIdleWebUI is lost with its process, whatever else lives.
func TestAKilledHeadlessRunBesideAnIdleWebUI(t *testing.T) {
	t.Parallel()
	for reason, want := range map[LossReason]LossReason{ReasonKilled: ReasonKilled, ReasonOOMKilled: ReasonOOMKilled, ReasonException: ReasonException, "": ReasonGone} {
		h := newHarness(t, Settings{})
		h.webUI()
		id := h.run("headless-run", headlessID)
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
	first := h.run("headless-run", headlessID)
	h.tick(3 * time.Second)
	second := h.runner("headless-run")
	h.job("queued/"+nextHeadlessID, "started")
	h.pass()
	h.tick(3 * time.Second)
	h.took()
	h.exit(second, ReasonKilled)
	h.tick(2 * time.Second)
	assert.Equal(t, []string{nextHeadlessID + ": running -> orphaned ended orphaned"}, transitions(h.took()))
	h.end(headlessID, "completed")
	h.exit(first, "")
	h.tick(10 * time.Second)
	assert.Equal(t, []string{headlessID + ": running -> completed ended completed"}, transitions(h.took()))
}

// TestAKilledRunnerBesideAWebUI: Gradio says that the web UI's job runner was not called.
func TestAKilledRunnerBesideAWebUI(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{})
	h.webUI()
	h.rest("run_1", 3)
	id := h.run("job-run-all", "nightly")
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

// TestAProgramAroundFaceFusion starts a process for each request: the run is the process's, and the
// program lives on. One that calls FaceFusion's code has the run itself.
func TestAProgramAroundFaceFusion(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{})
	h.process(RoleService, time.Hour)
	id := h.run("headless-run", headlessID)
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

// TestRunnersThatNameTheirJob: each has its own, however many live. One that was told a name
// that FaceFusion has changed may have any.
func TestRunnersThatNameTheirJob(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	start := func(job string) ProcessID {
		id := h.runner("job-run")
		h.evidence.Processes[len(h.evidence.Processes)-1].Job = job
		return id
	}
	first, second, third := start("a"), start("b"), start("c d")
	h.job("queued/a", "started")
	h.job("queued/b", "started")
	h.job("queued/c_d", "started")
	h.tick(5 * time.Second)
	h.took()
	h.exit(first, ReasonOOMKilled)
	h.tick(2 * time.Second)
	assert.Equal(t, []string{"a: running -> orphaned ended orphaned"}, transitions(h.took()))
	assert.Equal(t, map[LossReason]uint64{ReasonOOMKilled: 1}, h.orphans())
	h.exit(third, ReasonKilled)
	h.tick(2 * time.Second)
	assert.Equal(t, []string{"c_d: running -> orphaned ended orphaned"}, transitions(h.took()))
	h.end("b", "completed")
	h.exit(second, "")
	h.tick(5 * time.Second)
	assert.Equal(t, []string{"b: running -> completed ended completed"}, transitions(h.took()))
}

// TestARunnerThatDiesWithinTheFirstSecond of its run had the run, not the program that started it
// and lives on.
func TestARunnerThatDiesWithinTheFirstSecond(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour}, "run")
	h.process(RoleService, time.Hour)
	id := h.runner("job-run")
	h.rest("run_1", 3)
	h.job("queued/a", "started")
	h.pass()
	h.advance(500 * time.Millisecond)
	h.exit(id, ReasonKilled)
	h.tick(10 * time.Second)
	h.asked()
	h.tick(5 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonKilled: 1}, h.orphans())
}

// TestOneCallForTheWholeQueue: the job runner of a web UI runs all that waits in one call. What it
// comes to later is its all the same, though a runner lives beside it.
func TestOneCallForTheWholeQueue(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour}, "run")
	h.rest("run_1", 3)
	h.calls("run_1", 4, 0)
	h.job("queued/a", "started")
	h.tick(10 * time.Second)
	h.asked()
	h.tick(10 * time.Second)
	h.end("a", "completed")
	id := h.runner("job-run")
	h.pass()
	h.job("queued/b", "started")
	for range 5 {
		h.asked()
		h.tick(10 * time.Second)
	}
	h.exit(id, ReasonKilled)
	for range 20 {
		h.asked()
		h.tick(10 * time.Second)
	}
	assert.Equal(t, "running 1 completed 1", counts(h.queue()))
	assert.Empty(t, h.orphans())
}

// TestALayoutWithoutAnInstantRunner: its job runner is called "run".
func TestALayoutWithoutAnInstantRunner(t *testing.T) {
	t.Parallel()
	for calls, want := range map[int64]string{7: "running 1", 6: "orphaned 1"} {
		h := watching(t, Settings{StallAfter: time.Hour}, "run")
		h.rest("run", 6)
		id := h.runner("job-run")
		h.pass()
		h.job("queued/a", "started")
		h.calls("run", calls, 0)
		h.tick(10 * time.Second)
		h.asked()
		h.tick(10 * time.Second)
		h.exit(id, ReasonKilled)
		h.tick(10 * time.Second)
		assert.Equal(t, want, counts(h.queue()), calls)
	}
}

// TestARunnerThatNobodySaw: on a busy host one may have come and gone before it was listed. The web
// UI that was not called has not its run.
func TestARunnerThatNobodySaw(t *testing.T) {
	t.Parallel()
	for calls, want := range map[int64]map[LossReason]uint64{3: {ReasonGone: 1}, 4: {}} {
		h := watching(t, Settings{StallAfter: time.Hour}, "run")
		h.rest("run_1", 3)
		h.job("queued/a", "started")
		for range 3 {
			h.calls("run_1", calls, 0)
			h.tick(15 * time.Second)
		}
		assert.Equal(t, "running 1", counts(h.queue()))
		h.asked()
		h.tick(30 * time.Second)
		assert.Equal(t, want, h.orphans(), calls)
	}
}
