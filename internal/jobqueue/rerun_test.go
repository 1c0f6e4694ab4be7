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
	h := watching(t, Settings{StallAfter: time.Hour})
	h.runner("job-run-all")
	h.job("queued/slow", "started")
	h.tick(2 * time.Minute)
	second := h.runner("job-run-all")
	h.tick(2 * time.Second)
	h.job("queued/slow", "started")
	h.tick(5 * time.Second)
	assert.Empty(t, h.queue().Runs)
	h.end("slow", "completed")
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
	h := watching(t, Settings{StallAfter: time.Hour})
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

// TestTheOtherRunnerTakesALostJob: two runners that started together work on two jobs, one dies of
// the other, and the other comes to its job. Which of them had it shows then: a runner goes through
// the queue once.
func TestTheOtherRunnerTakesALostJob(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	one := h.runner("job-run-all")
	h.runner("job-run-all")
	h.tick(2 * time.Second)
	h.job("queued/first", "started")
	h.tick(3 * time.Second)
	began := h.now
	h.exit(one, ReasonException)
	h.tick(5 * time.Second)
	assert.Empty(t, h.orphans(), "it may be the other's")
	h.job("queued/first", "started")
	h.tick(5 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonException: 1}, h.orphans())
	lost := h.changes[len(h.changes)-2].Run
	assert.Equal(t, OutcomeOrphaned, lost.Outcome)
	assert.Equal(t, began, lost.Ended.V, "when its process exited")
	h.end("first", "completed")
	h.tick(5 * time.Second)
	assert.Equal(t, 5.0, h.lastRun().Duration().V.Round(time.Second).Seconds())
	assert.EqualValues(t, 2, sumRuns(h.queue()))
	assert.False(t, h.lastRun().Contended)
}

// TestARunnerThatDiesOfTheOther: both are at one job, and one dies of it before anybody looks.
func TestARunnerThatDiesOfTheOther(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	one := h.runner("job-run-all")
	h.tick(2 * time.Second)
	h.job("queued/first", "started")
	h.tick(3 * time.Second)
	h.runner("job-run-all")
	h.tick(3 * time.Second)
	h.job("queued/first", "started")
	h.pass()
	h.advance(200 * time.Millisecond)
	h.exit(one, ReasonException)
	h.tick(3 * time.Second)
	assert.Equal(t, 1, h.queue().Contended)
	h.end("first", "completed")
	h.tick(5 * time.Second)
	assert.Empty(t, h.orphans())
	assert.EqualValues(t, 1, sumRuns(h.queue()))
	assert.True(t, h.lastRun().Contended)
}

// TestARerunThatEndsAtOnce: it is over before the processes are listed again.
func TestARerunThatEndsAtOnce(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	h.webUI()
	h.job("queued/lost", "started")
	h.tick(2 * time.Minute)
	h.runner("job-run")
	h.tick(2 * time.Second)
	h.job("queued/lost", "started")
	h.pass()
	h.end("lost", "completed")
	h.tick(5 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonSuperseded: 1}, h.orphans())
	assert.EqualValues(t, 2, sumRuns(h.queue()))
}

// TestARunnerThatStartsWithARun is not the one that has it: FaceFusion takes seconds from its start
// to its first job.
func TestARunnerThatStartsWithARun(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	one := h.runner("job-run-all")
	h.tick(2 * time.Second)
	h.job("queued/first", "started")
	h.process(RoleRunner, 0)
	h.pass()
	h.tick(3 * time.Second)
	h.exit(one, ReasonException)
	h.tick(3 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonException: 1}, h.orphans())
}

// TestASecondRunnerAtAJobThatIsBeingJoined: the step has ended, and its output is not joined yet.
func TestASecondRunnerAtAJobThatIsBeingJoined(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	one := h.runner("job-run-all")
	second := h.runner("job-run-all")
	h.tick(2 * time.Second)
	h.job("queued/first", "started")
	h.tick(3 * time.Second)
	h.job("queued/first", "completed")
	h.pass()
	h.job("queued/first", "started")
	h.tick(3 * time.Second)
	assert.Equal(t, 1, h.queue().Contended)
	h.exit(second, ReasonException)
	h.end("first", "completed")
	h.exit(one, "")
	h.tick(5 * time.Second)
	assert.Empty(t, h.orphans())
	assert.EqualValues(t, 1, sumRuns(h.queue()))
}
