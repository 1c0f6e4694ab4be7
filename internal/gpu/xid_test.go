package gpu_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

func eventful(gpus ...*gputest.GPU) *gputest.Driver {
	driver := gputest.New(gpus...)
	driver.Change(func(s *gputest.Script) { s.Events = true })
	return driver
}

func counts(d gpu.Device) map[int]int64 {
	m := make(map[int]int64)
	for _, x := range d.XIDs.V {
		m[x.Code] = x.Count
	}
	return m
}

func TestXIDsAreCountedByCode(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	run(t, eventful(a, b), func(s *harness) {
		t := s.T
		s.passes(1)
		zero := map[int]int64{0: 0, 46: 0, 48: 0, 62: 0, 64: 0, 74: 0, 79: 0, 95: 0, 109: 0, 119: 0, 120: 0, 140: 0, 143: 0, 154: 0}
		require.Equal(t, zero, counts(s.sampler.Latest().Devices[0]), "reported before there is one")
		for _, code := range []uint64{79, 31, 31, 999, 1 << 40} {
			require.Equal(t, 1, s.driver.XID(b, code))
		}
		snapshot := s.passes(1)
		require.Equal(t, zero, counts(snapshot.Devices[0]))
		require.Equal(t, map[int]int64{0: 2, 31: 2, 46: 0, 48: 0, 62: 0, 64: 0, 74: 0, 79: 1, 95: 0, 109: 0, 119: 0, 120: 0, 140: 0, 143: 0, 154: 0}, counts(snapshot.Devices[1]))
		require.Len(t, snapshot.XIDs, 5)
		require.Equal(t, xid.Event{Time: snapshot.Devices[1].LastXID, UUID: b.Identity.UUID, Code: 79}, snapshot.XIDs[0])
		require.Equal(t, 999, snapshot.XIDs[3].Code)
		require.Empty(t, s.passes(1).XIDs, "reported once")
		require.Equal(t, 1, s.driver.Calls(a, gputest.CallRegister))
	})
}

// Repeated XIDs after a reopen of the library are not counted twice; new ones are counted.
func TestXIDsAreNotCountedTwiceAfterTheLibraryWasOpenedAgain(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, eventful(a), func(s *harness) {
		t := s.T
		s.passes(1)
		s.driver.XID(a, 31)
		s.passes(1)
		s.change(func() { a.Err = gpu.ErrUninitialized })
		s.passes(1)
		s.change(func() { a.Err = nil })
		for s.driver.Opened() < 2 {
			s.passes(1)
		}
		require.Equal(t, 1, s.driver.EventSets(), "the set before is gone")
		require.Equal(t, 1, s.driver.XID(a, 31), "repeated at once")
		time.Sleep(200 * time.Millisecond)
		s.driver.XID(a, 31)
		require.Equal(t, int64(2), counts(s.passes(1).Devices[0])[31])
	})
}

func TestXIDsAreWatchedOnceRegisteringSucceeds(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Errs = map[gputest.Call]error{gputest.CallRegister: errBroken}
	run(t, eventful(a), func(s *harness) {
		t := s.T
		require.False(t, s.healthy().Devices[0].XIDs.Known)
		s.change(func() { a.Errs = nil })
		require.True(t, s.passes(20).Devices[0].XIDs.Known)
	})
}

// The XIDs of a lost GPU stay in the snapshot: they are the cause of the loss.
func TestXIDsOfALostGPUStay(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, eventful(a), func(s *harness) {
		t := s.T
		s.passes(1)
		s.driver.XID(a, 79)
		s.change(func() { a.Err = gpu.ErrLost })
		d := s.passes(1).Devices[0]
		require.Equal(t, gpu.ReasonLost, d.Reason)
		require.Equal(t, int64(1), counts(d)[79])
	})
}

func TestXIDWatchEndsWithTheSampler(t *testing.T) {
	a := gputest.NewGPU(0)
	driver := eventful(a)
	run(t, driver, func(s *harness) {
		s.passes(1)
		start := time.Now()
		require.NoError(s.T, s.sampler.Close(context.Background()))
		require.Less(s.T, time.Since(start), time.Second)
		require.Zero(s.T, driver.EventSets())
	})
}

