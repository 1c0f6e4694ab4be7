package xid

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// An XID requests a pass at once; a storm of XIDs requests at most twenty per second.
func TestAnXIDAsksForAPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan time.Duration, 100)
		start := time.Now()
		tracker := NewCounter(func() { asked <- time.Since(start) })
		tracker.Register("GPU-1", start)
		came := func() { tracker.addDriverReport(DriverReport{UUID: "GPU-1", Code: 79}, time.Now()) }
		came()
		require.Equal(t, time.Duration(0), <-asked)
		came()
		require.Empty(t, asked, "the pass that was asked for will take both")
		events, _ := tracker.TakeEvents()
		require.Len(t, events, 2)

		passes := 0
		for range 1000 { // a pass follows each request
			came()
			select {
			case <-asked:
				passes++
				tracker.TakeEvents()
			default:
			}
			time.Sleep(time.Millisecond)
		}
		require.InDelta(t, time.Second/hintSpacing, passes, 2)
	})
}
