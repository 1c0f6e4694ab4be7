//go:build linux && cgo

package main

import (
	"context"
	"syscall"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/nvmldriver"
)

// checkCycles samples for a while as the collector does, once a second, and says what a cycle took.
// The first reads everything, and loads firmware where persistence mode is off: it does not count.
func checkCycles(ctx context.Context, r *kitReport, o *options) {
	s := gpu.NewSampler(gpu.Settings{Driver: nvmldriver.New(nvmldriver.Settings{LibraryPath: o.library})})
	defer func() { _ = s.Close(ctx) }() // the process ends
	_ = s.Observe(ctx)                  // the first
	var longest, sum time.Duration
	cycles, cpu := 0, processTime()
	for begin := time.Now(); cycles == 0 || time.Since(begin) < o.energy; cycles++ {
		time.Sleep(time.Second)
		start := time.Now()
		if err := s.Observe(ctx); err != nil {
			r.add("cycles", failed, "%v", err)
			return
		}
		took := time.Since(start)
		longest, sum = max(longest, took), sum+took
	}
	r.add("cycles", cycleVerdict(longest, o.cycle), "%d of all GPUs: mean %v, longest %v (%v at most); %v of CPU each", cycles,
		(sum / time.Duration(cycles)).Round(time.Microsecond), longest.Round(time.Microsecond), o.cycle, ((processTime() - cpu) / time.Duration(cycles)).Round(time.Microsecond))
}

func cycleVerdict(longest, limit time.Duration) checkOutcome {
	if longest > limit {
		return failed
	}
	return passed
}

// processTime is the CPU time of this process.
func processTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
