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

const deadline = 3 * time.Second

// harness is a sampler with a scripted driver, in a synctest bubble.
type harness struct {
	*testing.T
	driver  *gputest.Driver
	sampler *gpu.Sampler
}

func run(t *testing.T, driver *gputest.Driver, act func(s *harness)) {
	synctest.Test(t, func(t *testing.T) {
		s := &harness{T: t, driver: driver, sampler: gpu.NewSampler(gpu.Settings{Driver: driver, Deadline: deadline, RootPath: t.TempDir()})}
		t.Cleanup(func() {
			require.NoError(t, s.sampler.Close(context.Background()))
			require.Equal(t, driver.Opened(), driver.Closed(), "every session is closed")
		})
		act(s)
	})
}

// observe makes one pass. In a synctest bubble only blocked calls take time.
func (s *harness) observe() (*gpu.Snapshot, error) {
	err := s.sampler.Observe(context.Background())
	return s.sampler.Latest(), err
}

// healthy makes a pass that must not return an error.
func (s *harness) healthy() *gpu.Snapshot {
	snapshot, err := s.observe()
	require.NoError(s, err)
	return snapshot
}

// passes simulates the poll loop with one pass per second.
func (s *harness) passes(n int) *gpu.Snapshot {
	for range n {
		time.Sleep(time.Second)
		_, _ = s.observe()
	}
	return s.sampler.Latest()
}

func (s *harness) change(f func()) { s.driver.Change(func(*gputest.Script) { f() }) }

func TestValuesAreWhatTheDriverSays(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	run(t, gputest.New(a, b), func(s *harness) {
		t := s.T
		require.Equal(t, gpu.LibraryUnknown, s.sampler.Latest().Library.State)
		snapshot := s.healthy()
		require.Equal(t, time.Now(), snapshot.Time)
		require.Equal(t, gpu.Library{State: gpu.LibraryAvailable, DriverVersion: "570.124.06", NVMLVersion: "12.570.124.06", CUDAVersion: "12.8"}, snapshot.Library)
		require.Len(t, snapshot.Devices, 2)
		require.Equal(t, gpu.Device{
			Identity: gpu.Identity{
				UUID: "GPU-00000000-0000-0000-0000-000000000002", Index: 1, Name: "NVIDIA Test 102", PCIAddress: "0000:42:00.0", VBIOSVersion: "96.00.02.00.01",
			},
			Health:      gpu.HealthOK,
			MemoryUsed:  reading.Known(int64(2 << 30)),
			MemoryTotal: reading.Known(int64(18 << 30)),
			Temperature: reading.Known(52.0),
			Power:       reading.Known(202.0),
			Energy:      reading.Known(7000.002),
			Sampled:     time.Now(),
			ProcessList: gpu.Unsupported, ProcessUse: gpu.Unsupported,
		}, snapshot.Devices[1])
		require.Equal(t, a.Identity, snapshot.Devices[0].Identity)
	})
}

func TestZeroGPUsIsNotAnError(t *testing.T) {
	run(t, gputest.New(), func(s *harness) {
		t := s.T
		snapshot := s.healthy()
		require.Equal(t, gpu.LibraryAvailable, snapshot.Library.State)
		require.Empty(t, snapshot.Devices)
		s.driver.Change(func(script *gputest.Script) { script.GPUs = []*gputest.GPU{gputest.NewGPU(0)} })
		require.Len(t, s.passes(2).Devices, 1)
	})
}

func TestCountFailsOnOpen(t *testing.T) {
	driver := gputest.New(gputest.NewGPU(0))
	driver.Change(func(script *gputest.Script) { script.CountErr = gpu.ErrNoPermission })
	run(t, driver, func(s *harness) {
		t := s.T
		require.Equal(t, gpu.LibraryNoPermission, s.healthy().Library.State)
		driver.Change(func(script *gputest.Script) { script.CountErr = nil })
		require.Len(t, s.passes(2).Devices, 1)
	})
}

func TestSecondGPUIsPluggedInAndUnplugged(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		s.driver.Change(func(script *gputest.Script) { script.GPUs = []*gputest.GPU{a, b} })
		require.Len(t, s.passes(32).Devices, 2)
		require.Equal(t, 1, s.driver.Opens(), "without opening the library again")

		// The first is unplugged: the second gets its index.
		s.driver.Change(func(script *gputest.Script) { script.GPUs = []*gputest.GPU{b} })
		snapshot := s.passes(32)
		require.Len(t, snapshot.Devices, 2)
		require.Equal(t, b.Identity.UUID, snapshot.Devices[0].UUID)
		require.Equal(t, gpu.HealthOK, snapshot.Devices[0].Health)
		require.Equal(t, 0, snapshot.Devices[0].Index)
		require.Equal(t, a.Identity.UUID, snapshot.Devices[1].UUID)
		require.Equal(t, gpu.ReasonLost, snapshot.Devices[1].Reason)
	})
}

func TestCloseUnstartedAndTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := gpu.NewSampler(gpu.Settings{Driver: gputest.New()})
		require.NoError(t, s.Close(context.Background()))
		require.NoError(t, s.Close(context.Background()))
		require.NoError(t, s.Observe(context.Background()))
		require.Equal(t, gpu.LibraryUnknown, s.Collect(time.Now(), 0).Library.State)
	})
}

func TestSlowThingsAreAskedRarely(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Samples = map[gpu.Task][]gpu.Sample{gpu.TaskGeneral: {}}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		s.passes(10)
		require.Equal(t, 11, s.driver.Calls(a, gputest.CallPower))
		require.Equal(t, 11, s.driver.Calls(a, gputest.CallUtilization.Of(gpu.TaskEncoder)))
		require.Equal(t, 3, s.driver.Calls(a, gputest.CallEnergy))
		require.Equal(t, 3, s.driver.Calls(a, gputest.CallSamples.Of(gpu.TaskGeneral)))
		require.Equal(t, reading.Known(7000.001), s.sampler.Latest().Devices[0].Energy, "kept between two reads")
	})
}

func TestNotSupportedIsOfOneGPUAndEndsWithTheSession(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	a.Errs = map[gputest.Call]error{gputest.CallPower: gpu.ErrNotSupported}
	run(t, gputest.New(a, b), func(s *harness) {
		t := s.T
		d := s.healthy().Devices
		require.False(t, d[0].Power.Known)
		require.Equal(t, reading.Known(51.0), d[0].Temperature)
		require.True(t, d[1].Power.Known, "of this GPU only")
		s.passes(20)
		require.Equal(t, 2, s.driver.Calls(a, gputest.CallPower))

		s.change(func() { a.Errs, b.Err = nil, gpu.ErrUninitialized })
		s.passes(1)
		s.change(func() { b.Err = nil })
		require.Equal(t, reading.Known(201.0), s.passes(3).Devices[0].Power)
	})
}

func TestTransientErrorOfOneFieldIsAskedAgain(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Errs = map[gputest.Call]error{gputest.CallTemperature: context.DeadlineExceeded}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		d := s.healthy().Devices[0]
		require.Equal(t, gpu.HealthOK, d.Health)
		require.False(t, d.Temperature.Known)
		s.change(func() { a.Errs = nil })
		require.Equal(t, reading.Known(51.0), s.passes(1).Devices[0].Temperature)
	})
}

// A GPU that was removed on purpose is reported as lost for a day and then removed. Time in which
// the driver lists no GPU does not count.
func TestAGPUThatWasTakenOutIsForgotten(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	runWith(t, gpu.Settings{RootPath: t.TempDir(), ForgetAfter: time.Hour}, gputest.New(a, b), func(s *harness) {
		t := s.T
		s.healthy()
		take := func() { s.driver.Change(func(script *gputest.Script) { script.GPUs = []*gputest.GPU{a} }) }
		take()
		require.Equal(t, gpu.ReasonLost, s.passes(35).Devices[1].Reason)
		require.Len(t, s.passes(3590).Devices, 2, "not yet an hour")
		snapshot := s.passes(30)
		require.Equal(t, []string{a.Identity.UUID}, uuids(snapshot))
		_, err := s.observe()
		require.NoError(t, err, "and nothing is wrong any more")

		s.driver.Change(func(script *gputest.Script) { script.GPUs = []*gputest.GPU{a, b} })
		require.Equal(t, []string{a.Identity.UUID, b.Identity.UUID}, uuids(s.passes(35)), "it may come back")
		take()
		s.passes(1800)
		s.driver.Change(func(script *gputest.Script) {
			script.OpenErr, a.Err = gpu.ErrDriverNotLoaded, gpu.ErrDriverNotLoaded
		})
		require.Len(t, s.passes(3600).Devices, 2, "without a driver, nobody knows what is there")
		s.driver.Change(func(script *gputest.Script) { script.OpenErr, a.Err = nil, nil })
		require.Len(t, s.passes(600).Devices, 2)
		require.Len(t, s.passes(2400).Devices, 1)
	})
}

// A lost GPU that the driver still lists is never removed.
func TestALostGPUIsNotForgotten(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	runWith(t, gpu.Settings{RootPath: t.TempDir(), ForgetAfter: time.Minute}, gputest.New(a, b), func(s *harness) {
		s.healthy()
		s.change(func() { b.Err = gpu.ErrLost })
		require.Equal(s.T, gpu.ReasonLost, s.passes(600).Devices[1].Reason)
	})
}
