package jobqueue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
)

// These tests are what deliberate breaks of the evidence survived.

// hide takes a process off the list, and nobody says how it ended.
func (h *harness) hide(id ProcessID) (hidden LiveProcess) {
	var left []LiveProcess
	for _, p := range h.evidence.Processes {
		if p.ProcessID == id {
			hidden = p
		} else {
			left = append(left, p)
		}
	}
	h.evidence.Processes = left
	return hidden
}

// TestTheExitOfAnotherProcessOfThatPID says nothing of the one that has the run.
func TestTheExitOfAnotherProcessOfThatPID(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	h.evidence.Exits = []Exit{{PID: h.pids + 1, Time: h.now, Reason: ReasonException}}
	h.tick(20 * time.Second)
	runner := h.runner("headless-run")
	h.job("queued/"+headlessID, "started")
	h.tick(5 * time.Second)
	h.hide(runner)
	h.tick(10 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonGone: 1}, h.orphans())
}

// TestARetryBeforeGradioWasAsked: whether the run that failed was stopped is not known yet when its
// job is retried. Both runs are counted.
func TestARetryBeforeGradioWasAsked(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour}, "run")
	h.calls("run_1", 0, 0)
	h.pass()
	h.job("queued/mine", "started")
	h.tick(5 * time.Second)
	h.end("mine", "failed")
	h.tick(2 * time.Second)
	require.Empty(t, h.queue().Runs, "it is not known yet")
	h.job("failed/mine", "queued")
	h.mv("failed/mine", "queued/mine")
	h.tick(2 * time.Second)
	h.job("queued/mine", "started")
	h.tick(5 * time.Second)
	h.end("mine", "completed")
	h.tick(40 * time.Second)
	require.Len(t, h.queue().Runs, 2)
	for i, outcome := range []Outcome{OutcomeCompleted, OutcomeFailed} {
		assert.Equal(t, RunKey{outcome, jobfile.OriginOther, jobfile.MediaVideo}, h.queue().Runs[i].RunKey)
		assert.Equal(t, uint64(1), h.queue().Runs[i].Count)
	}
}

// TestAKilledRunnerBelowAService: the service lives, and only starts FaceFusion's own processes.
func TestAKilledRunnerBelowAService(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{StallAfter: time.Hour})
	h.lives(RoleService, "")
	h.pass()
	runner := h.runner("job-run")
	h.job("queued/mine", "started")
	h.tick(5 * time.Second)
	h.exit(runner, ReasonKilled)
	h.tick(5 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonKilled: 1}, h.orphans())
}

// TestAListThatMissesAProcessOnce: for how long it has been gone is counted anew when it is missed
// again.
func TestAListThatMissesAProcessOnce(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	runner := h.runner("job-run")
	h.job("queued/mine", "started")
	h.tick(5 * time.Second)
	for range 2 {
		hidden := h.hide(runner)
		h.tick(2 * time.Second)
		require.Empty(t, h.orphans())
		h.evidence.Processes = append(h.evidence.Processes, hidden)
		h.tick(time.Minute)
		require.Empty(t, h.orphans())
	}
	h.hide(runner)
	h.tick(goneFor + 2*time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonGone: 1}, h.orphans())
}
