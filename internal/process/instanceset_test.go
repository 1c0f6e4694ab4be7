package process_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

func TestIDIsStable(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	id := only(t, w.pass()).ID
	assert.Regexp(t, regexp.MustCompile(`^facefusion-[0-9a-f]{4}$`), id)
	w.put(server(200, "/opt/facefusion"))
	w.remove(100)
	assert.Equal(t, id, only(t, w.pass()).ID, "after a restart of FaceFusion")
	w.restartCollector(process.Settings{})
	assert.Equal(t, id, only(t, w.pass()).ID, "after a restart of the collector")
}

func TestIDHasSafeCharacters(t *testing.T) {
	w := newHarness(t, process.Settings{})
	for n, folder := range []string{"/home/zoë/face fusion", "/-.-", "/" + strings.Repeat("x", 200)} {
		w.checkout(folder, "3.8.1")
		w.put(server(100+n, folder))
	}
	s := w.pass()
	require.Len(t, s.Instances, 3)
	for _, i := range s.Instances {
		assert.Regexp(t, regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`), i.ID)
	}
	assert.Regexp(t, "^face-fusion-", s.Instances[0].ID)
	assert.Regexp(t, "^facefusion-", s.Instances[1].ID)
}

func TestJobsFolderIsTheIdentity(t *testing.T) {
	for name, c := range map[string]struct {
		args [2][]string
		ini  string
		want int
	}{
		"default":               {want: 2},
		"one by argument":       {args: [2][]string{{"--jobs-path", "/data/jobs"}, {"--jobs-path=/data/jobs/"}}, want: 1},
		"relative and absolute": {args: [2][]string{{"--jobs-p", "../b/.jobs"}, nil}, want: 1},
		"through a link":        {args: [2][]string{{"--jobs-path", "/link/jobs"}, {"--jobs-path", "/data/jobs"}}, want: 1},
		"by ini":                {args: [2][]string{{"--jobs-path", "/data/jobs"}, nil}, ini: "[paths]\njobs_path = /data/jobs\n", want: 1},
		"argument before ini":   {args: [2][]string{{"--jobs-path", "/data/jobs"}, {"--jobs-path", "/data/other"}}, ini: "[paths]\njobs_path = /data/jobs\n", want: 2},
		"by another ini":        {args: [2][]string{{"--jobs-path", "/data/jobs"}, {"--config-path", "/data/c.ini"}}, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t, process.Settings{})
			w.checkout("/a", "3.8.1")
			w.checkout("/b", "3.8.1")
			require.NoError(t, w.host.WriteFile("/data/c.ini", "[paths]\njobs_path = /data/jobs\n"))
			require.NoError(t, os.Symlink(w.host.Path("/data"), w.host.Path("/link")))
			if c.ini != "" {
				require.NoError(t, w.host.WriteFile("/b/facefusion.ini", c.ini))
			}
			w.put(server(100, "/a", c.args[0]...))
			w.put(runner(101, "/b", c.args[1]...))
			assert.Len(t, w.pass().Instances, c.want)
		})
	}
}

func TestVersion2HasNoJobs(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "2.6.1")
	require.NoError(t, os.RemoveAll(w.host.Path("/opt/facefusion/.jobs")))
	p := server(100, "/opt/facefusion")
	p.Argv = []string{"python", "run.py", "--execution-providers", "cuda"}
	w.put(p)
	p.PID, p.Cwd = 101, "/home/somebody"
	w.put(p)
	i := only(t, w.pass())
	assert.Equal(t, "2.6.1", i.Version)
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {100}}, pids(i))
}

func TestVersionOfTheNewestProcess(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.7.0")
	w.put(server(100, "/opt/facefusion"))
	w.pass()
	w.checkout("/opt/facefusion", "3.8.1")
	assert.Equal(t, "3.7.0", only(t, w.pass()).Version, "what runs is still the old one")
	w.put(runner(101, "/opt/facefusion"))
	assert.Equal(t, "3.8.1", only(t, w.pass()).Version)
}

const overlay = `300 200 0:52 / / rw - overlay overlay rw,lowerdir=/l,upperdir=/var/lib/docker/overlay2/%s/diff,workdir=/w
301 300 8:1 /srv/models /facefusion/.assets rw - ext4 /dev/sda1 rw
`

func container(pid int, name string) proctest.ProcEntry {
	p := server(pid, "/facefusion")
	p.RootDir = "/containers/" + name
	p.MountInfo = strings.ReplaceAll(overlay, "%s", name)
	return p
}

func TestContainersWithEqualPaths(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/containers/a/facefusion", "3.7.0")
	w.checkout("/containers/b/facefusion", "3.8.1")
	w.put(container(100, "a"))
	w.put(container(101, "b"))
	s := w.pass()
	require.Len(t, s.Instances, 2)
	versions := map[string]string{}
	for _, i := range s.Instances {
		versions[i.Version] = i.ID
		assert.Equal(t, "/facefusion", i.Checkout)
		assert.Equal(t, "/facefusion/.jobs", i.JobsPath)
		assert.DirExists(t, i.JobsHostPath)
	}
	w.remove(100)
	s = w.pass()
	for _, i := range s.Instances {
		if i.ID == versions["3.7.0"] {
			assert.Empty(t, i.JobsHostPath, "the way through a process ends with it")
		} else {
			assert.DirExists(t, i.JobsHostPath)
		}
	}
	w.put(container(105, "a"))
	s = w.pass()
	require.Len(t, s.Instances, 2, "a container that was restarted is the same instance")
	for _, i := range s.Instances {
		assert.True(t, i.Up())
		assert.Equal(t, versions[i.Version], i.ID)
		assert.DirExists(t, i.JobsHostPath)
	}
}

func TestBindMountIsTheHostsFolder(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/containers/a/facefusion", "3.8.1")
	w.checkout("/srv/studio", "3.8.1")
	require.NoError(t, os.RemoveAll(w.host.Path("/containers/a/facefusion/.jobs")))
	// stands for the mount
	require.NoError(t, os.Symlink(w.host.Path("/srv/studio/.jobs"), w.host.Path("/containers/a/mnt")))
	in := container(100, "a")
	in.Argv = append(in.Argv, "--jobs-path", "/jobs dir")
	in.MountInfo += "302 300 8:1 /srv/studio/.jobs /jobs\\040dir rw - ext4 /dev/sda1 rw\n"
	w.put(in)
	w.put(runner(101, "/srv/studio"))
	i := only(t, w.pass())
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {100}, process.RoleRunner: {101}}, pids(i))
}

func TestConfiguredIsAlwaysReported(t *testing.T) {
	w := newHarness(t, process.Settings{Instances: []process.Configured{
		{Name: "studio", Path: "/opt/studio"}, {Name: "farm", Path: "/opt/farm", JobsPath: "/data/farm"}, {Name: "absent", Path: "/nowhere"},
	}})
	w.checkout("/opt/studio", "3.8.1")
	w.checkout("/opt/farm", "3.7.0")
	require.NoError(t, os.MkdirAll(w.host.Path("/data/farm"), 0o755))
	s := w.pass()
	require.Len(t, s.Instances, 3)
	for n, id := range []string{"absent", "farm", "studio"} {
		assert.Equal(t, id, s.Instances[n].ID)
		assert.True(t, s.Instances[n].Configured)
		assert.False(t, s.Instances[n].Up())
		assert.True(t, s.Instances[n].LastSeen.IsZero())
	}
	assert.Equal(t, "3.7.0", s.Instances[1].Version)
	assert.Equal(t, w.host.Path("/data/farm"), s.Instances[1].JobsHostPath)
	assert.Equal(t, w.host.Path("/opt/studio/.jobs"), s.Instances[2].JobsHostPath)

	w.put(server(100, "/opt/studio"))
	w.put(runner(101, "/opt/farm", "--jobs-path", "/data/farm"))
	w.put(server(102, "/opt/farm")) // with its own .jobs: not the configured one
	s = w.pass()
	require.Len(t, s.Instances, 4)
	up := map[string]bool{}
	for _, i := range s.Instances {
		up[i.ID] = i.Up()
	}
	assert.True(t, up["studio"])
	assert.True(t, up["farm"])
	assert.False(t, up["absent"])
}

func TestConfiguredTakesAProcessWithAnotherJobsFolder(t *testing.T) {
	w := newHarness(t, process.Settings{Instances: []process.Configured{{Name: "studio", Path: "/opt/studio"}}})
	w.checkout("/opt/studio", "3.8.1")
	w.pass()
	w.put(server(100, "/opt/studio", "--jobs-path", "/data/elsewhere"))
	i := only(t, w.pass())
	assert.Equal(t, "studio", i.ID)
	assert.Equal(t, "/data/elsewhere", i.JobsPath)
}

func TestConfiguredContainer(t *testing.T) {
	w := newHarness(t, process.Settings{Instances: []process.Configured{{Name: "studio", Path: "/facefusion"}}})
	w.checkout("/containers/a/facefusion", "3.8.1")
	w.checkout("/containers/b/facefusion", "3.8.1")
	w.checkout("/containers/c/facefusion", "3.8.1")
	w.put(container(100, "a"))
	w.put(container(101, "b"))
	s := w.pass()
	require.Len(t, s.Instances, 2)
	named := &s.Instances[1]
	require.Equal(t, "studio", named.ID)
	require.Equal(t, map[process.Role][]int{process.RoleServer: {100}}, pids(named), "a name is given once")
	w.remove(100)
	w.pass()
	w.put(container(103, "c"))
	s = w.pass()
	require.Len(t, s.Instances, 2)
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {103}}, pids(&s.Instances[1]), "a container that was created anew takes the name")
	assert.DirExists(t, s.Instances[1].JobsHostPath)
}

// TestConfiguredByEverything: a path, a jobs folder and a match that name the same are one
// instance, with the service, its workers and the runs beside it. (An endpoint only says where to
// ask.)
func TestConfiguredByEverything(t *testing.T) {
	w := newHarness(t, process.Settings{Instances: []process.Configured{{
		Name: "studio", Path: "/opt/studio", JobsPath: "/data/jobs",
		Match: &process.Match{Cmdline: regexp.MustCompile(`facefusion\.py run`), Cgroup: regexp.MustCompile(`studio\.service$`)},
	}}})
	w.checkout("/opt/studio", "3.8.1")
	require.Equal(t, "studio", only(t, w.pass()).ID)
	service := server(100, "/opt/studio", "--jobs-path", "/data/jobs")
	service.Cgroup = "0::/system.slice/studio.service\n"
	w.put(service)
	w.put(runner(101, "/opt/studio", "--jobs-path", "/data/jobs"))
	w.put(runner(102, "/opt/studio"))
	i := only(t, w.pass())
	assert.Equal(t, "studio", i.ID)
	assert.Len(t, i.Processes, 3)
	w.restart(process.Settings{Instances: []process.Configured{{Name: "studio", Path: "/opt/studio"}}})
	assert.Len(t, only(t, w.pass()).Processes, 3)
}
