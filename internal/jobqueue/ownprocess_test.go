package jobqueue

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// twoHeadless are two headless runs that started half a second apart, two seconds ago. Their files
// are those of jobText, where there are any.
func twoHeadless(t *testing.T, oneOutput, otherOutput string) (h *harness, one, other ProcessID) {
	h = newHarness(t, Settings{StallAfter: time.Hour})
	h.pass()
	one = h.runner("headless-run")
	h.tick(500 * time.Millisecond)
	other = h.runner("headless-run")
	for i, output := range []string{oneOutput, otherOutput} {
		if p := &h.evidence.Processes[i]; output != "" {
			p.Target, p.Output = "/data/in/clip.mp4", output
		}
	}
	h.tick(2 * time.Second)
	return h, one, other
}

func (h *harness) headless(id string, statuses ...string) { h.job("queued/"+id, statuses...) }

func (h *harness) complete(id string, process ProcessID) {
	h.end(id, "completed")
	h.tick(time.Second)
	h.exit(process, "")
	h.tick(time.Second)
}

// TestOneHeadlessRunOvertakesAnother: the second to start is the first to come to its job. No run
// is reported as lost because of that, whichever ends first, and one that is lost is reported with
// its reason.
func TestOneHeadlessRunOvertakesAnother(t *testing.T) {
	t.Parallel()
	t.Run("ends before the other comes", func(t *testing.T) {
		t.Parallel()
		h, one, other := twoHeadless(t, "", "")
		h.headless(headlessID, "started")
		h.tick(3 * time.Second)
		h.complete(headlessID, other)
		h.tick(5 * time.Second)
		h.headless(nextHeadlessID, "started")
		h.tick(2 * time.Minute)
		assert.Empty(t, h.orphans())
		h.complete(nextHeadlessID, one)
		h.tick(10 * time.Second)
		assert.Equal(t, "completed 2", counts(h.queue()))
		assert.EqualValues(t, 2, sumRuns(h.queue()))
	})
	t.Run("ends while the other runs", func(t *testing.T) {
		t.Parallel()
		h, one, other := twoHeadless(t, "", "")
		h.headless(headlessID, "started")
		h.tick(3 * time.Second)
		h.headless(nextHeadlessID, "started")
		h.tick(3 * time.Second)
		h.complete(headlessID, other)
		h.tick(2 * time.Minute)
		assert.Empty(t, h.orphans())
		h.complete(nextHeadlessID, one)
		h.tick(10 * time.Second)
		assert.Equal(t, "completed 2", counts(h.queue()))
	})
	t.Run("is killed", func(t *testing.T) {
		t.Parallel()
		h, one, other := twoHeadless(t, "", "")
		h.headless(headlessID, "started")
		h.tick(3 * time.Second)
		h.headless(nextHeadlessID, "started")
		h.tick(3 * time.Second)
		h.exit(other, ReasonKilled)
		h.tick(20 * time.Second)
		assert.Empty(t, h.orphans(), "it may have been either's")
		h.complete(nextHeadlessID, one)
		h.tick(10 * time.Second)
		assert.Equal(t, map[LossReason]uint64{ReasonKilled: 1}, h.orphans())
		assert.EqualValues(t, 2, sumRuns(h.queue()))
	})
}

// TestTheCommandLineSaysWhoseAJobIs: the second to start has the files of the first job, and is
// killed.
func TestTheCommandLineSaysWhoseAJobIs(t *testing.T) {
	t.Parallel()
	h, one, other := twoHeadless(t, "/data/out", "/data/out/clip.mp4")
	h.headless(headlessID, "started")
	h.tick(3 * time.Second)
	assert.Equal(t, []ProcessID{other}, h.watcher.folders[0].jobs[fileKey{1, headlessID + ".json"}].attempt.claim.holders)
	h.exit(other, ReasonKilled)
	h.tick(3 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonKilled: 1}, h.orphans())
	h.headless(nextHeadlessID, "started")
	h.tick(3 * time.Second)
	assert.Equal(t, []ProcessID{one}, h.watcher.folders[0].jobs[fileKey{1, nextHeadlessID + ".json"}].attempt.claim.holders, "its output may be in a folder that it was given")
}

