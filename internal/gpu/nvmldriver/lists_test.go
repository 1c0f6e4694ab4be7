//go:build linux && cgo

package nvmldriver

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// No memory is allocated for a list of four billion entries: the list is absent and counted as
// implausible, and all other readings are present.
func TestListsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		knobs []string
		lacks func(*gpu.Device)
		group gpu.Group
	}{
		{[]string{"gpu.1.compute.claimed 4294967295"}, noProcesses, gpu.GroupProcess},
		{[]string{"gpu.1.mps.claimed 2147483648"}, noProcesses, gpu.GroupProcess},
		{[]string{"gpu.1.graphics.claimed 4294967295", "gpu.1.claims.late 1"}, noProcesses, gpu.GroupProcess},
		{[]string{"gpu.1.compute.claimed 5000"}, noProcesses, gpu.GroupProcess},
		{[]string{"gpu.1.process.samples 1:9:1:1:1", "gpu.1.process.samples.claimed 4294967295"}, func(*gpu.Device) {}, gpu.GroupProcess},
		{[]string{"gpu.1.samples.claimed 4294967295", "gpu.1.encoder.samples none", "gpu.1.decoder.samples none"}, func(*gpu.Device) {}, gpu.GroupUtilization},
		{[]string{"gpu.1.retired.0 4294967295"}, func(d *gpu.Device) { d.Errors[gpu.ErrorRetiredPageSingleBit] = reading.Value[int64]{} }, gpu.GroupError},
		{[]string{"gpu.1.mig 1", "gpu.1.mig.max 4294967295"}, nil, gpu.GroupUtilization},
	} {
		t.Run(strings.ReplaceAll(c.knobs[len(c.knobs)-1], " ", "="), func(t *testing.T) {
			runIsolated(t, func(s *harness) {
				s.set(c.knobs...)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				sampler := s.sampler(0)
				require.NoError(s, sampler.Observe(context.Background()))
				require.Less(s, time.Since(start), 3*time.Second)
				runtime.ReadMemStats(&after)
				require.Less(s, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
				got := timeless(sampler.Latest().Devices[1])
				require.NotZero(s, got.Implausible[c.group], "%v", got.Implausible)
				if c.lacks == nil {
					require.Equal(s, second().Temperature, got.Temperature)
					require.Len(s, sampler.Latest().Devices, 3, "the MIG device that there is")
					return
				}
				want := second()
				c.lacks(&want)
				got.Implausible = want.Implausible
				require.Equal(s, want, got)
			})
		})
	}
}

func noProcesses(d *gpu.Device) { d.Processes = reading.Value[[]gpu.ProcessMemory]{} }

// A list that exceeds the initial capacity is read completely.
func TestListsThatAreLong(t *testing.T) {
	runIsolated(t, func(s *harness) {
		var compute, samples []string
		for pid := 1; pid <= 300; pid++ {
			compute = append(compute, fmt.Sprintf("%d:%d", pid, pid<<20))
			samples = append(samples, fmt.Sprintf("%d:%d:1:2:3", pid, pid))
		}
		s.set("gpu.0.compute "+strings.Join(compute, " "), "gpu.0.process.samples "+strings.Join(samples, " "))
		h, err := s.open().Handle(0)
		require.NoError(s, err)
		contexts, err := h.Contexts()
		require.NoError(s, err)
		require.Len(s, contexts, 300)
		require.Equal(s, gpu.Context{PID: 300, Memory: 300 << 20}, contexts[299])
		used, err := h.ProcessSamples(0)
		require.NoError(s, err)
		require.Len(s, used, 300)
		require.Equal(s, gpu.ProcessSample{PID: 300, Timestamp: 300, General: 1, Encoder: 2, Decoder: 3}, used[299])
	})
}
