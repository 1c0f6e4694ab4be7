package poll

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestObservesAtOnceAndOnEveryTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		l := New(time.Second, func(context.Context) error {
			at = append(at, time.Since(start))
			return nil
		})
		l.Start()
		time.Sleep(2500 * time.Millisecond)
		l.Stop()
		require.Equal(t, []time.Duration{0, time.Second, 2 * time.Second}, at)
		require.Equal(t, uint64(3), l.Health().Observations)
		require.Equal(t, start, l.Health().Started)
	})
}

// Loops that were started at different times tick together.
func TestTicksFallTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		ticks := make(map[time.Duration]int)
		observe := func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			ticks[time.Since(start)]++
			return nil
		}
		var loops []*Loop
		for range 3 {
			l := New(time.Second, observe)
			l.Start()
			loops = append(loops, l)
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(2200 * time.Millisecond)
		for _, l := range loops {
			l.Stop()
		}
		require.Equal(t, map[time.Duration]int{
			0: 1, 300 * time.Millisecond: 1, 600 * time.Millisecond: 1,
			time.Second: 3, 2 * time.Second: 3, 3 * time.Second: 3,
		}, ticks)
	})
}

// A wall clock that is slewed against the timer makes no tick twice.
func TestATickThatIsAllButHereIsTheOneBefore(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, time.Second, untilTick(at, time.Second))
	require.Equal(t, time.Second+time.Millisecond, untilTick(at.Add(-time.Millisecond), time.Second))
	require.Equal(t, 999*time.Millisecond, untilTick(at.Add(time.Millisecond), time.Second))
}

func TestNothingIsObservedAfterTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		l := New(time.Second, func(context.Context) error {
			if n++; n == 2 {
				return fmt.Errorf("found: %w", ErrDone)
			}
			return nil
		})
		l.Start()
		time.Sleep(time.Minute)
		l.Trigger()
		synctest.Wait()
		require.Equal(t, 2, n)
		require.Equal(t, uint64(2), l.Health().Observations)
		require.Zero(t, l.Health().Failures)
		l.Stop()
	})
}

func TestTriggerObservesNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		l := New(time.Hour, func(context.Context) error {
			at = append(at, time.Since(start))
			return nil
		})
		l.Start()
		time.Sleep(10 * time.Second)
		l.Trigger()
		l.Trigger()
		synctest.Wait()
		l.Stop()
		// The second trigger may come after the observation that the first one caused, or be merged
		// with it.
		require.Subset(t, []time.Duration{0, 10 * time.Second}, at)
		require.GreaterOrEqual(t, len(at), 2)
		require.LessOrEqual(t, len(at), 3)
	})
}

func TestHealthReportsFailureAndSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no /proc")
		n := 0
		l := New(time.Second, func(context.Context) error {
			n++
			if n == 2 {
				return broken
			}
			return nil
		})
		l.Start()
		first := time.Now()
		time.Sleep(1500 * time.Millisecond)
		h := l.Health()
		require.ErrorIs(t, h.Err, broken)
		require.Equal(t, uint64(1), h.Failures)
		require.Equal(t, first, h.LastSuccess)
		time.Sleep(time.Second)
		h = l.Health()
		require.NoError(t, h.Err)
		require.Equal(t, first.Add(2*time.Second), h.LastSuccess)
		l.Stop()
	})
}

func TestStopWaitsForTheObservationAndForgetsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		l := New(time.Second, func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			ended = true
			return ctx.Err()
		})
		l.Start()
		synctest.Wait()
		l.Stop()
		require.True(t, ended)
		require.Zero(t, l.Health().Observations)
		require.NoError(t, l.Health().Err)
	})
}

func TestStopUnstartedAndTwice(t *testing.T) {
	l := New(time.Second, func(context.Context) error { return nil })
	l.Stop()
	l.Start()
	l.Stop()
	l.Stop()
}

// The age is that of the oldest item, not of the last observation.
func TestTheAgeIsTheOldestItems(t *testing.T) {
	now := time.Now()
	h := LoopHealth{LastSuccess: now}
	h.Oldest(time.Time{})
	require.Equal(t, now, h.LastSuccess, "each was reached")
	h.Oldest(now.Add(-time.Minute))
	require.Equal(t, now.Add(-time.Minute), h.LastSuccess)
	h.Oldest(now)
	require.Equal(t, now.Add(-time.Minute), h.LastSuccess)
	h = LoopHealth{}
	h.Oldest(now)
	require.Zero(t, h.LastSuccess, "nothing went well yet")
}