// TestAJobThatSaysNoOutput is its process's all the same, not the program's that lives on beside
// it.
func TestAJobThatSaysNoOutput(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	h.process(RoleService, time.Hour)
	id := h.runner("headless-run")
	p := &h.evidence.Processes[len(h.evidence.Processes)-1]
	p.Target, p.Output = "/data/in/clip.mp4", "/data/out/clip.mp4"
	h.tick(2 * time.Second)
	text := strings.ReplaceAll(string(h.text(headlessID, "started")), `"output_path"`, `"another"`)
	h.write("queued/"+headlessID, []byte(text))
	h.tick(15 * time.Second)
	h.exit(id, ReasonKilled)
	h.tick(5 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonKilled: 1}, h.orphans())
}

// TestTheCommandLineOfAnotherTarget is no sign of this job, whoever is left.
func TestTheCommandLineOfAnotherTarget(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	h.runner("headless-run")
	h.evidence.Processes[0].Target, h.evidence.Processes[0].Output = "/data/in/other.mp4", "/data/out/clip.mp4"
	h.tick(2 * time.Second)
	h.headless(headlessID, "started")
	h.tick(longAgo + 5*time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonGone: 1}, h.orphans())
}

// TestARunThatDiesBeforeTheProcessesAreListed: how its process ended is known seconds later.
func TestARunThatDiesBeforeTheProcessesAreListed(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	process := h.runner("headless-run")
	h.tick(2 * time.Second)
	h.lag = time.Second
	h.headless(headlessID, "started")
	h.pass()
	h.hide(process)
	h.lag = 0
	h.tick(2 * time.Second)
	h.exit(process, ReasonKilled)
	h.tick(2 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonKilled: 1}, h.orphans())
}

// TestTheProcessOfTheRunBefore is still listed when the next one comes to its job, and how it ended
// is known late: it is the next one's job all the same.
func TestTheProcessOfTheRunBefore(t *testing.T) {
	t.Parallel()
	h := watching(t, Settings{StallAfter: time.Hour})
	before := h.runner("headless-run")
	h.tick(overtakesWithin + 2*time.Second)
	process := h.runner("headless-run")
	h.tick(2 * time.Second)
	h.lag = time.Second
	h.headless(headlessID, "started")
	h.pass()
	h.hide(before)
	h.lag = 0
	h.tick(2 * time.Second)
	h.exit(before, ReasonException)
	h.tick(2 * time.Minute)
	assert.Empty(t, h.orphans())
	h.complete(headlessID, process)
	h.tick(5 * time.Second)
	assert.Equal(t, "completed 1", counts(h.queue()))
}

// TestTheProcessOfARunIsListedLate on a busy host, where another headless run is at work that was
// given another output: that one is not taken for it.
func TestTheProcessOfARunIsListedLate(t *testing.T) {
	t.Parallel()
	h, own, other := twoHeadless(t, "/data/out/clip.mp4", "/data/out/other.mp4")
	late := h.hide(own)
	h.job("queued/"+headlessID, "started")
	h.tick(4 * time.Second)
	h.exit(other, ReasonKilled)
	h.tick(time.Second)
	assert.Empty(t, h.orphans())
	h.evidence.Processes = append(h.evidence.Processes, late)
	h.tick(5 * time.Second)
	assert.Empty(t, h.orphans())
	h.exit(own, ReasonOOMKilled)
	h.tick(3 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonOOMKilled: 1}, h.orphans())
}

// TestARunJustBeforeTheCollectorIsStopped: its process dies while no collector is there, and before
// anything was known but that it lived. The program beside it has not the run.
func TestARunJustBeforeTheCollectorIsStopped(t *testing.T) {
	t.Parallel()
	kept := recordStore{}
	h := watching(t, Settings{Load: kept.load, StallAfter: time.Hour})
	h.process(RoleService, time.Hour)
	id := h.runner("headless-run")
	h.tick(2 * time.Second)
	h.lag = 500 * time.Millisecond
	h.job("queued/"+headlessID, "started")
	h.pass()
	h.lag = 0
	h.kill(kept)
	h.hide(id)
	h.advance(10 * time.Second)
	h.tick(15 * time.Second)
	assert.Equal(t, map[LossReason]uint64{ReasonGone: 1}, h.orphans())
}
