package facefusionreceiver

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/gradio"
)

// loadInstances reads a configuration with these instances below a root.
func loadInstances(t *testing.T, root string, instances ...map[string]any) error {
	t.Helper()
	list := make([]any, 0, len(instances))
	for _, i := range instances {
		list = append(list, i)
	}
	_, err := load(t, confmap.NewFromStringMap(map[string]any{"root_path": root, "instances": list}))
	return err
}

func matching(name string, match map[string]any) map[string]any {
	return map[string]any{"name": name, "match": match}
}

func TestWrongMatchesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		match map[string]any
		want  string
	}{
		"nothing":           {map[string]any{}, "nothing is given: give one or more of cmdline, exe, comm, cgroup, user, pid_file and port"},
		"no expression":     {map[string]any{"cmdline": "uvicorn ("}, `cmdline is "uvicorn (": give an RE2 expression`},
		"a lookahead":       {map[string]any{"exe": "python(?=3)"}, `exe is "python(?=3)": give an RE2 expression`},
		"everything":        {map[string]any{"comm": ".*"}, `comm is ".*", which every process fits`},
		"an empty group":    {map[string]any{"cgroup": "a?"}, `cgroup is "a?", which every process fits`},
		"a long expression": {map[string]any{"cmdline": strings.Repeat("x", 100) + "("}, `cmdline is "` + strings.Repeat("x", 60) + `"…: give`},
		"a user's line":     {map[string]any{"user": "jo:x:1000"}, `user is "jo:x:1000": give a user's name as in /etc/passwd, or its number`},
		"a relative file":   {map[string]any{"pid_file": "ff.pid"}, `pid_file is "ff.pid": give an absolute path`},
		"a negative port":   {map[string]any{"port": -1}, "port is -1: give a TCP port from 1 to 65535"},
		"a large port":      {map[string]any{"port": 65536}, "port is 65536: give a TCP port from 1 to 65535"},
		"an unknown key":    {map[string]any{"command": "x"}, "match: command is no setting: write comm"},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, loadInstances(t, "/", matching("a", c.match)), c.want)
		})
	}
	require.NoError(t, loadInstances(t, "/", matching("a", map[string]any{
		"cmdline": `uvicorn app\.main:app`, "exe": "^/opt/venv/bin/python3$", "comm": "^uvicorn$", "cgroup": `swap-api\.service$`, "user": "swap", "pid_file": "/run/a.pid", "port": 65535,
	})))
}

func TestAMatchNeedsTheProcesses(t *testing.T) {
	_, err := load(t, confmap.NewFromStringMap(map[string]any{
		"process": map[string]any{"enabled": false}, "instances": []any{matching("a", map[string]any{"port": 80})},
	}))
	require.ErrorContains(t, err, "instances[0]: match is given, and process.enabled is false: switch process on, or remove match")
}

func TestNamesHaveAForm(t *testing.T) {
	for name, want := range map[string]string{
		"":                       "name is empty",
		"a\nb":                   `name is "a\nb": give printable characters`,
		" a":                     `name is " a": give printable characters, without a blank at the beginning or the end`,
		"a\u200b":                "give printable characters",
		"a\xff":                  "give printable characters",
		strings.Repeat("é", 129): "of 129 characters: give at most 128",
	} {
		require.ErrorContains(t, loadInstances(t, "/", map[string]any{"name": name, "path": "/a"}), want)
	}
	for _, name := range []string{"studio", "Studio 2 (GPU 0)", "工作室", strings.Repeat("é", 128)} {
		require.NoError(t, loadInstances(t, "/", map[string]any{"name": name, "path": "/a"}), name)
	}
}

