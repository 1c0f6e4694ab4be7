package gpu_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

func TestOneGPULostAndBack(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		reason gpu.HealthReason
	}{
		"lost":  {gpu.ErrLost, gpu.ReasonLost},
		"reset": {gpu.ErrResetRequired, gpu.ReasonResetRequired},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := gputest.NewGPU(0), gputest.NewGPU(1)
			run(t, gputest.New(a, b), func(s *harness) {
				t := s.T
				s.healthy()
				s.change(func() { b.Err = c.err })
				time.Sleep(time.Second)
				snapshot, err := s.observe()
				require.ErrorIs(t, err, c.err)
				require.Equal(t, gpu.Device{Identity: b.Identity, Health: gpu.HealthFailed, Reason: c.reason}, snapshot.Devices[1])
				require.Equal(t, gpu.HealthOK, snapshot.Devices[0].Health)

				snapshot = s.passes(60)
				require.Equal(t, b.Identity, snapshot.Devices[1].Identity)
				require.Equal(t, reading.Known(51.0), snapshot.Devices[0].Temperature)
				require.Equal(t, 62, s.driver.Calls(a, gputest.CallTemperature))
				require.Less(t, s.driver.Calls(b, gputest.CallHandle), 9, "looked for at growing intervals")
				require.Equal(t, 1, s.driver.Opens())

				s.change(func() { b.Err = nil })
				snapshot = s.passes(30)
				require.Equal(t, gpu.HealthOK, snapshot.Devices[1].Health)
				require.Equal(t, reading.Known(52.0), snapshot.Devices[1].Temperature)
			})
		})
	}
}

func TestGPULostFromTheStartHidesNobody(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	a.Err = gpu.ErrLost
	run(t, gputest.New(a, b), func(s *harness) {
		t := s.T
		snapshot, err := s.observe()
		require.ErrorIs(t, err, gpu.ErrLost)
		require.Len(t, snapshot.Devices, 2)
		require.Equal(t, gpu.Device{Identity: gpu.Identity{Index: 0}, Health: gpu.HealthFailed, Reason: gpu.ReasonLost}, snapshot.Devices[0])
		require.Equal(t, gpu.HealthOK, snapshot.Devices[1].Health)
		s.change(func() { a.Err = nil })
		snapshot = s.passes(1)
		require.Len(t, snapshot.Devices, 2)
		require.Equal(t, a.Identity, snapshot.Devices[0].Identity)
	})
}

func TestGPUWithoutPermissionIsNoTrouble(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Err = gpu.ErrNoPermission
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		d := s.healthy().Devices[0]
		require.Equal(t, gpu.HealthDegraded, d.Health)
		require.Equal(t, gpu.ReasonNoPermission, d.Reason)
	})
}

// A container whose device cgroup rules were removed gets "unknown error" from every call.
func TestGPUThatAnswersNothing(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		s.change(func() { a.Err = errBroken })
		time.Sleep(time.Second)
		snapshot, err := s.observe()
		require.ErrorIs(t, err, errBroken)
		require.Equal(t, gpu.Device{Identity: a.Identity, Health: gpu.HealthDegraded, Reason: gpu.ReasonDriverError}, snapshot.Devices[0])
		s.change(func() { a.Err = nil })
		require.Equal(t, gpu.HealthOK, s.passes(1).Devices[0].Health)
	})
}

// A Jetson answers NOT_SUPPORTED to every call.
func TestGPUThatSupportsNothing(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Errs = make(map[gputest.Call]error)
	for _, c := range []gputest.Call{
		gputest.CallMemory, gputest.CallTemperature, gputest.CallPower, gputest.CallEnergy,
		gputest.CallUtilization.Of(gpu.TaskGeneral), gputest.CallUtilization.Of(gpu.TaskEncoder), gputest.CallUtilization.Of(gpu.TaskDecoder),
	} {
		a.Errs[c] = gpu.ErrNotSupported
	}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		sampled := s.healthy().Time
		require.Equal(t, gpu.Device{Identity: a.Identity, Health: gpu.HealthOK, Sampled: sampled.Add(10 * time.Second), ProcessList: gpu.Unsupported, ProcessUse: gpu.Unsupported}, s.passes(10).Devices[0])
		require.Nil(t, s.sampler.Collect(time.Now(), 0).Devices[0].Utilization)
	})
}

