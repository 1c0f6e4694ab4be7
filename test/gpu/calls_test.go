//go:build gpu

package gpu

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/nvmldriver"
)

// processTime is the CPU time of this process.
func processTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// TestCalls prints the time of each call, and what it says: the tiers are chosen by these.
func TestCalls(t *testing.T) {
	session, err := nvmldriver.New(nvmldriver.Settings{LibraryPath: os.Getenv("NVML_LIBRARY")}).Open()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, session.Close()) })
	t.Logf("versions: %+v", session.Versions())
	count, err := session.Count()
	require.NoError(t, err)
	for i := range count {
		h, err := session.Handle(i)
		require.NoError(t, err)
		id, err := h.Identity()
		require.NoError(t, err)
		t.Logf("%+v", id)
		printCalls(t, h)
	}
}

func fans(h gpu.Handle) int {
	count, err := h.Number(gpu.QuantityFans)
	if err != nil {
		return 0
	}
	return int(count.Value)
}

func printCalls(t *testing.T, h gpu.Handle) {
	timed := func(name string, ask func() (any, error)) {
		start := time.Now()
		answer, err := ask()
		t.Logf("%-24s %10v  %v %v", name, time.Since(start), answer, err)
	}
	call := func(name string, ask func() (any, error)) {
		_, _ = ask() // the first may prepare something
		timed(name, ask)
	}
	call("memory", func() (any, error) { return h.Memory() })
	call("temperature", func() (any, error) { return h.Temperature() })
	call("power", func() (any, error) { return h.Power() })
	call("energy", func() (any, error) { return h.Energy() })
	for _, task := range []gpu.Task{gpu.TaskGeneral, gpu.TaskEncoder, gpu.TaskDecoder, gpu.TaskJPEG, gpu.TaskOFA} {
		call("utilization "+string(task), func() (any, error) { return h.Utilization(task) })
		call("samples "+string(task), func() (any, error) { s, err := h.Samples(task, 0); return len(s), err })
	}
	for q := range gpu.QuantityFans + 1 {
		call(fmt.Sprintf("quantity %d", q), func() (any, error) { return h.Number(q) })
	}
	call("rows", func() (any, error) { return h.Rows() })
	call("encoder", func() (any, error) { return h.Encoder() })
	call("bar1", func() (any, error) { return h.BAR1() })
	for fan, count := 0, fans(h); fan < count; fan++ {
		call(fmt.Sprintf("fan %d", fan), func() (any, error) { return h.Fan(fan) })
	}
	call("contexts", func() (any, error) { return h.Contexts() })
	call("process samples", func() (any, error) { return h.ProcessSamples(0) })
	call("mig", func() (any, error) { m, err := h.MIG(); return len(m.Devices), err })
	call("profile, begun", func() (any, error) { return h.Profile() })
	time.Sleep(time.Second)
	timed("profile", func() (any, error) { return h.Profile() })
}
