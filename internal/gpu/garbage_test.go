package gpu_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// An implausible answer is absent and counted, and does not affect other readings.
func TestGarbageIsAbsentAndCounted(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*gputest.GPU)
		lacks func(*gpu.Device)
		group gpu.Group
	}{
		"memory used above total": {
			func(g *gputest.GPU) { g.Memory.Used = g.Memory.Total + 1 },
			func(d *gpu.Device) { d.MemoryUsed = reading.Value[int64]{} },
			gpu.GroupMemory,
		},
		"memory used unknown": {
			func(g *gputest.GPU) { g.Memory.Used = math.MaxUint64 },
			func(d *gpu.Device) { d.MemoryUsed = reading.Value[int64]{} },
			gpu.GroupMemory,
		},
		"memory unknown": {
			func(g *gputest.GPU) { g.Memory = gpu.Memory{Used: math.MaxUint64, Total: math.MaxUint64} },
			func(d *gpu.Device) { d.MemoryUsed, d.MemoryTotal = reading.Value[int64]{}, reading.Value[int64]{} },
			gpu.GroupMemory,
		},
		"memory zero": {
			func(g *gputest.GPU) { g.Memory = gpu.Memory{} },
			func(d *gpu.Device) { d.MemoryUsed, d.MemoryTotal = reading.Value[int64]{}, reading.Value[int64]{} },
			gpu.GroupMemory,
		},
		"temperature absurd": {
			func(g *gputest.GPU) { g.Temperature = math.MaxUint32 },
			func(d *gpu.Device) { d.Temperature = reading.Value[float64]{} },
			gpu.GroupTemperature,
		},
		"temperature below zero": {
			func(g *gputest.GPU) { g.Temperature = -40 },
			func(d *gpu.Device) { d.Temperature = reading.Value[float64]{} },
			gpu.GroupTemperature,
		},
		"power unknown": {
			func(g *gputest.GPU) { g.Power = math.MaxUint32 },
			func(d *gpu.Device) { d.Power = reading.Value[float64]{} },
			gpu.GroupPower,
		},
		"energy unknown": {
			func(g *gputest.GPU) { g.Energy = math.MaxUint64 },
			func(d *gpu.Device) { d.Energy = reading.Value[float64]{} },
			gpu.GroupPower,
		},
		"energy blank": {
			func(g *gputest.GPU) { g.Energy = 9223372036854775794 },
			func(d *gpu.Device) { d.Energy = reading.Value[float64]{} },
			gpu.GroupPower,
		},
		"name not text": {
			func(g *gputest.GPU) { g.Identity.Name = "NVIDIA \xff\xfe" },
			func(d *gpu.Device) { d.Name = "" },
			gpu.GroupIdentity,
		},
		"name with control characters": {
			func(g *gputest.GPU) { g.Identity.Name = "NVIDIA\nTest" },
			func(d *gpu.Device) { d.Name = "" },
			gpu.GroupIdentity,
		},
		"firmware not text": {
			func(g *gputest.GPU) { g.Identity.VBIOSVersion = "\x80" },
			func(d *gpu.Device) { d.VBIOSVersion = "" },
			gpu.GroupIdentity,
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := fresh(t)
			a := gputest.NewGPU(0)
			c.spoil(a)
			c.lacks(&want)
			want.Implausible[c.group] = 1
			run(t, gputest.New(a), func(s *harness) {
				t := s.T
				require.Equal(t, want, s.healthy().Devices[0])
			})
		})
	}
}

// fresh returns the device of the unmodified first GPU of gputest.
func fresh(t *testing.T) (d gpu.Device) {
	run(t, gputest.New(gputest.NewGPU(0)), func(s *harness) { d = s.healthy().Devices[0] })
	return d
}

func (s *harness) implausible() gpu.Implausible { return s.sampler.Latest().Devices[0].Implausible }

func TestGarbageUtilizationIsDropped(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Utilization = map[gpu.Task]uint32{gpu.TaskGeneral: 255, gpu.TaskEncoder: 101, gpu.TaskDecoder: 100}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.passes(3)
		require.Equal(t, map[gpu.Task]gpu.Window{gpu.TaskDecoder: {Mean: 1, Max: 1, Peak: 1, Samples: 3}}, s.utilization(0))
		require.Equal(t, gpu.Implausible{gpu.GroupUtilization: 6}, s.implausible())
	})
}