func TestWedgedGPUDelaysNobodyAndRecovers(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	run(t, gputest.New(a, b), func(s *harness) {
		t := s.T
		asked := time.Now()
		require.Zero(t, s.healthy().Oldest)
		block := make(chan struct{})
		s.change(func() { a.Block, b.Temperature = block, 70 })
		time.Sleep(time.Second)
		start := time.Now()
		snapshot := s.healthy()
		require.LessOrEqual(t, time.Since(start), time.Second)
		require.Equal(t, gpu.HealthOK, snapshot.Devices[0].Health, "not yet")
		require.Equal(t, asked, snapshot.Oldest, "its readings are of the pass before")
		require.Equal(t, reading.Known(70.0), snapshot.Devices[1].Temperature, "the other is on time")

		before := s.driver.Calls(a, gputest.CallMemory)
		snapshot = s.passes(4)
		require.Equal(t, gpu.Device{Identity: a.Identity, Health: gpu.HealthDegraded, Reason: gpu.ReasonWedged}, snapshot.Devices[0])
		require.Zero(t, snapshot.Oldest, "it has a state of its own, and no age")
		start = time.Now()
		_, err := s.observe()
		require.ErrorContains(t, err, "gpu 0: the driver has not answered in time")
		require.Zero(t, time.Since(start), "nobody waits for it any more")
		s.passes(100)
		require.Equal(t, before, s.driver.Calls(a, gputest.CallMemory), "never called while its call is out")

		s.change(func() { a.Block, a.Temperature = nil, 80 })
		close(block)
		synctest.Wait()
		snapshot = s.healthy()
		require.Equal(t, gpu.HealthOK, snapshot.Devices[0].Health)
		require.Equal(t, reading.Known(80.0), snapshot.Devices[0].Temperature, "not what the late call said")
		require.Equal(t, 1, s.driver.MostConcurrent(a))
	})
}

// A call that returns after its deadline, followed by one that blocks again.
func TestWhatALateCallSaidIsNotReported(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		first, second := make(chan struct{}), make(chan struct{})
		s.change(func() { a.Block, a.BlockCall = first, gputest.CallUtilization.Of(gpu.TaskDecoder) })
		require.Equal(t, gpu.ReasonWedged, s.passes(5).Devices[0].Reason)
		s.change(func() { a.Block, a.BlockCall = second, gputest.CallMemory })
		close(first)
		synctest.Wait()
		require.Equal(t, gpu.Device{Identity: a.Identity, Health: gpu.HealthDegraded, Reason: gpu.ReasonWedged}, s.passes(1).Devices[0])
		s.change(func() { a.Block = nil })
		close(second)
		require.Equal(t, gpu.HealthOK, s.passes(1).Devices[0].Health)
	})
}

// After a reload of the driver the GPUs have other indexes, and a call of the previous session
// still occupies one of them.
func TestGPUIsReportedOnceWhenPlacesChange(t *testing.T) {
	a, b, c := gputest.NewGPU(0), gputest.NewGPU(1), gputest.NewGPU(2)
	driver := gputest.New(a, b)
	run(t, driver, func(s *harness) {
		t := s.T
		s.healthy()
		block := make(chan struct{})
		s.change(func() { b.Block = block })
		s.passes(5)
		driver.Change(func(script *gputest.Script) {
			a.Err, b.Block, script.GPUs = gpu.ErrUninitialized, nil, []*gputest.GPU{b, c}
		})
		snapshot := s.passes(10)
		require.Len(t, snapshot.Devices, 2)
		require.Equal(t, b.Identity.UUID, snapshot.Devices[0].UUID)
		require.Equal(t, gpu.HealthOK, snapshot.Devices[0].Health)
		require.Equal(t, a.Identity.UUID, snapshot.Devices[1].UUID)
		require.Equal(t, gpu.ReasonLost, snapshot.Devices[1].Reason)
		close(block)
		synctest.Wait()
		snapshot = s.passes(1)
		require.Equal(t, c.Identity.UUID, snapshot.Devices[1].UUID, "in the driver's order, the gone one last")
	})
}

