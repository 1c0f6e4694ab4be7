package jobqueue

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// TestAnOrphanIsCountedOnceOverRestarts of the collector: a file that is seen again is no file that
// was written again.
func TestAnOrphanIsCountedOnceOverRestarts(t *testing.T) {
	t.Parallel()
	kept := recordStore{}
	h := newHarness(t, Settings{Load: kept.load})
	h.webUI()
	id := h.run("headless-run", headlessID)
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

// TestARunnerThatDiesJustAfterTheCollectorBegan anew, before that lists any process: who has a run
// is known from before.
func TestARunnerThatDiesJustAfterTheCollectorBegan(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ command, job string }{
		"headless": {"headless-run", headlessID},
		"a queue":  {"job-run", "nightly"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept := recordStore{}
			h := watching(t, Settings{Load: kept.load, StallAfter: time.Hour}, "run")
			h.rest("run_1", 3)
			id := h.runner(c.command)
			h.tick(2 * time.Second)
			h.job("queued/"+c.job, "started")
			h.pass()
			kept.keep(h.watcher) // as the probe does after each look
			for range 3 {
				h.tick(time.Second)
				kept.keep(h.watcher)
			}
			h.kill(kept)
			h.exit(id, ReasonKilled)
			h.tick(10 * time.Second)
			h.asked()
			h.tick(5 * time.Second)
			assert.Equal(t, map[LossReason]uint64{ReasonKilled: 1}, h.orphans())
			assert.Equal(t, BasisProcessExit, h.lastRun().Basis)
		})
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
	h.end("a", "completed")
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
	h.end("a", "completed")
	h.exit(second, ReasonException)
	h.pass()
	h.tick(10 * time.Second)
	assert.Equal(t, "completed/other/video 1 6.0s", finishedRuns(h.queue()))
	assert.Equal(t, "completed 1", counts(h.queue()))
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

// TestAStepThatIsRunAgainIsCountedAgain, as a step of another attempt.
func TestAStepThatIsRunAgainIsCountedAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{})
	id := h.run("job-run-all", "a")
	h.tick(4 * time.Second)
	h.exit(id, ReasonKilled)
	h.tick(4 * time.Second)
	assert.Equal(t, "orphaned 1 4.0s", endedSteps(h.queue()))
	h.runner("job-run-all")
	h.job("queued/a", "started")
	h.pass()
	h.tick(7 * time.Second)
	h.end("a", "completed")
	h.pass()
	assert.Equal(t, "completed 1 7.0s, orphaned 1 4.0s", endedSteps(h.queue()))
}
