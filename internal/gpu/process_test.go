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

func mib(n int64) reading.Value[int64] { return reading.Known(n << 20) }

func TestContextsOfAProcessAreJoined(t *testing.T) {
	const m = 1 << 20
	a := gputest.NewGPU(0)
	a.Contexts = []gpu.Context{
		{PID: 30, Memory: 300 * m}, // compute only
		{PID: 10, Memory: 100 * m}, // compute
		// and graphics: the same memory again
		{PID: 10, Memory: 100 * m, Kind: gpu.ContextGraphics},
		{PID: 20, Memory: 50 * m, Kind: gpu.ContextMPS},      // a client of MPS
		{PID: 40, Memory: 10 * m}, {PID: 40, Memory: 20 * m}, // in two MIG instances
		// not known
		{PID: 50, Memory: math.MaxUint64},
		// known of one list
		{PID: 60, Memory: math.MaxUint64}, {PID: 60, Memory: 7 * m, Kind: gpu.ContextGraphics},
	}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		require.Equal(t, reading.Known([]gpu.ProcessMemory{
			{PID: 10, Memory: mib(100)}, {PID: 20, Memory: mib(50)}, {PID: 30, Memory: mib(300)}, {PID: 40, Memory: mib(30)}, {PID: 50}, {PID: 60, Memory: mib(7)},
		}), s.healthy().Devices[0].Processes)
	})
}

func TestGarbageProcessesAreDropped(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Contexts = []gpu.Context{{PID: 0, Memory: 5}, {PID: math.MaxUint32, Memory: 5}, {PID: 11, Memory: a.Memory.Total + 1}, {PID: 12, Memory: math.MaxUint64 - 1}, {PID: 13, Memory: 0}}
	run(t, gputest.New(a), func(s *harness) {
		require.Equal(s.T, []gpu.ProcessMemory{{PID: 13, Memory: reading.Known(int64(0))}}, s.healthy().Devices[0].Processes.V)
	})
}

func TestProcessListThatCannotBeReadIsAbsent(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Contexts = []gpu.Context{}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		require.Equal(t, reading.Known([]gpu.ProcessMemory{}), s.healthy().Devices[0].Processes, "nobody")
		s.change(func() { a.Errs = map[gputest.Call]error{gputest.CallContexts: errBroken} })
		require.False(t, s.passes(5).Devices[0].Processes.Known)
	})
}

// sampled returns the utilization of processes over the current window.
func (s *harness) sampled(reset bool) map[int]gpu.ProcessUtilization {
	width := time.Hour
	if reset {
		width = 0
	}
	return s.sampler.Collect(time.Now(), width).Devices[0].ProcessUtilization
}

func now() uint64 { return uint64(time.Now().UnixMicro()) }

func TestProcessUtilizationIsTheMeanOfTheWholeWindow(t *testing.T) {
	a := gputest.NewGPU(0)
	a.ProcessSamples = []gpu.ProcessSample{{PID: 10, Timestamp: 1, General: 99}}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		require.Nil(t, s.sampled(false), "the driver first tells what is long over")
		s.passes(5)
		require.Equal(t, map[int]gpu.ProcessUtilization{}, s.sampled(false), "watched, and idle")

		s.change(func() {
			a.ProcessSamples = []gpu.ProcessSample{{PID: 10, Timestamp: now(), General: 80, Encoder: 40, Decoder: 20}, {PID: 11, Timestamp: now(), General: 10}}
		})
		s.passes(5)
		u := s.sampled(true)
		require.Equal(t, gpu.Window{Mean: 0.4, Max: 0.8, Samples: 1}, u[10].General, "half of the time")
		require.Equal(t, gpu.Window{Mean: 0.2, Max: 0.4, Samples: 1}, u[10].Encoder)
		require.Equal(t, gpu.Window{Mean: 0.1, Max: 0.2, Samples: 1}, u[10].Decoder)
		require.Equal(t, gpu.Window{Mean: 0.05, Max: 0.1, Samples: 1}, u[11].General)

		s.passes(5)
		require.Equal(t, map[int]gpu.ProcessUtilization{}, s.sampled(true), "the same samples are not taken twice")
	})
}

// Activity covers the last stretch of time only, and Sampled is when it was read.
func TestActivityIsOfTheLastStretch(t *testing.T) {
	a := gputest.NewGPU(0)
	a.ProcessSamples = []gpu.ProcessSample{}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		first := s.healthy().Devices[0]
		require.Nil(t, first.Activity, "nothing is known of the time before")
		s.change(func() {
			a.ProcessSamples = []gpu.ProcessSample{
				{PID: 10, Timestamp: now() + 1, General: 100}, {PID: 10, Timestamp: now() + 2, General: 50}, {PID: 11, Timestamp: now() + 1, General: 20, Encoder: 90},
			}
		})
		busy := s.passes(5).Devices[0]
		require.Equal(t, map[int]float64{10: 0.75, 11: 0.2}, busy.Activity)
		require.Equal(t, 5*time.Second, busy.Sampled.Sub(first.Sampled))
		require.Equal(t, busy.Sampled, s.passes(4).Devices[0].Sampled, "it was not read again")
		idle := s.passes(1).Devices[0]
		require.Equal(t, map[int]float64{}, idle.Activity, "watched, and idle")
		require.Equal(t, 5*time.Second, idle.Sampled.Sub(busy.Sampled))
	})
}

