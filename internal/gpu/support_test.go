package gpu_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// A reading that is NOT_SUPPORTED for three seconds comes back.
func TestNotSupportedForAMomentIsNotForEver(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Numbers = map[gpu.Quantity]uint64{gpu.QuantityClockSM: 1500}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		require.True(t, s.passes(10).Devices[0].Power.Known)
		s.change(func() {
			a.Errs = map[gputest.Call]error{
				gputest.CallPower: gpu.ErrNotSupported, gputest.CallEnergy: gpu.ErrNotSupported, gputest.CallNumber: gpu.ErrNotSupported,
			}
		})
		require.False(t, s.passes(3).Devices[0].Power.Known)
		s.change(func() { a.Errs = nil })
		d := s.passes(20).Devices[0]
		require.Equal(t, reading.Known(201.0), d.Power)
		require.Equal(t, reading.Known(7000.001), d.Energy)
		require.Equal(t, reading.Known(int64(1_500_000_000)), d.Clocks.SM)
	})
}

// A reading that a GPU never supports is retried with backoff.
func TestWhatIsNotSupportedIsAskedForRarely(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Errs = map[gputest.Call]error{gputest.CallPower: gpu.ErrNotSupported}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.passes(3600)
		require.Less(t, s.driver.Calls(a, gputest.CallPower), 15)
		require.Greater(t, s.driver.Calls(a, gputest.CallPower), 8)
	})
}

// NVML returns NOT_SUPPORTED for utilization and remapped rows while MIG mode is on.
func TestReadingsComeBackWhenMIGIsSwitchedOff(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Rows = &gpu.Rows{Corrected: 3}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		// Long enough for the backoff to have grown.
		s.passes(10)
		s.utilization(0)
		s.change(func() {
			a.MIG = true
			a.Errs = map[gputest.Call]error{gputest.CallRows: gpu.ErrNotSupported}
			for _, task := range []gpu.Task{gpu.TaskGeneral, gpu.TaskEncoder, gpu.TaskDecoder} {
				a.Errs[gputest.CallUtilization.Of(task)] = gpu.ErrNotSupported
			}
		})
		s.passes(600)
		s.utilization(0)
		require.Empty(t, s.sampler.Collect(time.Now(), 0).Devices[0].Utilization)
		s.change(func() { a.MIG, a.Errs = false, nil })
		d := s.passes(21).Devices[0]
		require.Equal(t, reading.Known(int64(3)), d.Errors[gpu.ErrorRemappedRowCorrected])
		windows := s.utilization(0)
		require.Equal(t, 0.61, windows[gpu.TaskGeneral].Mean)
		require.Equal(t, 0.31, windows[gpu.TaskEncoder].Mean)
		require.Equal(t, 0.11, windows[gpu.TaskDecoder].Mean)
		require.Greater(t, windows[gpu.TaskGeneral].Samples, 10, "as soon as the mode was seen")
	})
}

// Capability is asked for anew when the driver lists another number of GPUs, also of a GPU whose
// pass is under way at that moment.
func TestRefusalsEndWhenTheNumberOfGPUsChanges(t *testing.T) {
	for name, busy := range map[string]bool{"idle": false, "in a call": true} {
		t.Run(name, func(t *testing.T) {
			a, b := gputest.NewGPU(0), gputest.NewGPU(1)
			a.Errs = map[gputest.Call]error{gputest.CallPower: gpu.ErrNotSupported}
			driver := gputest.New(a)
			run(t, driver, func(s *harness) {
				t := s.T
				require.False(t, s.passes(900).Devices[0].Power.Known)
				asked := driver.Calls(a, gputest.CallPower)
				block := make(chan struct{})
				driver.Change(func(script *gputest.Script) {
					a.Errs, script.GPUs = nil, []*gputest.GPU{a, b}
					if busy {
						a.Block = block
					}
				})
				s.passes(35)
				if busy {
					require.Equal(t, asked, driver.Calls(a, gputest.CallPower))
				}
				s.change(func() { a.Block = nil })
				close(block)
				synctest.Wait()
				require.Equal(t, reading.Known(201.0), s.passes(2).Devices[0].Power)
				require.Len(t, s.sampler.Latest().Devices, 2)
			})
		})
	}
}

// So it is when another driver was loaded.
func TestRefusalsEndWithTheDriver(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Errs = map[gputest.Call]error{gputest.CallPower: gpu.ErrNotSupported}
	driver := gputest.New(a)
	run(t, driver, func(s *harness) {
		t := s.T
		require.False(t, s.passes(900).Devices[0].Power.Known)
		driver.Change(func(script *gputest.Script) { a.Err = gpu.ErrUninitialized })
		s.passes(1)
		driver.Change(func(script *gputest.Script) {
			a.Err, a.Errs, script.Versions.Driver = nil, nil, "999.43.01"
		})
		snapshot := s.passes(3)
		require.Equal(t, "999.43.01", snapshot.Library.DriverVersion)
		require.Equal(t, reading.Known(201.0), snapshot.Devices[0].Power)
	})
}

// A fan without a sensor does not remove the others.
func TestAFanThatIsNotSupportedIsMissingAlone(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Fans = []gpu.FanSpeed{{Percent: 30, RPM: 1300}, {Percent: 40, RPM: 1400}, {Percent: 50, RPM: 1500}}
	a.FanErrs = map[int]error{0: gpu.ErrNotSupported}
	a.Numbers = map[gpu.Quantity]uint64{gpu.QuantityFans: 3}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		d := s.passes(40).Devices[0]
		require.Equal(t, []gpu.Fan{
			{},
			{Ratio: reading.Known(0.4), RPM: reading.Known(int64(1400))},
			{Ratio: reading.Known(0.5), RPM: reading.Known(int64(1500))},
		}, d.Fans)
	})
}

// A MIG device that does not support one call keeps its other readings, and so do the other MIG
// devices.
func TestAMIGDeviceThatSupportsLessIsMissingNothingElse(t *testing.T) {
	a, b, c := gputest.NewGPU(0), gputest.NewGPU(7), gputest.NewGPU(8)
	b.Identity.UUID, c.Identity.UUID = "MIG-1", "MIG-2"
	b.Contexts, c.Contexts = []gpu.Context{{PID: 10, Memory: 1 << 20}}, []gpu.Context{{PID: 11, Memory: 2 << 20}}
	b.Errs = map[gputest.Call]error{gputest.CallMemory: gpu.ErrNotSupported}
	a.MIGDevices = []*gputest.GPU{b, c}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		devices := s.passes(20).Devices
		require.Len(t, devices, 3)
		require.False(t, devices[1].MemoryUsed.Known)
		require.Equal(t, reading.Known([]gpu.ProcessMemory{{PID: 10, Memory: mib(1)}}), devices[1].Processes)
		require.True(t, devices[2].MemoryUsed.Known)
		s.change(func() { b.Errs = nil })
		require.True(t, s.passes(5).Devices[1].MemoryUsed.Known, "at once: no verdict is kept of a MIG device")
	})
}