func TestGarbageSamplesAreDropped(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Samples = samples(gpu.Sample{Timestamp: sampledAt(0), Value: 1})
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		s.utilization(0)
		s.change(func() {
			a.Samples = samples(
				gpu.Sample{Timestamp: sampledAt(100), Value: math.NaN()},
				gpu.Sample{Timestamp: sampledAt(200), Value: math.Inf(1)},
				gpu.Sample{Timestamp: sampledAt(300), Value: -1},
				gpu.Sample{Timestamp: sampledAt(400), Value: 25},
				gpu.Sample{Timestamp: math.MaxUint64, Value: 75},
			)
		})
		s.passes(5)
		// The last, in the far future, counts for a second at most.
		requireWindow(t, gpu.Window{Mean: (0.4*0.25 + 0.75) / 1.4, Max: 0.75, Samples: 2}, s.utilization(0)[gpu.TaskGeneral])
		require.Equal(t, gpu.Implausible{gpu.GroupUtilization: 1}, s.implausible(), "one answer")
	})
}

func TestGPUWithGarbageForAUUID(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	a.Identity.UUID = "\xff"
	run(t, gputest.New(a, b), func(s *harness) {
		t := s.T
		snapshot, err := s.observe()
		require.ErrorContains(t, err, "no usable uuid")
		require.Equal(t, gpu.Device{Health: gpu.HealthDegraded, Reason: gpu.ReasonDriverError}, snapshot.Devices[0])
		require.Equal(t, gpu.HealthOK, snapshot.Devices[1].Health)
	})
}

func TestEnergyMayGoBack(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		s.change(func() { a.Energy = 0 })
		require.Equal(t, reading.Known(0.0), s.passes(5).Devices[0].Energy)
		require.Equal(t, gpu.Implausible{gpu.GroupPower: 1}, s.implausible())

		// After a reload of the driver, this is not implausible.
		s.change(func() { a.Energy = 5000 })
		s.passes(5)
		s.change(func() { a.Err = gpu.ErrUninitialized })
		s.passes(1)
		s.change(func() { a.Err, a.Energy = nil, 1000 })
		require.Equal(t, reading.Known(1.0), s.passes(10).Devices[0].Energy)
		require.Equal(t, gpu.Implausible{gpu.GroupPower: 1}, s.implausible())
	})
}

func TestGarbageVersionsAreEmpty(t *testing.T) {
	driver := gputest.New()
	driver.Change(func(s *gputest.Script) { s.Versions = gpu.Versions{Driver: "\xfe", NVML: "12", CUDA: "a\x00b"} })
	run(t, driver, func(s *harness) {
		require.Equal(s.T, gpu.Library{State: gpu.LibraryAvailable, NVMLVersion: "12"}, s.healthy().Library)
	})
}

func TestSnapshotsAreNotChangedLater(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		first, collected := s.sampler.Latest(), s.sampler.Collect(time.Now(), 0)
		before, beforeCollected := first.Devices[0], collected.Devices[0]
		s.change(func() { a.Temperature, a.Err = 99, gpu.ErrLost })
		s.passes(3)
		s.sampler.Collect(time.Now(), 0)
		require.Equal(t, before, first.Devices[0])
		require.Equal(t, beforeCollected, collected.Devices[0])
	})
}

// A driver reports zero if a board has no such sensor. For temperatures, power and clocks this is
// no data, and not implausible.
func TestZeroOfASensorIsNoData(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Temperature, a.Power = 0, 0
	a.Numbers = map[gpu.Quantity]uint64{gpu.QuantityClockSM: 0, gpu.QuantityMemoryTemperature: 0, gpu.QuantityPowerLimit: 0}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		d := s.passes(30).Devices[0]
		require.False(t, d.Temperature.Known || d.Power.Known || d.Clocks.SM.Known || d.MemoryTemperature.Known || d.PowerLimits.Enforced.Known)
		require.Equal(t, gpu.Implausible{}, d.Implausible)
		require.Equal(t, gpu.Failures{}, d.Failures, "none of them was ever there")
		require.Empty(t, d.Missing)

		s.change(func() {
			a.Temperature, a.Power, a.Numbers[gpu.QuantityClockSM] = 50, 100_000, 1000
		})
		d = s.passes(1).Devices[0]
		require.True(t, d.Temperature.Known && d.Power.Known && d.Clocks.SM.Known)
		s.change(func() { a.Temperature, a.Power, a.Numbers[gpu.QuantityClockSM] = 0, 0, 0 })
		d = s.passes(60).Devices[0]
		require.Equal(t, gpu.Implausible{}, d.Implausible)
		var missing []string
		for _, m := range d.Missing {
			missing = append(missing, m.Name)
		}
		require.ElementsMatch(t, []string{"temperature", "power", "clock_sm"}, missing, "what was there and went is missed, of each alike")
		for _, group := range []gpu.Group{gpu.GroupTemperature, gpu.GroupPower, gpu.GroupClock} {
			require.Equal(t, d.Failures[gpu.GroupTemperature], d.Failures[group])
		}
	})
}

