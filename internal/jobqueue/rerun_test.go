package jobqueue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
)

// TestASlowRunnerAndASecondOne: nothing of the job was seen to move for minutes, but a runner that
// lives has not lost it. So it is one run, at which two are.
func TestASlowRunnerAndASecondOne(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{StallAfter: time.Hour})
	h.pass()
	h.runner("job-run-all")
	h.job("queued/slow", "started")
	h.tick(2 * time.Minute)
	second := h.runner("job-run-all")
	h.tick(2 * time.Second)
	h.job("queued/slow", "started")
	h.tick(5 * time.Second)
	assert.Empty(t, h.queue().Runs)
	h.job("queued/slow", "completed")
	h.mv("queued/slow", "completed/slow")
	h.exit(second, ReasonException)
	h.tick(5 * time.Second)
	assert.Len(t, h.queue().Runs, 1)
	assert.Equal(t, RunKey{OutcomeCompleted, jobfile.OriginOther, jobfile.MediaVideo}, h.queue().Runs[0].RunKey)
	assert.True(t, h.lastRun().Contended)
	assert.Empty(t, h.orphans())
}

// TestALostJobOfAWebUIIsRunAgain: a web UI lives on when it has lost a job, so that whoever takes
// it then begins another run.
func TestALostJobOfAWebUIIsRunAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{StallAfter: time.Hour})
	h.pass()
	h.webUI()
	h.job("queued/lost", "started")
	h.tick(2 * time.Minute)
	h.runner("job-run")
	h.tick(2 * time.Second)
	h.job("queued/lost", "started")
	h.tick(5 * time.Second)
	assert.Len(t, h.queue().Runs, 1)
	assert.Equal(t, OutcomeOrphaned, h.queue().Runs[0].Outcome)
	assert.Equal(t, 1, h.queue().Count(StateRunning))
}
