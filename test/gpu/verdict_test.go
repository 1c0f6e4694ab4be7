//go:build linux && cgo

package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The checks that compare no figure of the page: each verdict, and what is next to it.
func TestAttribution(t *testing.T) {
	l := &load{kind: "a kernel", pid: 40}
	lists := func(pid int, memory uint64) map[string]map[int]uint64 {
		return map[string]map[int]uint64{"GPU-1": {pid: memory * mib, 7: 64 * mib}}
	}
	for name, c := range map[string]struct {
		ours, theirs map[string]map[int]uint64
		want         checkOutcome
		detail       string
	}{
		"both list it":                      {lists(40, 812), lists(40, 812), passed, "2 processes as nvidia-smi lists them"},
		"it draws, too":                     {lists(40, 812), map[string]map[int]uint64{"GPU-1": {40: 812 * mib}}, passed, "1 processes"},
		"another memory":                    {lists(40, 812), lists(40, 813), failed, "813 MiB, the driver 812 MiB"},
		"another process":                   {lists(40, 812), lists(41, 812), failed, "nvidia-smi lists pid 41 on GPU-1"},
		"another GPU":                       {lists(40, 812), map[string]map[int]uint64{"GPU-2": {40: 812 * mib}}, failed, "on GPU-2"},
		"nvidia-smi lists nobody":           {lists(40, 812), nil, failed, "lists nobody"},
		"less than it holds":                {lists(40, 511), lists(40, 511), failed, "holds 512 MiB, the driver says 511 MiB"},
		"far more than it holds":            {lists(40, 3585), lists(40, 3585), failed, "3585 MiB"},
		"the pids are those of other roots": {lists(9, 812), lists(9, 812), skipped, "another namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			verdict, detail := attribution(l, c.ours, c.theirs)
			require.Equal(t, c.want, verdict, detail)
			require.Contains(t, detail, c.detail)
		})
	}
}

func TestBurst(t *testing.T) {
	page := func(peak, mean float64) []sample {
		general := labelSet{"hw_gpu_task": "general"}
		return []sample{
			{"nvidia_gpu_utilization_max_ratio", general, peak}, {"hw_gpu_utilization_ratio", general, mean},
			{"nvidia_gpu_utilization_max_ratio", labelSet{"hw_gpu_task": "decoder"}, 0.9}, {"hw_gpu_utilization_ratio", labelSet{"hw_gpu_task": "decoder"}, 0.1},
		}
	}
	for _, c := range []struct {
		peak, mean float64
		want       checkOutcome
	}{
		{0.97, 0.07, passed}, {0.8, 0.021, passed}, {0.79, 0.07, failed}, {0.97, 0.02, failed}, {0.97, 0.2, failed}, {0.07, 0.97, failed}, {97, 7, failed}, {0, 0, failed},
	} {
		verdict, detail := burst(page(c.peak, c.mean))
		require.Equal(t, c.want, verdict, detail)
	}
}

func TestCyclesAndEnergy(t *testing.T) {
	require.Equal(t, passed, cycleVerdict(10*time.Millisecond, 10*time.Millisecond))
	require.Equal(t, failed, cycleVerdict(10*time.Millisecond+1, 10*time.Millisecond))
	require.Equal(t, passed, energyVerdict(100, 86))
	require.Equal(t, passed, energyVerdict(86, 100))
	require.Equal(t, failed, energyVerdict(100, 84))
	require.Equal(t, failed, energyVerdict(84, 100))
	require.Equal(t, failed, energyVerdict(100, 100_000), "millijoules for joules")
	require.Equal(t, failed, energyVerdict(0, 100), "it stands still")
}
