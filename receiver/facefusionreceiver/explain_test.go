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
		{of("instances", []any{of("match", "cmd", "x")}), "instances[0]: match: cmd is no setting: write cmdline"},
		{of("instances", []any{of("match", "com", "x")}), "instances[0]: match: com is no setting: write comm"},
		{of("instances", []any{of("match", "comm", 7)}), `instances[0]: match: comm is 7: give a text, in quotes: "7"`},
		{of("instances", []any{of("match", "port", "x")}), `instances[0]: match: port is "x": give a number`},
		{of("instances", []any{of("match", "user", true)}), `instances[0]: match: user is true: give a text, in quotes: "true"`},
		{of("instances", []any{of("health", "body", 200)}), `instances[0]: health: body is 200: give a text, in quotes: "200"`},
		{of("metrics", "facefusion.server.probe.duration", "bound", []any{1}), "metrics: facefusion.server.probe.duration: bound is no setting: write bounds"},
		{of("metrics", "facefusion.server.probe.duration", "bounds", 1), "metrics: facefusion.server.probe.duration: bounds is 1: give a list"},
		{of("metrics", "facefusion.server.probe.duration", "bounds", []any{"x"}), `metrics: facefusion.server.probe.duration: bounds[0] is "x": give a number`},
		{of("metrics", "facefusion.job.duration", "exponential", 1), "metrics: facefusion.job.duration: exponential is 1: give true or false"},
		{of("metrics", "facefusion.job.finished", "attributes", of("a", 1)), "metrics: facefusion.job.finished: attributes is map[a:1]: give a list"},
		{of("metrics", "facefusion.process.up", false), "metrics: facefusion.process.up is false: give settings below it, indented"},
	} {
		err := confmap.NewFromStringMap(c.conf).Unmarshal(createDefaultConfig())
		require.ErrorContains(t, err, c.want, "%v", c.conf)
		require.NotContains(t, err.Error(), "invalid keys")
		require.NotContains(t, err.Error(), "Config")
	}
}

// TestSeveralMistakesAreSaidAtOnce.
func TestSeveralMistakesAreSaidAtOnce(t *testing.T) {
	err := confmap.NewFromStringMap(map[string]any{"web": map[string]any{"intervall": "1s"}, "jobs": map[string]any{"enabled": "no"}}).Unmarshal(createDefaultConfig())
	require.ErrorContains(t, err, "jobs: enabled is \"no\": give true or false\nweb: intervall is no setting: write interval")
}

// TestAUserIsANumberToo: YAML takes one without quotes for an integer.
func TestAUserIsANumberToo(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(map[string]any{"instances": []any{map[string]any{"name": "a", "match": map[string]any{"user": 1000, "port": 8000}}}}).Unmarshal(cfg))
	require.Equal(t, MatchConfig{User: "1000", Port: 8000}, *cfg.Instances[0].Match)
	require.NoError(t, cfg.Validate())
}

// TestBoundsAreInOrder: buckets that are not make a histogram that no store takes.
func TestBoundsAreInOrder(t *testing.T) {
	for _, bounds := range [][]any{{2.5, 1}, {1, 1}} {
		for _, name := range []string{"facefusion.server.probe.duration", "facefusion.job.duration"} {
			cfg := createDefaultConfig().(*Config)
			require.NoError(t, confmap.NewFromStringMap(map[string]any{"metrics": map[string]any{name: map[string]any{"bounds": bounds}}}).Unmarshal(cfg))
			require.ErrorContains(t, cfg.Validate(), "metrics: "+name+": bounds has 1 after")
		}
	}
}
