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

// What the driver says successfully and cannot be true is absent, and leaves everything else as it is.
func TestGarbageIsAbsent(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*gputest.GPU)
		lacks func(*gpu.Device)
	}{
		"memory used above total": {
			func(g *gputest.GPU) { g.Memory.Used = g.Memory.Total + 1 },
			func(d *gpu.Device) { d.MemoryUsed = reading.Value[int64]{} },
		},
		"memory used unknown": {
			func(g *gputest.GPU) { g.Memory.Used = math.MaxUint64 },
			func(d *gpu.Device) { d.MemoryUsed = reading.Value[int64]{} },
		},
		"memory unknown": {
			func(g *gputest.GPU) { g.Memory = gpu.Memory{Used: math.MaxUint64, Total: math.MaxUint64} },
			func(d *gpu.Device) { d.MemoryUsed, d.MemoryTotal = reading.Value[int64]{}, reading.Value[int64]{} },
		},
		"memory zero": {
			func(g *gputest.GPU) { g.Memory = gpu.Memory{} },
			func(d *gpu.Device) { d.MemoryUsed, d.MemoryTotal = reading.Value[int64]{}, reading.Value[int64]{} },
		},
		"temperature zero": {
			func(g *gputest.GPU) { g.Temperature = 0 },
			func(d *gpu.Device) { d.Temperature = reading.Value[float64]{} },
		},
		"temperature absurd": {
			func(g *gputest.GPU) { g.Temperature = math.MaxUint32 },
			func(d *gpu.Device) { d.Temperature = reading.Value[float64]{} },
		},
		"temperature below zero": {
			func(g *gputest.GPU) { g.Temperature = -40 },
			func(d *gpu.Device) { d.Temperature = reading.Value[float64]{} },
		},
		"power zero": {
			func(g *gputest.GPU) { g.Power = 0 },
			func(d *gpu.Device) { d.Power = reading.Value[float64]{} },
		},
		"power unknown": {
			func(g *gputest.GPU) { g.Power = math.MaxUint32 },
			func(d *gpu.Device) { d.Power = reading.Value[float64]{} },
		},
		"energy unknown": {
			func(g *gputest.GPU) { g.Energy = math.MaxUint64 },
			func(d *gpu.Device) { d.Energy = reading.Value[float64]{} },
		},
		"energy blank": {
			func(g *gputest.GPU) { g.Energy = 9223372036854775794 },
			func(d *gpu.Device) { d.Energy = reading.Value[float64]{} },
		},
		"name not text": {
			func(g *gputest.GPU) { g.Identity.Name = "NVIDIA \xff\xfe" },
			func(d *gpu.Device) { d.Name = "" },
		},
		"name with control characters": {
			func(g *gputest.GPU) { g.Identity.Name = "NVIDIA\nTest" },
			func(d *gpu.Device) { d.Name = "" },
		},
		"firmware not text": {
			func(g *gputest.GPU) { g.Identity.VBIOSVersion = "\x80" },
			func(d *gpu.Device) { d.VBIOSVersion = "" },
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := fresh(t)
			a := gputest.NewGPU(0)
			c.spoil(a)
			c.lacks(&want)
			play(t, gputest.New(a), func(s *scene) {
				t := s.T
				require.Equal(t, want, s.healthy().Devices[0])
			})
		})
	}
}

// fresh is what the first GPU of gputest reads when nothing is spoilt.
func fresh(t *testing.T) (d gpu.Device) {
	play(t, gputest.New(gputest.NewGPU(0)), func(s *scene) { d = s.healthy().Devices[0] })
	return d
}

func TestGarbageUtilizationIsDropped(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Utilization = map[gpu.Task]uint32{gpu.TaskGeneral: 255, gpu.TaskEncoder: 101, gpu.TaskDecoder: 100}
	play(t, gputest.New(a), func(s *scene) {
		t := s.T
		s.cycles(3)
		require.Equal(t, map[gpu.Task]gpu.Window{gpu.TaskDecoder: {Mean: 1, Max: 1, Samples: 3}}, s.utilization(0))
	})
}

func TestGarbageSamplesAreDropped(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Samples = samples(gpu.Sample{Timestamp: stamp(0), Value: 1})
	play(t, gputest.New(a), func(s *scene) {
		t := s.T
		s.healthy()
		s.utilization(0)
		s.change(func() {
			a.Samples = samples(
				gpu.Sample{Timestamp: stamp(100), Value: math.NaN()},
				gpu.Sample{Timestamp: stamp(200), Value: math.Inf(1)},
				gpu.Sample{Timestamp: stamp(300), Value: -1},
				gpu.Sample{Timestamp: stamp(400), Value: 25},
				gpu.Sample{Timestamp: math.MaxUint64, Value: 75},
			)
		})
		s.cycles(5)
		// The last, in the far future, speaks for no more than a second.
		requireWindow(t, gpu.Window{Mean: (0.4*0.25 + 0.75) / 1.4, Max: 0.75, Samples: 2}, s.utilization(0)[gpu.TaskGeneral])
	})
}

func TestGPUWithGarbageForAUUID(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	a.Identity.UUID = "\xff"
	play(t, gputest.New(a, b), func(s *scene) {
		t := s.T
		snapshot, err := s.observe()
		require.ErrorContains(t, err, "no usable uuid")
		require.Equal(t, gpu.Device{Health: gpu.HealthDegraded, Reason: gpu.ReasonDriverError}, snapshot.Devices[0])
		require.Equal(t, gpu.HealthOK, snapshot.Devices[1].Health)
	})
}

func TestEnergyMayGoBack(t *testing.T) {
	a := gputest.NewGPU(0)
	play(t, gputest.New(a), func(s *scene) {
		t := s.T
		s.healthy()
		s.change(func() { a.Energy = 0 })
		require.Equal(t, reading.Known(0.0), s.cycles(5).Devices[0].Energy)
	})
}

func TestGarbageVersionsAreEmpty(t *testing.T) {
	driver := gputest.New()
	driver.Change(func(s *gputest.Script) { s.Versions = gpu.Versions{Driver: "\xfe", NVML: "12", CUDA: "a\x00b"} })
	play(t, driver, func(s *scene) {
		require.Equal(s.T, gpu.Library{State: gpu.LibraryAvailable, NVMLVersion: "12"}, s.healthy().Library)
	})
}

func TestSnapshotsAreNotChangedLater(t *testing.T) {
	a := gputest.NewGPU(0)
	play(t, gputest.New(a), func(s *scene) {
		t := s.T
		s.healthy()
		first, collected := s.sampler.Latest(), s.sampler.Collect(time.Now(), 0)
		before, beforeCollected := first.Devices[0], collected.Devices[0]
		s.change(func() { a.Temperature, a.Err = 99, gpu.ErrLost })
		s.cycles(3)
		s.sampler.Collect(time.Now(), 0)
		require.Equal(t, before, first.Devices[0])
		require.Equal(t, beforeCollected, collected.Devices[0])
	})
}
