//go:build e2e && servers

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// realContainer makes groups of this machine that are named as Docker names those of a container,
// by controller, in the version that the machine has each in: 64 MiB of memory, a tenth of a core.
func realContainer(t *testing.T, id string) map[string]string {
	t.Helper()
	require.Zero(t, os.Getuid(), "this test makes control groups and must be run as root")
	text, err := os.ReadFile("/proc/cgroups")
	require.NoError(t, err)
	folders := map[string]string{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line) // name, hierarchy, groups, enabled
		if len(fields) != 4 || fields[0] != "memory" && fields[0] != "cpu" && fields[0] != "cpuacct" && fields[0] != "pids" {
			continue
		}
		mount := "/sys/fs/cgroup/" + fields[0]
		if fields[1] == "0" {
			mount = "/sys/fs/cgroup"
			_ = os.WriteFile(mount+"/cgroup.subtree_control", []byte("+"+fields[0]), 0o600)
		}
		folders[fields[0]] = mount + "/docker-" + id + ".scope"
	}
	require.Contains(t, folders, "memory", "this machine has no memory controller")
	for _, folder := range folders {
		require.NoError(t, os.MkdirAll(folder, 0o755), "this test needs control groups that can be written to")
		t.Cleanup(func() {
			assert.Eventually(t, func() bool { err := os.Remove(folder); return err == nil || os.IsNotExist(err) }, 10*time.Second, 10*time.Millisecond)
		})
	}
	limit := func(folder string, files ...[2]string) {
		for _, file := range files {
			if _, err := os.Stat(filepath.Join(folder, file[0])); err == nil {
				require.NoError(t, os.WriteFile(filepath.Join(folder, file[0]), []byte(file[1]), 0o600))
				return
			}
		}
		require.Fail(t, "no limit", "%s has none of %v", folder, files)
	}
	limit(folders["memory"], [2]string{"memory.max", "67108864"}, [2]string{"memory.limit_in_bytes", "67108864"})
	limit(folders["cpu"], [2]string{"cpu.max", "10000 100000"}, [2]string{"cpu.cfs_quota_us", "10000"})
	return folders
}

// TestServersInAContainer: what the page says of a container whose quota throttles FaceFusion, and
// whose limit then kills it. The kernel's groups are real, in the version that this machine has,
// which the page says; there is no container runtime.
func TestServersInAContainer(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	folders := realContainer(t, id)
	wanted := filepath.Join(t.TempDir(), "wanted")
	s := &pythonServer{kind: "greedy", environment: []string{"SERVER_DELAY=" + wanted}}
	c := start(t, "")
	s.start(t)
	for _, folder := range folders {
		require.NoError(t, os.WriteFile(folder+"/cgroup.procs", []byte(strconv.Itoa(s.cmd.Process.Pid)), 0o600))
	}
	// A process that is moved is looked up again within a minute.
	took := c.eventually(t, 75*time.Second, "the container", func(p page) bool {
		return p.is(1, "facefusion_container_info", "container_id", id) && p.is(64<<20, "facefusion_container_memory_limit_bytes") && p.is(0.1, "facefusion_container_cpu_limit")
	})
	info := c.page(t).samples("facefusion_container_info")[0]
	t.Logf("version %s of the control groups, seen after %v", info.labels["facefusion_cgroup_version"], took)
	require.NoError(t, os.WriteFile(wanted, []byte("1"), 0o600))
	c.eventually(t, 60*time.Second, "it is throttled", func(p page) bool {
		throttled := p.samples("facefusion_container_cpu_throttled_time_seconds_total")
		return len(throttled) == 1 && throttled[0].value > 1
	})
	require.NoError(t, os.WriteFile(wanted, []byte("2"), 0o600))
	_ = s.cmd.Wait()
	c.eventually(t, 60*time.Second, "it is killed for memory, and down", func(p page) bool {
		return p.is(1, "facefusion_process_exits_total", "facefusion_process_role", "server", "facefusion_exit_reason", "oom_killed") &&
			len(p.samples("facefusion_server_state", "facefusion_server_state", "down")) == 1 && state(p, 0, "down")
	})
	for _, name := range []string{"killed", "unknown"} {
		assert.True(t, c.page(t).is(0, "facefusion_process_exits_total", "facefusion_process_role", "server", "facefusion_exit_reason", name), fmt.Sprint(name, " as well"))
	}
}
