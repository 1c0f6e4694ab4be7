package facefusionreceiver

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

// TestWhatCannotBeReadIsExplained: the Collector says of each of these "” has invalid keys", or
// names a type of Go.
func TestWhatCannotBeReadIsExplained(t *testing.T) {
	of := func(keys ...any) map[string]any { // a, b, 1 is {a: {b: 1}}
		value := keys[len(keys)-1]
		for i := len(keys) - 2; i > 0; i-- {
			value = map[string]any{keys[i].(string): value}
		}
		return map[string]any{keys[0].(string): value}
	}
	off := map[string]any{"enabled": false}
	for _, c := range []struct {
		conf map[string]any
		want string
	}{
		{of("intervall", "1s"), "intervall is no setting: give one of collection_interval, events, gpu"},
		{of("web", "intervall", "1s"), "web: intervall is no setting: write interval"},
		{of("web", "time_out", "1s"), "web: time_out is no setting: write timeout"},
		{of("jobs", "stalled_after", "1s"), "jobs: stalled_after is no setting: write stall_after"},
		{of("instances", []any{of("name", "a"), of("Path", "/a")}), "instances[1]: Path is no setting: write path"},
		{of("metrics", "facefusion_process_up", off), "metrics: there is no facefusion_process_up: write facefusion.process.up"},
		{of("metrics", "facefusion_job_finished_total", off), "metrics: there is no facefusion_job_finished_total: write facefusion.job.finished"},
		{of("metrics", "process_memory_usage_bytes", off), "metrics: there is no process_memory_usage_bytes: write process.memory.usage"},
		{of("metrics", "facefusion_step_duration_seconds", off), "metrics: there is no facefusion_step_duration_seconds: write facefusion.step.duration"},
		{of("metrics", "facefusion.proces.up", off), "metrics: there is no facefusion.proces.up: write facefusion.process.up"},
		{of("metrics", "facefusion.job.state_changed", off), "metrics: facefusion.job.state_changed is one of the events: write it under events"},
		{of("events", "facefusion.process.up", off), "events: facefusion.process.up is one of the metrics: write it under metrics"},
		{of("events", "nothing.like.it", off), "events: there is no nothing.like.it: documentation.md has their names"},
		{of("process", "enabled", "yes"), `process: enabled is "yes": give true or false`},
		{of("process", false), "process is false: give settings below it, indented"},
		{of("collection_interval", []any{1}), "collection_interval is [1]: give a time with its unit, like 500ms, 15s or 5m"},
		{of("collection_interval", "15 s"), `collection_interval is "15 s": give a time with its unit, like 500ms, 15s or 5m`},
		{of("instances", of("name", "a")), "instances is map[name:a]: give a list: one line for each, with a dash"},
		{of("root_path", []any{"/"}), "root_path is [/]: give a text"},
		{of("metrics", "facefusion.process.up", false), "metrics: facefusion.process.up is false: give settings below it, indented"},
	} {
		err := confmap.NewFromStringMap(c.conf).Unmarshal(createDefaultConfig())
		require.ErrorContains(t, err, c.want, "%v", c.conf)
		require.NotContains(t, err.Error(), "invalid keys")
	}
}

// TestSeveralMistakesAreSaidAtOnce.
func TestSeveralMistakesAreSaidAtOnce(t *testing.T) {
	err := confmap.NewFromStringMap(map[string]any{"web": map[string]any{"intervall": "1s"}, "jobs": map[string]any{"enabled": "no"}}).Unmarshal(createDefaultConfig())
	require.ErrorContains(t, err, "jobs: enabled is \"no\": give true or false\nweb: intervall is no setting: write interval")
}
