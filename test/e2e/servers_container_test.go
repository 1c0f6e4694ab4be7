//go:build e2e && servers

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container/containertest"
)

// TestServersInAContainer: what the page says of a container whose quota throttles FaceFusion, and
// whose limit then kills it. The kernel's groups are real, in the version that this machine has,
// which the page says; there is no container runtime.
func TestServersInAContainer(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	// as Docker names that of a container
	group := containertest.NewControlGroup(t, "docker-"+id+".scope")
	group.Limit(t)
	wanted := filepath.Join(t.TempDir(), "wanted")
	s := &pythonServer{kind: "greedy", environment: []string{"SERVER_DELAY=" + wanted}}
	c := start(t, "")
	s.start(t)
	group.Enter(t, s.cmd.Process.Pid)
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
