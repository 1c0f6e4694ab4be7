package gpu_test

import (
	"context"
	"testing"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
)

func benchSampler(b *testing.B) *gpu.Sampler {
	gpus := make([]*gputest.GPU, 8)
	for i := range gpus {
		gpus[i] = gputest.NewGPU(i)
	}
	s := gpu.NewSampler(gpu.Settings{Driver: gputest.New(gpus...)})
	b.Cleanup(func() { _ = s.Close(context.Background()) })
	if err := s.Observe(context.Background()); err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkObserve is one cycle of eight GPUs over a driver that costs nothing.
func BenchmarkObserve(b *testing.B) {
	s := benchSampler(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Observe(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCollect is one scrape of eight GPUs.
func BenchmarkCollect(b *testing.B) {
	s := benchSampler(b)
	b.ReportAllocs()
	for b.Loop() {
		if n := len(s.Collect(time.Now(), time.Hour).Devices); n != 8 {
			b.Fatal(n)
		}
	}
}
