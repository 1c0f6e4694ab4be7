package jobqueue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

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
		h.end(id, "failed")
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
