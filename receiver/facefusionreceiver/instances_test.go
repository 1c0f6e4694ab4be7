package facefusionreceiver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
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
