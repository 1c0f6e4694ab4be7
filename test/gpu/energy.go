//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// energyTolerance is how far the counter of energy may be from the integral of power, which
// nvidia-smi reports as a mean of the last second on some GPUs, and as it is on others.
const energyTolerance = 0.15

// checkEnergy compares the counter with the integral of the power that nvidia-smi reports.
func checkEnergy(ctx context.Context, r *kitReport, h gpu.Handle, uuid string, s *smi, length time.Duration) error {
	name := "energy " + uuid
	before, err := h.Energy()
	if errors.Is(err, gpu.ErrNotSupported) {
		r.add(name, skipped, "this GPU has no counter of energy")
		return nil
	}
	if err != nil {
		r.add(name, failed, "%v", err)
		return nil
	}
	begin, last, integral := time.Now(), time.Now(), 0.0
	for time.Since(begin) < length {
		all, err := s.ask(ctx)
		if err != nil {
			return err
		}
		watts, known := numeric(all[uuid]["power.draw"])
		if !known {
			r.add(name, skipped, "nvidia-smi reports no power of this GPU")
			return nil
		}
		integral += watts * time.Since(last).Seconds()
		last = time.Now()
		time.Sleep(100 * time.Millisecond)
	}
	after, err := h.Energy()
	if err != nil || after < before {
		r.add(name, failed, "the counter went from %d to %d mJ: %v", before, after, err)
		return nil
	}
	// The last stretch has no reading of its own.
	integral *= time.Since(begin).Seconds() / last.Sub(begin).Seconds()
	counted := float64(after-before) / 1000
	r.add(name, energyVerdict(counted, integral), "%.1f J counted, %.1f J by the power that nvidia-smi reports, in %v", counted, integral, time.Since(begin).Round(time.Second))
	return nil
}

func energyVerdict(counted, integral float64) checkOutcome {
	if math.Abs(counted-integral) > energyTolerance*math.Max(counted, integral) {
		return failed
	}
	return passed
}
