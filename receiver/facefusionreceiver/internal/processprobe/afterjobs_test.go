package processprobe

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// TestProcessesAreListedWhenARunBegins: whoever dies of it within a second was never seen. However
// many runs begin, they are listed four times a second at most.
func TestProcessesAreListedWhenARunBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, _ := probetest.Env()
		p := New(NewDefaultConfig(), nil, env)
		passes := 0
		p.loop = poll.New(time.Hour, func(context.Context) error { passes++; return nil })
		p.loop.Start()
		defer p.loop.Stop()
		passesAfter := func(begun bool) int {
			before := passes
			env.Snapshots.Jobs.Publish(&snapshots.Jobs{Begun: begun})
			synctest.Wait()
			return passes - before
		}
		synctest.Wait()
		assert.Zero(t, passesAfter(false), "none begins")
		assert.Equal(t, 1, passesAfter(true))
		listed := 0
		for range 40 { // in 4 seconds
			time.Sleep(100 * time.Millisecond)
			listed += passesAfter(true)
		}
		assert.InDelta(t, 4*time.Second/listAgainAfter, listed, 3)
	})
}
