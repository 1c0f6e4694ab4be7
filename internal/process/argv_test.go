package process

import (
	"encoding/json"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// classify is what the Table does with a command line, less what it reads of the checkout.
func classify(argv []string, version string) (Role, bool) {
	s, ok := programOf(argv).script()
	if !ok || !isPython(path.Base(argv[0])) {
		return "", false
	}
	return s.roleFor(version)
}

func TestRecordedCommandLines(t *testing.T) {
	data, err := os.ReadFile("../../testdata/proc/cmdlines.json")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			Argv    []string `json:"argv"`
			Comm    string   `json:"comm"`
			Role    string   `json:"role"`
			Version string   `json:"version"`
			Child   string   `json:"child"`
		} `json:"cases"`
	}
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Cases)
	roles := map[string]Role{
		"ui_server": RoleServer, "job_runner": RoleRunner, "downloader": RoleDownloader, "benchmark": RoleBenchmark, "admin": RoleAdmin, "none": "", "service": RoleService,
	}
	for _, c := range file.Cases {
		t.Run(strings.Join(c.Argv, " "), func(t *testing.T) {
			want, known := roles[c.Role]
			require.True(t, known, c.Role)
			version := "3.8.1"
			switch {
			case strings.HasPrefix(c.Version, "v4"):
				version = "4.0.0"
			case strings.HasPrefix(c.Version, "1.x"):
				version = "2.6.1"
			}
			got, ok := classify(c.Argv, version)
			assert.Equal(t, want, got)
			assert.Equal(t, want != "", ok)
			if c.Child != "" {
				assert.Equal(t, Role(c.Comm), childRole(c.Comm, c.Argv))
			}
		})
	}
}

func TestScriptPosition(t *testing.T) {
	for line, want := range map[string]string{
		"python facefusion.py run":                   "facefusion.py",
		"python -u -X dev /opt/ff/facefusion.py run": "/opt/ff/facefusion.py",
		"python -Xdev -W ignore facefusion.py":       "facefusion.py",
		"python -uW ignore facefusion.py":            "facefusion.py",
		"python -OO facefusion.py":                   "facefusion.py",
		"python -c facefusion.py":                    "",
		"python -uc facefusion.py":                   "",
		"python -m facefusion.py":                    "",
		"python - facefusion.py":                     "",
		"python -X":                                  "",
		"python":                                     "",
	} {
		s, _ := programOf(strings.Fields(line)).script()
		assert.Equal(t, want, s.path, line)
	}
}

func TestRun(t *testing.T) {
	target := strings.Fields("python facefusion.py run -t a.mp4 -o b.mp4")
	for version, want := range map[string]Role{"3.8.1": RoleServer, "4.0.0": RoleRunner, "10.1.0": RoleRunner, "": RoleRunner} {
		got, _ := classify(target, version)
		assert.Equal(t, want, got, "version %q", version)
	}
	for version, want := range map[string]Role{"": RoleServer, "NEXT": RoleServer, "3.8.1": RoleServer, "v4": RoleRunner, "4.0.0": RoleRunner} {
		got, _ := classify(target[:3], version)
		assert.Equal(t, want, got, "version %q, no target", version)
	}
}

func TestJobsPathOption(t *testing.T) {
	for _, c := range []struct {
		line, version, want string
		found               bool
	}{
		{"job-run-all --jobs-path /a", "3.8.1", "/a", true},
		{"job-run-all --jobs-path=/a", "3.8.1", "/a", true},
		{"job-run-all --jobs-p /a", "3.8.1", "/a", true},
		{"job-run-all --j=/a", "3.8.1", "/a", true},
		{"job-run-all --jobs-path /a --jobs-path /b", "3.8.1", "/b", true},
		{"job-run-all -j /a", "3.0.1", "/a", true},
		{"job-run-all -j/a", "3.0.1", "/a", true},
		{"job-run-all -j /a", "3.1.0", "", false},
		{"job-run-all --jobs-paths /a", "3.8.1", "", false},
		{"job-run-all -- --jobs-path /a", "3.8.1", "", false},
		{"job-run-all --jobs-path", "3.8.1", "", false},
	} {
		got, found := jobsPathOption(strings.Fields(c.line), c.version)
		assert.Equal(t, c.want, got, c.line)
		assert.Equal(t, c.found, found, c.line)
	}
}

