package facefusionreceiver

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

func load(t *testing.T, conf *confmap.Conf) (*Config, error) {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	if err := conf.Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

func TestDefaultsNeedNoConfiguration(t *testing.T) {
	cfg, err := load(t, confmap.New())
	require.NoError(t, err)
	require.Equal(t, createDefaultConfig(), cfg)
	require.Equal(t, 15*time.Second, cfg.Controller.CollectionInterval)
	require.True(t, cfg.GPU.Enabled && cfg.Process.Enabled && cfg.Web.Enabled)
}

func TestEverySettingIsRead(t *testing.T) {
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	cfg, err := load(t, conf)
	require.NoError(t, err)

	want := createDefaultConfig().(*Config)
	want.Controller.CollectionInterval = 30 * time.Second
	want.RootPath = "/host"
	want.Instances = []InstanceConfig{
		{Name: "studio", Path: "/opt/facefusion", JobsPath: "/data/jobs"},
		{Name: "swap-api", Match: &MatchConfig{
			Cmdline: `uvicorn app\.main:app`, Exe: "/opt/venv/bin/python3", Comm: "uvicorn", Cgroup: `swap-api\.service$`, User: "swap", PIDFile: "/run/swap.pid", Port: 8000,
		}},
		{Name: "proxy", Endpoint: "https://ff.example.com"},
	}
	want.GPU.Interval, want.GPU.Deadline, want.GPU.LibraryPath = 2*time.Second, 7*time.Second, "/opt/lib/libnvidia-ml.so.1"
	want.Process.Interval, want.Process.ForgetAfter = 3*time.Second, time.Hour
	want.Web.Interval, want.Web.ClientConfig.Timeout = 4*time.Second, 5*time.Second
	want.Web.ClientConfig.TLS.InsecureSkipVerify = true
	want.Jobs.Interval, want.Jobs.StallAfter = 6*time.Second, 8*time.Minute
	want.Histograms.Web.ServerProbeDuration.Enabled = false
	want.Histograms.Jobs.StepDuration.Enabled = false
	want.Histograms.Jobs.JobDuration.Exponential = true
	require.False(t, cfg.Metrics.Metrics.FacefusionServerUp.Enabled)
	require.False(t, cfg.Logs.Events.FacefusionProcessStarted.Enabled)
	want.Metrics, want.Logs = cfg.Metrics, cfg.Logs // mdatagen's own tests compare these
	require.Equal(t, want, cfg)
}

// TestTheSeriesOfRunsAreChosen: a list replaces the default, and does not add to it.
func TestTheSeriesOfRunsAreChosen(t *testing.T) {
	cfg, err := load(t, confmap.NewFromStringMap(map[string]any{"metrics": map[string]any{
		"facefusion.job.finished":      map[string]any{"attributes": []any{"facefusion.media"}},
		"facefusion.job.duration":      map[string]any{"attributes": []any{}, "bounds": []any{60}},
		"facefusion.job.wait.duration": map[string]any{"attributes": []any{"facefusion.origin"}},
		"facefusion.step.duration":     map[string]any{"attributes": []any{"facefusion.model"}},
	}}))
	require.NoError(t, err)
	jobs := cfg.Histograms.Jobs
	require.Equal(t, []string{"facefusion.media"}, jobs.JobFinished.Attributes)
	require.True(t, cfg.Metrics.Metrics.FacefusionJobFinished.Enabled)
	require.Empty(t, jobs.JobDuration.Attributes)
	require.Equal(t, []float64{60}, jobs.JobDuration.Bounds)
	require.Equal(t, []string{"facefusion.origin"}, jobs.JobWaitDuration.Attributes)
	require.Equal(t, []string{"facefusion.model"}, jobs.StepDuration.Attributes)
	require.Equal(t, createDefaultConfig().(*Config).Histograms.Jobs.StepDuration.Bounds, jobs.StepDuration.Bounds)
}

func TestEachProbeCanBeSwitchedOff(t *testing.T) {
	for _, section := range []string{"gpu", "process", "web", "jobs"} {
		cfg, err := load(t, confmap.NewFromStringMap(map[string]any{section: map[string]any{"enabled": false}}))
		require.NoError(t, err)
		enabled := 0
		for _, p := range probes {
			if p.enabled(cfg) {
				enabled++
			}
		}
		require.Equal(t, len(probes)-1, enabled, section)
	}
}

// TestWrongValuesAreRefused: each error names the field, the value and the remedy.
func TestWrongValuesAreRefused(t *testing.T) {
	off := map[string]any{"enabled": false}
	for name, c := range map[string]struct {
		conf map[string]any
		want string
	}{
		"relative root": {
			map[string]any{"root_path": "host"},
			`root_path is "host": give an absolute path, or leave it out for the host itself`,
		},
		"nothing to do": {
			map[string]any{"gpu": off, "process": off, "web": off},
			"gpu, process and web are all switched off: switch one on, or remove the receiver",
		},
		"section": {
			map[string]any{"gpu": map[string]any{"interval": "1ms"}},
			"gpu: interval is 1ms: give at least 100ms, or leave it out for 1s",
		},
		"instance without a name": {
			map[string]any{"instances": []any{map[string]any{"path": "/opt/facefusion"}}},
			"instances[0]: name is empty: give the instance a name, for example the folder's",
		},
		"instance that may be stopped, without a process": {
			map[string]any{"instances": []any{map[string]any{"name": "studio", "endpoint": "http://127.0.0.1:7860", "expected": false}}},
			"instances[0]: expected is false, and path, jobs_path and match are empty",
		},
		"instance without a place": {
			map[string]any{"instances": []any{map[string]any{"name": "studio"}}},
			"instances[0]: path, jobs_path, match, endpoint and health are all empty: give the folder of the checkout",
		},
		"two of one name": {
			map[string]any{"instances": []any{map[string]any{"name": "a", "path": "/a"}, map[string]any{"name": "a", "path": "/b"}}},
			`instances[1]: name "a" is used twice: give each instance its own`,
		},
		"relative path": {
			map[string]any{"instances": []any{map[string]any{"name": "a", "jobs_path": ".jobs"}}},
			`instances[0]: jobs_path is ".jobs": give an absolute path, as the FaceFusion process sees it`,
		},
		"endpoint without a scheme": {
			map[string]any{"instances": []any{map[string]any{"name": "a", "endpoint": "127.0.0.1:7860"}}},
			`instances[0]: endpoint is "127.0.0.1:7860": give a URL like http://127.0.0.1:7860`,
		},
		"endpoint with a password": {
			map[string]any{"instances": []any{map[string]any{"name": "a", "endpoint": "https://user:secret@ff.example.com"}}},
			"instances[0]: endpoint holds a user or a password: give them to an authentication extension, and name it as web.auth.authenticator",
		},
		"endpoint of a health check": {
			map[string]any{"instances": []any{map[string]any{"name": "a", "endpoint": "http://127.0.0.1:8000/health"}}},
			`instances[0]: endpoint is "http://127.0.0.1:8000/health", which is the URL of a health check: write it as health.endpoint`,
		},
		"health without a URL": {
			map[string]any{"instances": []any{map[string]any{"name": "a", "health": map[string]any{"endpoint": "127.0.0.1:8000"}}}},
			`health: endpoint is "127.0.0.1:8000": give the whole URL of the check, like http://127.0.0.1:8000/health`,
		},
		"health that is slower than its interval": {
			map[string]any{"instances": []any{map[string]any{"name": "a", "health": map[string]any{"endpoint": "http://a/health", "timeout": "20s"}}}},
			"health: timeout is 20s: give 100ms up to the interval, 15s, or leave it out for 3s",
		},
		"health of a wrong body": {
			map[string]any{"instances": []any{map[string]any{"name": "a", "health": map[string]any{"endpoint": "http://a/health", "body": "("}}}},
			"health: body is no regular expression",
		},
		"collection interval": {
			map[string]any{"collection_interval": "0s"},
			`"collection_interval": requires positive value`,
		},
		"collection interval without a unit": {
			map[string]any{"collection_interval": 15},
			"collection_interval is 15ns: give at least 1s, or leave it out for 15s (15 without a unit is nanoseconds)",
		},
		"initial delay without a unit": {
			map[string]any{"initial_delay": 1},
			"initial_delay is 1ns: give at least 1ms, or 0s for none (1 without a unit is nanoseconds)",
		},
		"timeout without a unit": {
			map[string]any{"timeout": 10},
			"timeout is 10ns: give at least 100ms, or 0s for none (10 without a unit is nanoseconds)",
		},
		"timeout of the web without a unit": {
			map[string]any{"web": map[string]any{"timeout": 3}},
			"web: timeout is 3ns: give 100ms to 1m, or leave it out for 3s (3 without a unit is nanoseconds)",
		},
		"no failure at all": {
			map[string]any{"web": map[string]any{"failure_threshold": 0}},
			"web: failure_threshold is 0: give 1 to 12, or leave it out for 2",
		},
		"health without a unit": {
			map[string]any{"instances": []any{map[string]any{"name": "a", "health": map[string]any{"endpoint": "http://a/health", "timeout": 3}}}},
			"health: timeout is 3ns: give 100ms up to the interval, 15s, or leave it out for 3s (3 without a unit is nanoseconds)",
		},
		"release without a unit": {
			map[string]any{"gpu": map[string]any{"release_when_idle": 300}},
			"gpu: release_when_idle is 300ns: give at least 1s, or 0s for never (300 without a unit is nanoseconds)",
		},
		"unknown key": {
			map[string]any{"gpus": map[string]any{}},
			"gpus is no setting: write gpu",
		},
		"unknown metric": {
			map[string]any{"metrics": map[string]any{"facefusion.servers": map[string]any{"enabled": true}}},
			"metrics: there is no facefusion.servers: write facefusion.server.up",
		},
		"unknown key of a histogram": {
			map[string]any{"metrics": map[string]any{"facefusion.server.probe.duration": map[string]any{"enable": true}}},
			"enable is no setting: write enabled",
		},
		"attribute that steps do not have": {
			map[string]any{"metrics": map[string]any{"facefusion.step.duration": map[string]any{"attributes": []any{"facefusion.origin"}}}},
			`metrics: facefusion.step.duration: attributes has "facefusion.origin": choose among facefusion.outcome, facefusion.media, facefusion.processors, facefusion.model`,
		},
		"attribute that runs do not have": {
			map[string]any{"metrics": map[string]any{"facefusion.job.finished": map[string]any{"attributes": []any{"facefusion.model"}}}},
			`metrics: facefusion.job.finished: attributes has "facefusion.model": choose among facefusion.outcome, facefusion.origin, facefusion.media`,
		},
		"attributes that are no list": {
			map[string]any{"metrics": map[string]any{"facefusion.job.finished": map[string]any{"attributes": map[string]any{"a": 1}}}},
			"metrics: facefusion.job.finished: ",
		},
		"bound that is not counted": {
			map[string]any{"metrics": map[string]any{"facefusion.job.duration": map[string]any{"bounds": []any{60, 90}}}},
			"metrics: facefusion.job.duration: bounds has 90: choose among [0.5 1 2.5 5",
		},
		"bound of a probe that is not counted": {
			map[string]any{"metrics": map[string]any{"facefusion.server.probe.duration": map[string]any{"bounds": []any{3}}}},
			"metrics: facefusion.server.probe.duration: bounds has 3: choose among [0.005 ",
		},
		"histogram without a section": {
			map[string]any{"metrics": map[string]any{"facefusion.server.probe.duration": false}},
			"metrics: facefusion.server.probe.duration is false: write `enabled: true` or `enabled: false` below it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, confmap.NewFromStringMap(c.conf))
			require.ErrorContains(t, err, c.want)
			require.False(t, strings.Contains(err.Error(), "secret"), "an error tells no password")
		})
	}
}