// The driver's values for "unknown" and "none" are not implausible.
func TestUnknownIsNotImplausible(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Identity.VBIOSVersion = ""
	a.Samples = samples(gpu.Sample{}, gpu.Sample{Timestamp: sampledAt(0), Value: 255})
	a.Contexts = []gpu.Context{{PID: 7, Memory: math.MaxUint64}}
	a.ProcessSamples = []gpu.ProcessSample{{}, {PID: 7, Timestamp: 1, General: 5}}
	a.Encoder = &gpu.Encoder{Sessions: 0, FrameRate: math.MaxUint32, Latency: math.MaxUint32}
	a.Fans = []gpu.FanSpeed{{Percent: 30}}
	a.Numbers = map[gpu.Quantity]uint64{
		gpu.QuantityPerformanceState: 32, gpu.QuantityMemoryTemperature: 0, gpu.QuantityClockVideo: 0, gpu.QuantityLinkGeneration: 0, gpu.QuantityFans: 1,
		gpu.QuantityPCIeTransmitted: 100,
	}
	a.Errs = map[gputest.Call]error{gputest.CallPower: gpu.ErrNotFound, gputest.CallTemperature: gpu.ErrNotSupported}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		first := s.implausible()
		require.Equal(t, gpu.Implausible{gpu.GroupUtilization: 1}, first, "255 is")
		s.change(func() { a.Numbers[gpu.QuantityPCIeTransmitted] = 110 })
		s.passes(20)
		require.Equal(t, first, s.implausible(), "what was seen before is not counted again, and counters grow")
	})
}

func TestImplausibleAnswersAreCounted(t *testing.T) {
	tooMany := make([]gpu.Context, 5000)
	for i := range tooMany {
		tooMany[i] = gpu.Context{PID: uint32(i + 1)}
	}
	for name, c := range map[string]struct {
		spoil func(*gputest.GPU)
		group gpu.Group
		// In a minute
		count int64
	}{
		"utilization 255":       {func(g *gputest.GPU) { g.Utilization[gpu.TaskEncoder] = 255 }, gpu.GroupUtilization, 60},
		"sample without a time": {func(g *gputest.GPU) { g.Samples = samples(gpu.Sample{Value: 5}, gpu.Sample{Value: 6}) }, gpu.GroupUtilization, 12},
		"sample NaN": {func(g *gputest.GPU) {
			g.Samples = samples(gpu.Sample{Timestamp: sampledAt(100), Value: math.NaN()})
		}, gpu.GroupUtilization, 1},
		"pid 0":       {func(g *gputest.GPU) { g.Contexts = []gpu.Context{{Memory: 1}, {Memory: 2}} }, gpu.GroupProcess, 12},
		"pid 2^32-1":  {func(g *gputest.GPU) { g.Contexts = []gpu.Context{{PID: math.MaxUint32}} }, gpu.GroupProcess, 12},
		"more memory": {func(g *gputest.GPU) { g.Contexts = []gpu.Context{{PID: 7, Memory: 1 << 40}} }, gpu.GroupProcess, 12},
		"processes":   {func(g *gputest.GPU) { g.Contexts = tooMany }, gpu.GroupProcess, 12},
		"process without a time": {func(g *gputest.GPU) {
			g.ProcessSamples = []gpu.ProcessSample{{PID: 7, General: 3}}
		}, gpu.GroupProcess, 12},
		"process at 255": {func(g *gputest.GPU) {
			g.ProcessSamples = []gpu.ProcessSample{{PID: 7, Timestamp: 1, General: 255}}
		}, gpu.GroupProcess, 1},
		"a number that is none": {func(g *gputest.GPU) { g.Errs = map[gputest.Call]error{gputest.CallBAR1: gpu.ErrImplausible} }, gpu.GroupMemory, 4},
		"part":                  {func(g *gputest.GPU) { g.MIGDevices = []*gputest.GPU{{Identity: gpu.Identity{UUID: "MIG-1"}}} }, gpu.GroupMemory, 12},
		"process of a part": {func(g *gputest.GPU) {
			g.MIGDevices = []*gputest.GPU{{Identity: gpu.Identity{UUID: "MIG-1"}, Memory: gpu.Memory{Total: 1}, Contexts: []gpu.Context{{Memory: 1}}}}
		}, gpu.GroupProcess, 12},
		"name of a part": {func(g *gputest.GPU) {
			g.MIGDevices = []*gputest.GPU{{Identity: gpu.Identity{UUID: "MIG-1", Name: "\xff"}, Memory: gpu.Memory{Total: 1}}}
		}, gpu.GroupIdentity, 12},
	} {
		t.Run(name, func(t *testing.T) {
			a := gputest.NewGPU(0)
			c.spoil(a)
			run(t, gputest.New(a), func(s *harness) {
				var want gpu.Implausible
				want[c.group] = c.count
				s.passes(60)
				require.Equal(s.T, want, s.implausible())
				s.change(func() { a.Err = gpu.ErrLost })
				s.passes(1)
				require.Equal(s.T, want, s.implausible(), "also when it is lost")
			})
		})
	}
}
