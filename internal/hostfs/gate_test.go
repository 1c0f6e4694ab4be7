package hostfs

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	dead  = DeviceKey{Device: "0:53", Share: true}
	alive = DeviceKey{Device: "8:1", Owner: "eve"}
)

func answer(g *Gate, key DeviceKey, owner string) (int, error) {
	return Do(g, key, owner, func() (int, error) { return 7, nil })
}

// TestAShareThatHangsIsAskedOnce: whoever asks waits once, then nobody waits or asks until it has
// answered, and nothing else waits at all.
func TestAShareThatHangsIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Settings{})
		release := make(chan struct{})
		var asked atomic.Int64
		hang := func() (int, error) {
			asked.Add(1)
			<-release
			return 1, nil
		}
		begin := time.Now()
		_, err := Do(g, dead, "eve", hang)
		require.ErrorIs(t, err, ErrPending)
		require.Equal(t, defaultPatience, time.Since(begin))
		for range 100 {
			_, err = Do(g, dead, "bob", hang)
			require.ErrorIs(t, err, ErrPending)
			n, err := answer(g, alive, "eve")
			require.NoError(t, err)
			require.Equal(t, 7, n)
		}
		require.Equal(t, defaultPatience, time.Since(begin))
		require.Empty(t, g.Unresponsive())

		time.Sleep(defaultDeadline)
		_, err = Do(g, dead, "bob", hang)
		require.ErrorIs(t, err, ErrUnresponsive)
		require.Equal(t, []Hanging{{Key: dead, Since: begin}}, g.Unresponsive())
		require.Equal(t, int64(1), asked.Load())

		close(release)
		synctest.Wait()
		require.Empty(t, g.Unresponsive())
		n, err := Do(g, dead, "eve", hang)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

// TestOnlyItsOwnerPays: who has shares that hang without end gets no other, and takes no thread of
// anybody else, up to a bound of all together whose last part is kept for those who have none yet.
func TestOnlyItsOwnerPays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Settings{MaxHanging: 2})
		release := make(chan struct{})
		var running atomic.Int64
		hang := func() (int, error) {
			running.Add(1)
			<-release
			return 0, nil
		}
		for owner := range 20 {
			for device := range 5 {
				_, err := Do(g, DeviceKey{Device: fmt.Sprint(device, owner), Share: true}, fmt.Sprint(owner), hang)
				require.Error(t, err)
				allowed := 2
				switch {
				case owner >= 9:
					allowed = 0
				case owner >= 7:
					allowed = 1
				}
				require.Equal(t, device >= allowed, errors.Is(err, ErrTooMany), "%d %d", owner, device)
			}
		}
		require.Equal(t, int64(8*2), running.Load(), "however many owners there are")
		close(release)
		synctest.Wait()
		_, err := answer(g, alive, "eve")
		require.NoError(t, err)
	})
}

// TestAnAccessInFlight is taken up by the pass that finds it done.
func TestAnAccessInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Settings{})
		result := 0
		call, err := g.Start(dead, "eve", func() {
			time.Sleep(time.Second)
			result = 1
		})
		require.NoError(t, err)
		require.ErrorIs(t, g.Wait(call), ErrPending)
		require.ErrorIs(t, g.Wait(call), ErrPending)
		_, err = g.Start(dead, "eve", func() {})
		require.ErrorIs(t, err, ErrPending)
		time.Sleep(time.Second)
		require.True(t, call.Done())
		require.NoError(t, g.Wait(call))
		require.Equal(t, 1, result)
	})
}

// TestManyAccesses: a local device that answers is not unresponsive, however long the work between
// its answers takes. A share that is slow is, and a local device that does not answer any more.
func TestManyAccesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Settings{})
		many := func(key DeviceKey) *PendingAccess {
			call, err := g.StartMany(key, key.Device, func(answered func()) {
				for range 10 {
					time.Sleep(time.Second)
					answered()
				}
				time.Sleep(defaultDeadline + 2*time.Second) // it hangs
			})
			require.NoError(t, err)
			return call
		}
		local, share := many(alive), many(dead)
		time.Sleep(defaultDeadline + 4500*time.Millisecond)
		require.ErrorIs(t, g.Wait(local), ErrPending)
		require.ErrorIs(t, g.Wait(share), ErrUnresponsive)
		require.Len(t, g.Unresponsive(), 1)
		require.Equal(t, dead, g.Unresponsive()[0].Key)
		_, err := answer(g, alive, "eve")
		require.ErrorIs(t, err, ErrPending)
		time.Sleep(defaultDeadline + time.Second)
		require.ErrorIs(t, g.Wait(local), ErrUnresponsive)
		require.Len(t, g.Unresponsive(), 2)
		_, err = answer(g, alive, "eve")
		require.ErrorIs(t, err, ErrUnresponsive)
		local.Await()
		share.Await()
		require.Empty(t, g.Unresponsive())
	})
}

// TestWhatComesTooLateIsLetGoOf: nobody else would close it.
func TestWhatComesTooLateIsLetGoOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Settings{})
		var discarded []int
		keep := func(takes time.Duration) (int, error) {
			return Keep(g, DeviceKey{}, "a", func() (int, error) { time.Sleep(takes); return int(takes), nil }, func(n int) { discarded = append(discarded, n) })
		}
		n, err := keep(1)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		_, err = keep(2 * time.Second)
		require.ErrorIs(t, err, ErrPending)
		_, err = keep(3)
		require.ErrorIs(t, err, ErrPending, "refused: there is nothing to discard")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		assert.Equal(t, []int{int(2 * time.Second)}, discarded)
		_, err = keep(4)
		require.NoError(t, err)
		assert.Len(t, discarded, 1)
	})
}