// A worker that is in a call when the library is lost still holds older readings.
func TestReadingsEndWithTheLibrary(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	driver := gputest.New(a, b)
	run(t, driver, func(s *harness) {
		t := s.T
		s.healthy()
		block := make(chan struct{})
		driver.Change(func(script *gputest.Script) {
			a.Block, b.Err, script.OpenErr = block, gpu.ErrDriverNotLoaded, gpu.ErrDriverNotLoaded
		})
		for _, d := range s.passes(1).Devices {
			require.Equal(t, gpu.ReasonDriverError, d.Reason)
			require.False(t, d.Temperature.Known)
		}
		close(block)
	})
}

func TestCloseWithWedgedGPU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := gputest.NewGPU(0), gputest.NewGPU(1)
		block := make(chan struct{})
		a.Block = block
		driver := gputest.New(a, b)
		sampler := gpu.NewSampler(gpu.Settings{Driver: driver, Deadline: deadline})
		_ = sampler.Observe(context.Background())
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, sampler.Close(ctx), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		require.Zero(t, driver.Closed(), "the library is not closed under a call")
		close(block)
		require.NoError(t, sampler.Close(context.Background()))
		require.Equal(t, 1, driver.Closed())
	})
}

// The driver is reloaded while a call of one GPU has not returned: the others go on in a new
// session, and that GPU joins when its call returns.
func TestReopenWithWedgedGPU(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	run(t, gputest.New(a, b), func(s *harness) {
		t := s.T
		s.healthy()
		block := make(chan struct{})
		s.change(func() { a.Block = block })
		s.passes(5)
		s.change(func() { b.Err = gpu.ErrUninitialized })
		snapshot := s.passes(1)
		require.Equal(t, gpu.LibraryFailed, snapshot.Library.State)
		require.Equal(t, gpu.ReasonWedged, snapshot.Devices[0].Reason)
		require.Equal(t, gpu.ReasonDriverError, snapshot.Devices[1].Reason)
		s.change(func() { b.Err = nil })
		calls := s.driver.Calls(a, gputest.CallHandle)
		s.passes(2)
		require.Equal(t, 1, s.driver.Opens(), "not beside a session that may still end")
		snapshot = s.passes(3)
		require.Equal(t, gpu.ReasonWedged, snapshot.Devices[0].Reason)
		require.Equal(t, gpu.HealthOK, snapshot.Devices[1].Health)
		require.Equal(t, calls, s.driver.Calls(a, gputest.CallHandle))
		require.Zero(t, s.driver.Closed())

		s.change(func() { a.Block = nil })
		close(block)
		synctest.Wait()
		snapshot = s.healthy()
		require.Equal(t, gpu.HealthOK, snapshot.Devices[0].Health)
		require.Equal(t, reading.Known(51.0), snapshot.Devices[0].Temperature)
		synctest.Wait()
		require.Equal(t, 1, s.driver.Closed(), "the old session, by the last to let go")
	})
}

// SIGTERM must not wait for the deadline of a call, whether the call is known to be stuck or has
// just begun to block.
func TestCloseDoesNotWaitForTheDeadline(t *testing.T) {
	for name, c := range map[string]struct {
		passes int
		want   time.Duration
	}{"known to hang": {60, 0}, "just begun": {1, 2 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := gputest.NewGPU(0), gputest.NewGPU(1)
				driver := gputest.New(a, b)
				sampler := gpu.NewSampler(gpu.Settings{Driver: driver, Deadline: 30 * time.Second})
				_ = sampler.Observe(context.Background())
				block := make(chan struct{})
				driver.Change(func(*gputest.Script) { a.Block = block })
				for range c.passes {
					_ = sampler.Observe(context.Background())
					time.Sleep(time.Second)
				}
				start := time.Now()
				require.ErrorContains(t, sampler.Close(context.Background()), "has not returned")
				require.Equal(t, c.want, time.Since(start))
				close(block)
				synctest.Wait()
				require.NoError(t, sampler.Close(context.Background()))
				require.Equal(t, 1, driver.Closed())
			})
		})
	}
}
