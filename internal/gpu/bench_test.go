package gpu_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
)

// everything returns a GPU that supports every reading and has eight processes.
func everything(index int) *gputest.GPU {
	g := gputest.NewGPU(index)
	g.Numbers = make(map[gpu.Quantity]uint64)
	for q := range gpu.QuantityFans + 1 {
		g.Numbers[q] = 1
	}
	g.Rows, g.Encoder, g.BAR1, g.Fans = &gpu.Rows{}, &gpu.Encoder{Sessions: 1}, &gpu.Memory{Used: 1, Total: 2}, []gpu.FanSpeed{{Percent: 30}}
	g.Samples = map[gpu.Task][]gpu.Sample{gpu.TaskGeneral: {{Timestamp: 1, Value: 1}}, gpu.TaskEncoder: {}, gpu.TaskDecoder: {}}
	for pid := range uint32(8) {
		g.Contexts = append(g.Contexts, gpu.Context{PID: pid + 1, Memory: 1 << 20})
		g.ProcessSamples = append(g.ProcessSamples, gpu.ProcessSample{PID: pid + 1, Timestamp: 1, General: 10})
	}
	return g
}

func benchSampler(b *testing.B, interval time.Duration) *gpu.Sampler {
	gpus := make([]*gputest.GPU, 8)
	for i := range gpus {
		gpus[i] = everything(i)
	}
	s := gpu.NewSampler(gpu.Settings{Driver: gputest.New(gpus...), SampleInterval: interval, RootPath: b.TempDir()})
	b.Cleanup(func() { _ = s.Close(context.Background()) })
	if err := s.Observe(context.Background()); err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkObserve is one pass over eight GPUs that support everything, with a driver that takes no
// time. Budget: less than 1 ms of CPU.
func BenchmarkObserve(b *testing.B) {
	for name, interval := range map[string]time.Duration{"fast": time.Hour, "slow": time.Nanosecond} {
		b.Run(name, func(b *testing.B) {
			s := benchSampler(b, interval)
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Observe(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCollect is one scrape of eight GPUs.
func BenchmarkCollect(b *testing.B) {
	s := benchSampler(b, time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		if n := len(s.Collect(time.Now(), time.Hour).Devices); n != 8 {
			b.Fatal(n)
		}
	}
}

// The memory of a sampler does not grow with the number of passes, even if other processes use the
// GPU in each pass.
func TestMemoryDoesNotGrowWithTheCycles(t *testing.T) {
	g := everything(0)
	driver := gputest.New(g)
	g.Profile = measured(map[gpu.ProfileQuantity]float64{gpu.ProfileSM: 1})
	s := gpu.NewSampler(gpu.Settings{Driver: driver, SampleInterval: time.Nanosecond, RootPath: t.TempDir(), Profile: true})
	t.Cleanup(func() { require.NoError(t, s.Close(context.Background())) })
	const cycles = 100_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early uint64
	for i := range uint32(cycles) {
		driver.Change(func(*gputest.Script) {
			g.ProcessSamples[0] = gpu.ProcessSample{PID: i + 10, Timestamp: uint64(time.Now().UnixMicro()), General: 10}
			g.Contexts[0].PID = i + 10
		})
		require.NoError(t, s.Observe(context.Background()))
		if i%100 == 0 {
			s.Collect(time.Now(), 0)
		}
		if i == cycles/10 {
			early = heap()
		}
	}
	s.Collect(time.Now(), 0)
	late := heap()
	t.Logf("heap after %d cycles: %d bytes, after %d: %d bytes", cycles/10, early, cycles, late)
	require.Less(t, late, early+early/4+512<<10)
}
