package jobqueue

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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

// TestGradioIsAskedWhenARunFallsSilent, and once: its statistics are up to 15 seconds old.
func TestGradioIsAskedWhenARunFallsSilent(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{StallAfter: time.Hour})
	h.webUI()
	h.asked()
	h.pass()
	h.job("queued/"+uiID, "started")
	h.pass()
	h.tick(ownQuietFor - time.Second)
	assert.False(t, h.queue().AwaitsCalls, "it has just moved")
	h.tick(2 * time.Second)
	assert.True(t, h.queue().AwaitsCalls)
	h.asked()
	h.tick(time.Second)
	assert.False(t, h.queue().AwaitsCalls, "it was asked")
	h.tick(time.Minute)
	assert.False(t, h.queue().AwaitsCalls, "it was asked of this silence")

	h.job("queued/"+uiID, "completed")
	h.tick(ownQuietFor + time.Second)
	assert.True(t, h.queue().AwaitsCalls, "the next silence")
	h.tick(settleFor)
	assert.False(t, h.queue().AwaitsCalls, "a web UI that does not answer is not asked on and on")
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
	h.end(uiID, "completed")
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
