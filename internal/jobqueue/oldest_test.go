package jobqueue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

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
