//go:build e2e

package e2e

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// TestAnUpgradeBeginsNoCounterAnew: FaceFusion 3.8.1 works, is stopped, replaced by 3.9.0 and
// started again. Every series that there was is there, and no counter is less than it was.
func TestAnUpgradeBeginsNoCounterAnew(t *testing.T) {
	c := start(t, "")
	h := simulate(t, 1)
	old, err := h.StartServer(0, nil)
	require.NoError(t, err)
	folder := h.Jobs(0)
	c.eventually(t, 10*time.Second, "it is ready", func(p page) bool {
		return state(p, old.Port(), "ready") && p.is(0, "facefusion_job_count", "facefusion_job_state", "completed")
	})
	run := func(id string) {
		require.NoError(t, folder.Create(id, jobs.StepArgs{Target: "photo.jpg", Processors: []string{"face_swapper"}}))
		require.NoError(t, folder.Submit(id))
		require.NoError(t, folder.Start(id, 0))
		require.NoError(t, folder.Complete(id))
	}
	run("before")
	c.eventually(t, 10*time.Second, "its job is counted", func(p page) bool {
		return ended(p) == 1 && p.is(1, "facefusion_instance_info", "service_version", "3.8.1")
	})
	before := c.page(t)

	require.NoError(t, old.Kill(syscall.SIGTERM))
	c.eventually(t, 10*time.Second, "it is down", func(p page) bool { return p.is(0, "facefusion_process_up") })
	require.NoError(t, h.Upgrade(0, "3.9.0"))
	_, err = h.StartServer(0, nil)
	require.NoError(t, err)
	c.eventually(t, 10*time.Second, "the new version is up", func(p page) bool {
		return p.is(1, "facefusion_process_up") && p.is(1, "facefusion_instance_info", "service_version", "3.9.0")
	})
	run("after")
	c.eventually(t, 10*time.Second, "both jobs are counted", func(p page) bool { return ended(p) == 2 })
	after := c.page(t)
	for _, name := range []string{
		"facefusion_process_starts_total", "facefusion_process_exits_total", "facefusion_job_finished_total", "process_cpu_time_seconds_total",
		"facefusion_job_duration_seconds_count", "facefusion_job_duration_seconds_bucket",
	} {
		counters := before.samples(name)
		require.NotEmpty(t, counters, name)
		for _, was := range counters {
			require.NotContains(t, was.labels, "service_version")
			is := after.samples(name, pairs(was.labels)...)
			require.Len(t, is, 1, "%s %v", name, was.labels)
			require.GreaterOrEqual(t, is[0].value, was.value, "%s %v", name, was.labels)
		}
	}
}

// pairs are the labels of a sample, as samples takes them.
func pairs(labels map[string]string) []string {
	var list []string
	for name, value := range labels {
		list = append(list, name, value)
	}
	return slices.Clip(list)
}
