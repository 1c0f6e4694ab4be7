//go:build gpu

package gpu

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/nvmldriver"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

func newSampler(t *testing.T) *gpu.Sampler {
	t.Helper()
	s := gpu.NewSampler(gpu.Settings{Driver: nvmldriver.New(nvmldriver.Settings{LibraryPath: os.Getenv("NVML_LIBRARY")})})
	t.Cleanup(func() { require.NoError(t, s.Close(context.Background())) })
	return s
}

// settled observes until every GPU was read once: the first look may load firmware.
func settled(t *testing.T, s *gpu.Sampler) []gpu.Device {
	t.Helper()
	require.Eventually(t, func() bool {
		_ = s.Observe(context.Background())
		devices := s.Latest().Devices
		for i := range devices {
			if devices[i].Answers() && !devices[i].MemoryTotal.Known {
				return false
			}
		}
		return len(devices) > 0
	}, time.Minute, 100*time.Millisecond)
	return s.Latest().Devices
}

// TestParity compares every field with nvidia-smi before and after. What moves in between (power,
// clocks) gets several tries: each time it has to lie between the two answers, and one time of
// three is enough.
func TestParity(t *testing.T) {
	fields := known(t)
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].query
	}
	right := make(map[string]bool)
	for range 3 {
		before := smi(t, names)
		devices := settled(t, newSampler(t))
		after := smi(t, names)
		for i := range devices {
			d := &devices[i]
			if d.Parent == "" && d.Answers() {
				compare(t, d, fields, before[d.UUID], after[d.UUID], right)
			}
		}
	}
	for key, ok := range right {
		require.True(t, ok, key)
	}
}

func compare(t *testing.T, d *gpu.Device, fields []compared, before, after []reading.Value[float64], right map[string]bool) {
	require.Len(t, before, len(fields), "nvidia-smi knows %s", d.UUID)
	require.Len(t, after, len(fields))
	for k, f := range fields {
		ours := f.ours(d)
		key := d.UUID + " " + f.query
		t.Logf("%-45s smi %s .. %s, ours %s (unit %g)", f.query, describe(before[k]), describe(after[k]), describe(ours), f.unit)
		switch {
		case before[k].Known && after[k].Known && ours.Known:
			right[key] = right[key] || between(ours.V, before[k].V*f.unit, after[k].V*f.unit, f.unit)
		case before[k].Known && after[k].Known:
			// A temperature of zero is how some drivers say that there is no sensor.
			right[key] = right[key] || before[k].V == 0
		default:
			right[key] = true
		}
	}
}

// TestCost samples for a while as the collector does, and prints what each cycle took. No cycle may
// take more than 10 ms, the first one aside.
func TestCost(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("GPU_TEST_DURATION"))
	if err != nil {
		length = 30 * time.Second
	}
	s := newSampler(t)
	devices := settled(t, s)
	begin, cpu := time.Now(), processTime(t)
	var longest, sum time.Duration
	cycles := 0
	for ; time.Since(begin) < length; cycles++ {
		time.Sleep(time.Second)
		start := time.Now()
		require.NoError(t, s.Observe(context.Background()))
		took := time.Since(start)
		longest, sum = max(longest, took), sum+took
	}
	used := processTime(t) - cpu
	t.Logf("%d GPUs, %d cycles: mean %v, longest %v; CPU %v, that is %.4f %% of a core for each GPU",
		len(devices), cycles, sum/time.Duration(cycles), longest, used, 100*used.Seconds()/time.Since(begin).Seconds()/float64(len(devices)))
	for _, d := range s.Latest().Devices {
		t.Logf("%s: answers that cannot be true: %v", d.UUID, d.Implausible)
	}
	require.Less(t, longest, 10*time.Millisecond)
}
