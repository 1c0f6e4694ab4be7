package gpu

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAnXIDAsksForALook at once, and a storm of them for twenty each second.
func TestAnXIDAsksForALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan time.Duration, 100)
		start := time.Now()
		x := &xids{}
		x.hint.ask = func() { asked <- time.Since(start) }
		x.register("GPU-1", start)
		came := func() { x.count(XIDEvent{UUID: "GPU-1", Code: 79}, time.Now()) }
		came()
		require.Equal(t, time.Duration(0), <-asked)
		came()
		require.Empty(t, asked, "the look that was asked for will tell of both")
		require.Len(t, x.tell(nil), 2)

		looks := 0
		for range 1000 { // a look follows each request
			came()
			select {
			case <-asked:
				looks++
				x.tell(nil)
			default:
			}
			time.Sleep(time.Millisecond)
		}
		require.InDelta(t, time.Second/xidHintSpacing, looks, 2)
	})
}