func TestInstancesThatOverlap(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "opt/facefusion/.jobs"), 0o755))
	require.NoError(t, os.Symlink("/opt/facefusion", filepath.Join(root, "srv")))
	at := func(name string, fields ...string) map[string]any {
		m := map[string]any{"name": name}
		for i := 0; i < len(fields); i += 2 {
			m[fields[i]] = fields[i+1]
		}
		return m
	}
	one := at("a", "path", "/opt/facefusion")
	for name, c := range map[string]struct {
		first, second map[string]any
		want          string
	}{
		"the same":           {one, at("b", "path", "/opt/facefusion"), `path "/opt/facefusion" is that of instances[0], "a", as well: two names for one instance; remove one`},
		"a slash":            {one, at("b", "path", "/opt/facefusion/"), `path "/opt/facefusion/" is that`},
		"dots":               {one, at("b", "path", "/opt/x/../facefusion"), `is that`},
		"a link":             {one, at("b", "path", "/srv"), `path "/srv" is that`},
		"a jobs folder":      {at("a", "jobs_path", "/data/jobs"), at("b", "path", "/x", "jobs_path", "/data/jobs/"), `jobs_path "/data/jobs/" is that`},
		"its default folder": {one, at("b", "jobs_path", "/srv/.jobs"), `jobs_path "/srv/.jobs" is that`},
		"the same match":     {matching("a", map[string]any{"port": 80}), matching("b", map[string]any{"port": 80}), "match is that"},
		"with a match":       {one, map[string]any{"name": "b", "path": "/srv", "match": map[string]any{"port": 80}}, `path "/srv" is that`},
	} {
		t.Run(name, func(t *testing.T) {
			err := loadInstances(t, root, c.first, c.second)
			require.ErrorContains(t, err, "instances[1]: ")
			require.ErrorContains(t, err, c.want)
		})
	}
	require.NoError(t, loadInstances(t, root,
		one, at("b", "path", "/opt/other"), at("c", "endpoint", "http://10.0.0.1:7860"), at("d", "endpoint", "http://10.0.0.2:7860"),
		matching("e", map[string]any{"port": 80}), matching("f", map[string]any{"port": 81})))
	require.NoError(t, loadInstances(t, root,
		map[string]any{"name": "a", "path": "/srv", "match": map[string]any{"port": 80}}, map[string]any{"name": "b", "path": "/srv", "match": map[string]any{"port": 81}}),
		"services of one checkout")
}

// TestAnInstanceConfiguredByEverything: path, jobs_path, match and endpoint at once make one
// instance, of which the processes, the jobs and the server are told.
func TestAnInstanceConfiguredByEverything(t *testing.T) {
	server := gradio.New()
	server.Set(gradio.Behavior{Mode: gradio.Normal, AppID: 7, QueueSize: 1})
	listening := httptest.NewServer(server)
	defer listening.Close()
	host, err := proctest.NewProcRoot(t.TempDir(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.NoError(t, host.Checkout("/opt/studio", "3.8.1"))
	require.NoError(t, os.MkdirAll(host.Path("/data/jobs/queued"), 0o755))
	require.NoError(t, host.Put(proctest.ProcEntry{
		PID: 4_100_000, PPID: 1, Argv: []string{"python", "facefusion.py", "run", "--jobs-path", "/data/jobs"}, Cwd: "/opt/studio", StartTicks: 1000,
		Cgroup: "0::/system.slice/studio.service\n",
	}))
	cfg, err := load(t, confmap.NewFromStringMap(map[string]any{
		"root_path": host.Root(), "initial_delay": 0, "gpu": map[string]any{"enabled": false},
		"instances": []any{map[string]any{
			"name": "studio", "path": "/opt/studio", "jobs_path": "/data/jobs", "endpoint": listening.URL,
			"match": map[string]any{"cmdline": `facefusion\.py run`, "cgroup": `studio\.service$`},
		}},
	}))
	require.NoError(t, err)
	sink := new(consumertest.MetricsSink)
	r, err := NewFactory().CreateMetrics(t.Context(), receivertest.NewNopSettings(metadata.Type), cfg, sink)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
	emitted := func() map[string]bool { // instances and metrics
		all := make(map[string]bool)
		for _, m := range sink.AllMetrics() {
			for _, resource := range m.ResourceMetrics().All() {
				id := ""
				if v, ok := resource.Resource().Attributes().Get("service.instance.id"); ok {
					id = v.Str()
				}
				for _, scope := range resource.ScopeMetrics().All() {
					for _, one := range scope.Metrics().All() {
						all[id+" "+one.Name()] = true
					}
				}
			}
		}
		return all
	}
	assert.Eventually(t, func() bool {
		all := emitted()
		return all["studio facefusion.process.up"] && all["studio facefusion.job.folder.state"] && all["studio facefusion.server.up"]
	}, 30*time.Second, 50*time.Millisecond)
	require.NoError(t, r.Shutdown(t.Context()))
	for name := range emitted() {
		id, metric, _ := strings.Cut(name, " ")
		if strings.HasPrefix(metric, "facefusion.process.up") || strings.HasPrefix(metric, "facefusion.job.") || strings.HasPrefix(metric, "facefusion.server.") {
			assert.Equal(t, "studio", id, metric)
		}
	}
}
