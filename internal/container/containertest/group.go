package containertest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ControlGroup is a control group: its folders by controller.
type ControlGroup map[string]string

// NewControlGroup makes a group with this name, which goes away with the test. The test must be run
// as root, on a machine that has a memory controller.
func NewControlGroup(t *testing.T, name string) ControlGroup {
	t.Helper()
	require.Zero(t, os.Getuid(), "this test makes control groups and must be run as root")
	text, err := os.ReadFile("/proc/cgroups")
	require.NoError(t, err)
	g := ControlGroup{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line) // name, hierarchy, groups, enabled
		if len(fields) != 4 || fields[0] != "memory" && fields[0] != "cpu" && fields[0] != "cpuacct" && fields[0] != "pids" {
			continue
		}
		mount := "/sys/fs/cgroup/" + fields[0]
		if fields[1] == "0" {
			mount = "/sys/fs/cgroup"
			// It is switched on already where systemd runs.
			_ = os.WriteFile(mount+"/cgroup.subtree_control", []byte("+"+fields[0]), 0o600)
		}
		g[fields[0]] = mount + "/" + name
	}
	require.Contains(t, g, "memory", "this machine has no memory controller")
	for _, folder := range g {
		require.NoError(t, os.MkdirAll(folder, 0o755), "this test needs control groups that can be written to")
		t.Cleanup(func() {
			// a group goes away when its last process is fetched
			assert.Eventually(t, func() bool { err := os.Remove(folder); return err == nil || os.IsNotExist(err) }, 10*time.Second, 10*time.Millisecond)
		})
	}
	return g
}

// Limit gives it 64 MiB of memory and a tenth of a core.
func (g ControlGroup) Limit(t *testing.T) {
	t.Helper()
	g.set(t, "memory", [2]string{"memory.max", "67108864"}, [2]string{"memory.limit_in_bytes", "67108864"})
	g.set(t, "cpu", [2]string{"cpu.max", "10000 100000"}, [2]string{"cpu.cfs_quota_us", "10000"})
}

// Unthrottle takes the limit of CPU time away.
func (g ControlGroup) Unthrottle(t *testing.T) {
	t.Helper()
	g.set(t, "cpu", [2]string{"cpu.max", "max"}, [2]string{"cpu.cfs_quota_us", "-1"})
}

// set writes the first of the files that there is; each version has names of its own.
func (g ControlGroup) set(t *testing.T, controller string, files ...[2]string) {
	t.Helper()
	for _, file := range files {
		path := filepath.Join(g[controller], file[0])
		if _, err := os.Stat(path); err == nil {
			require.NoError(t, os.WriteFile(path, []byte(file[1]), 0o600))
			return
		}
	}
	require.Fail(t, "no limit", "%s has none of %v", g[controller], files)
}

// Enter moves a process into the group.
func (g ControlGroup) Enter(t *testing.T, pid int) {
	t.Helper()
	for _, folder := range g {
		require.NoError(t, os.WriteFile(folder+"/cgroup.procs", []byte(strconv.Itoa(pid)), 0o600))
	}
}

// Around moves this process into the group while it starts something, which is so born there as
// what a container runtime starts, and back.
func (g ControlGroup) Around(t *testing.T, start func()) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	require.NoError(t, err)
	before := ControlGroup{}
	for controller, folder := range g {
		for line := range strings.Lines(string(text)) {
			// hierarchy, controllers, path
			fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
			mount := filepath.Join("/sys/fs/cgroup", fields[1])
			if fields[1] == controller || fields[1] == "" && !strings.HasPrefix(folder, "/sys/fs/cgroup/"+controller+"/") {
				before[controller] = filepath.Join(mount, fields[2])
			}
		}
	}
	g.Enter(t, os.Getpid())
	defer before.Enter(t, os.Getpid())
	start()
}