// Creating an event set is retried in the same session.
func TestAnEventSetThatFailedIsTriedAgain(t *testing.T) {
	a := gputest.NewGPU(0)
	driver := eventful(a)
	driver.Change(func(s *gputest.Script) { s.EventsErr = gpu.ErrUnknown })
	run(t, driver, func(s *harness) {
		t := s.T
		snapshot := s.passes(3)
		require.Equal(t, xid.WatchFailing, snapshot.XIDWatch.State)
		require.ErrorIs(t, snapshot.XIDWatch.Err, gpu.ErrUnknown)
		require.False(t, snapshot.Devices[0].XIDs.Known, "no claim that there was none")
		driver.Change(func(s *gputest.Script) { s.EventsErr = nil })
		snapshot = s.passes(60)
		require.Equal(t, xid.WatchStatus{State: xid.WatchWatching}, snapshot.XIDWatch)
		require.Equal(t, int64(0), counts(snapshot.Devices[0])[79])
		require.True(t, snapshot.Devices[0].XIDs.Known)
		require.Equal(t, 1, driver.XID(a, 79))
		require.Equal(t, int64(1), counts(s.passes(1).Devices[0])[79])
		require.Equal(t, 1, driver.Opens())
	})
}

// While Wait always fails, a count of zero is not reported.
func TestAWatchThatFailsClaimsNothing(t *testing.T) {
	a := gputest.NewGPU(0)
	driver := eventful(a)
	run(t, driver, func(s *harness) {
		t := s.T
		s.passes(1)
		driver.XID(a, 31)
		require.Equal(t, int64(1), counts(s.passes(1).Devices[0])[31])
		driver.Change(func(s *gputest.Script) { s.WaitErr = gpu.ErrUnknown })
		snapshot := s.passes(10)
		require.Equal(t, xid.WatchFailing, snapshot.XIDWatch.State)
		require.Equal(t, map[int]int64{31: 1}, counts(snapshot.Devices[0]), "what came is not forgotten, and nothing is claimed of the others")
		driver.Change(func(s *gputest.Script) { s.WaitErr = nil })
		snapshot = s.passes(3)
		require.Equal(t, xid.WatchWatching, snapshot.XIDWatch.State)
		require.Contains(t, counts(snapshot.Devices[0]), 79)
	})
}

// An event set that keeps failing is replaced, and the GPUs are registered in the new one.
func TestAnEventSetThatGoesOnFailingIsReplaced(t *testing.T) {
	a := gputest.NewGPU(0)
	driver := eventful(a)
	run(t, driver, func(s *harness) {
		t := s.T
		s.passes(1)
		driver.Change(func(s *gputest.Script) { s.WaitErr = gpu.ErrUnknown })
		s.passes(100)
		require.Greater(t, driver.EventSets(), 1)
		require.Less(t, driver.EventSets(), 8)
		driver.Change(func(s *gputest.Script) { s.WaitErr = nil })
		snapshot := s.passes(60)
		require.Equal(t, xid.WatchWatching, snapshot.XIDWatch.State)
		require.Contains(t, counts(snapshot.Devices[0]), 79)
		require.NoError(t, s.sampler.Close(context.Background()))
		require.Zero(t, driver.EventSets(), "all are closed with the session")
	})
}

func TestADriverWithoutEventsIsUnavailable(t *testing.T) {
	run(t, gputest.New(gputest.NewGPU(0)), func(s *harness) {
		require.Equal(s.T, xid.WatchUnavailable, s.passes(10).XIDWatch.State)
	})
}

// An XID of an unknown handle is counted as unmatched.
func TestXIDsOfNoGPUAreCounted(t *testing.T) {
	a := gputest.NewGPU(0)
	driver := eventful(a)
	run(t, driver, func(s *harness) {
		s.passes(1)
		driver.UnknownXID(79)
		driver.UnknownXID(13)
		require.Equal(s.T, int64(2), s.passes(1).XIDsUnmatched)
	})
}

// Events above the limit are counted.
func TestXIDsBeyondTheRoomAreCounted(t *testing.T) {
	a := gputest.NewGPU(0)
	driver := eventful(a)
	run(t, driver, func(s *harness) {
		t := s.T
		s.passes(1)
		for range 1500 {
			driver.XID(a, 31)
		}
		snapshot := s.passes(1)
		require.Len(t, snapshot.XIDs, 1024)
		require.Equal(t, int64(476), snapshot.XIDsSuppressed)
		require.Equal(t, int64(1500), counts(snapshot.Devices[0])[31])
	})
}