func TestSeveralSamplesOfAProcessShareTheTime(t *testing.T) {
	a := gputest.NewGPU(0)
	a.ProcessSamples = []gpu.ProcessSample{}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		s.change(func() {
			a.ProcessSamples = []gpu.ProcessSample{{PID: 10, Timestamp: now() + 1, General: 100}, {PID: 10, Timestamp: now() + 2, General: 50}}
		})
		s.passes(5)
		require.Equal(t, gpu.Window{Mean: 0.75, Max: 1, Samples: 2}, s.sampled(true)[10].General)
	})
}

func TestGarbageProcessSamplesAreDropped(t *testing.T) {
	a := gputest.NewGPU(0)
	a.ProcessSamples = []gpu.ProcessSample{}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		s.change(func() {
			a.ProcessSamples = []gpu.ProcessSample{
				{PID: 0, Timestamp: now() + 1, General: 50},
				{PID: 10, Timestamp: 0, General: 50},
				{PID: 10, Timestamp: math.MaxUint64, General: 50},
				{PID: 11, Timestamp: now() + 1, General: 255, Encoder: 101, Decoder: 30},
			}
		})
		s.passes(5)
		u := s.sampled(true)
		require.Len(t, u, 1)
		require.Zero(t, u[11].General.Samples)
		require.Zero(t, u[11].Encoder.Samples)
		require.Equal(t, gpu.Window{Mean: 0.3, Max: 0.3, Samples: 1}, u[11].Decoder)
	})
}

func TestProcessSamplesAfterTheClockWasSetBack(t *testing.T) {
	a := gputest.NewGPU(0)
	a.ProcessSamples = []gpu.ProcessSample{{PID: 10, Timestamp: now() + uint64(time.Hour.Microseconds()), General: 50}}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.passes(12)
		require.Empty(t, s.sampled(true), "from the future")
		s.change(func() { a.ProcessSamples = []gpu.ProcessSample{{PID: 10, Timestamp: now() + 1, General: 50}} })
		s.passes(5)
		require.Equal(t, 0.5, s.sampled(true)[10].General.Max)
	})
}

func TestPartsAreDevicesOfTheirOwn(t *testing.T) {
	a, p := gputest.NewGPU(0), gputest.NewGPU(7)
	p.Identity.UUID = "MIG-1"
	p.Contexts = []gpu.Context{{PID: 10, Memory: 1 << 20}}
	a.MIGDevices = []*gputest.GPU{p}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		devices := s.healthy().Devices
		require.Len(t, devices, 2)
		require.Equal(t, "MIG-1", devices[1].UUID)
		require.Equal(t, a.Identity.UUID, devices[1].Parent)
		require.Equal(t, reading.Known([]gpu.ProcessMemory{{PID: 10, Memory: mib(1)}}), devices[1].Processes)
		s.change(func() { a.MIGDevices = nil })
		require.Len(t, s.passes(5).Devices, 1, "put together again, which is no loss")
		s.change(func() {
			a.MIGDevices, p.Errs = []*gputest.GPU{p}, map[gputest.Call]error{gputest.CallMemory: errBroken}
		})
		devices = s.passes(5).Devices
		require.Len(t, devices, 2)
		require.False(t, devices[1].MemoryTotal.Known)
		require.True(t, devices[1].Processes.Known, "what one call cannot say is missing alone")
		s.change(func() { p.Errs[gputest.CallContexts] = errBroken })
		require.Len(t, s.passes(5).Devices, 1, "one that cannot be read is left out")
	})
}

// The samples of processes are weighted with the time between two reads, however long that was: a
// late pass must not give them more weight than the others.
func TestProcessWindowIsTheTimeBetweenTwoReads(t *testing.T) {
	a := gputest.NewGPU(0)
	a.ProcessSamples = []gpu.ProcessSample{}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		busy := func(percent uint32) {
			s.change(func() {
				a.ProcessSamples = []gpu.ProcessSample{{PID: 10, Timestamp: now(), General: percent}}
			})
		}
		s.healthy()
		time.Sleep(5 * time.Second)
		busy(100) // taken at the moment of the read
		_, _ = s.observe()
		time.Sleep(15 * time.Second)
		busy(20)
		_, _ = s.observe()
		require.InDelta(t, (1.0*5+0.2*15)/20, s.sampled(true)[10].General.Mean, 1e-9)
		time.Sleep(5 * time.Second)
		busy(30)
		_, _ = s.observe()
		require.InDelta(t, 0.3, s.sampled(true)[10].General.Mean, 1e-9, "the next window has nothing of it")
	})
}