func TestConfigPathOption(t *testing.T) {
	for line, want := range map[string]string{
		"3.8.1 run --config-path /etc/ff.ini": "/etc/ff.ini",
		"2.6.1 --config /etc/ff.ini":          "/etc/ff.ini",
		"2.6.1 -c /etc/ff.ini":                "/etc/ff.ini",
		"3.0.0 run -c /etc/ff.ini":            "/etc/ff.ini",
		"3.1.0 run -c /etc/ff.ini":            "",
	} {
		version, args, _ := strings.Cut(line, " ")
		got, _ := configPathOption(strings.Fields(args), version)
		assert.Equal(t, want, got, line)
	}
}

func TestIniJobsPath(t *testing.T) {
	for content, want := range map[string]string{
		"[paths]\njobs_path = /data/jobs\n":              "/data/jobs",
		"[paths]\nJobs_Path: /data/jobs\n":               "/data/jobs",
		"[paths]\njobs_path =\n":                         "",
		"[misc]\njobs_path = /data/jobs\n":               "",
		"[paths]\njobs_path = /data/#1; jobs\n":          "/data/#1; jobs",
		"[paths]\njobs_path = \"/q\"\n":                  `"/q"`,
		"nonsense\n[paths]\n??\njobs_path = /data/j\\\n": `/data/j\`,
		"\x00\xff[": "",
	} {
		assert.Equal(t, want, parsePaths([]byte(content)).jobs, "%q", content)
	}
}

func TestVersionIsAShortWord(t *testing.T) {
	for content, want := range map[string]string{
		"METADATA =\n{\n\t'version': '3.8.1',":         "3.8.1",
		"'version':'3.9.0.dev1'":                       "3.9.0.dev1",
		"'version': '<script>'":                        "",
		"'version': '" + strings.Repeat("9", 99) + "'": "",
		"": "",
	} {
		assert.Equal(t, want, parseVersion([]byte(content)))
	}
}

func FuzzArgv(f *testing.F) {
	f.Add([]byte("python\x00-u\x00facefusion.py\x00run\x00--jobs-path\x00/x\x00"))
	f.Add([]byte("python\x00-X\x00run.py\x00-j\x00"))
	f.Add([]byte("\x00\x00--\x00=\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		argv := splitArgv(data)
		s, ok := programOf(argv).script()
		if !ok {
			return
		}
		if !assert.Contains(t, argv[1:], s.path) || s.path == "" || s.path[0] == '-' {
			t.Fatalf("script %q out of %q", s.path, argv)
		}
		role, ok := s.roleFor("")
		if ok != (role != "") || ok && (role.Child() || s.kind() == noFaceFusion) {
			t.Fatalf("role %q (%v) of %q", role, ok, argv)
		}
		for _, version := range []string{"3.0.0", "3.8.1"} {
			if path, ok := jobsPathOption(s.args, version); !ok && path != "" {
				t.Fatalf("jobs path %q without an option in %q", path, argv)
			}
			configPathOption(s.args, version)
		}
	})
}

// TestPathsInAnFFmpegsArguments: they say on what it works.
func TestPathsInAnFFmpegsArguments(t *testing.T) {
	for command, want := range map[string][]string{
		"/usr/bin/ffmpeg -ss 0 -i /in/clip.mp4 -f rawvideo -":                              {"/in/clip.mp4"},
		"/usr/bin/ffmpeg -f rawvideo -i pipe:0 -c:v libx264 -y /tmp/facefusion/a/temp.mp4": {"/tmp/facefusion/a/temp.mp4"},
		"/usr/bin/ffmpeg -i in.mp4 -y out.mp4":                                             {"out.mp4"},
		"/usr/bin/ffmpeg -loglevel error -encoders":                                        nil,
		"/usr/bin/ffmpeg": nil,
	} {
		assert.Equal(t, want, pathsIn(RoleFFmpeg, strings.Fields(command)), command)
	}
	assert.Empty(t, pathsIn(RoleFFmpeg, nil))
	assert.Empty(t, pathsIn(RoleServer, []string{"python", "/opt/facefusion/facefusion.py"}))
	assert.Len(t, pathsIn(RoleFFmpeg, strings.Fields(strings.Repeat("/in/a.mp4 ", 100))), maxPaths)
}
