//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestReload reloads the configuration many times with a loaded driver: nothing fails and nothing
// leaks.
func TestReload(t *testing.T) {
	c := start(t, fakeDriver(t, ""))
	c.eventually(t, 5*time.Second, "the GPUs are seen", func(p page) bool { return len(p.samples("hw_temperature_celsius", "hw_sensor_location", "gpu")) == 2 })
	reload := func() {
		ready := c.log.count("Everything is ready")
		require.NoError(t, c.cmd.Process.Signal(syscall.SIGHUP))
		require.Eventually(t, func() bool { return c.log.count("Everything is ready") > ready }, startTimeout, 10*time.Millisecond, c.log.String())
	}
	reload()
	files, threads := c.descriptors(t), c.threads(t)
	for range 10 {
		reload()
	}
	c.eventually(t, 5*time.Second, "the GPUs are seen again", func(p page) bool { return len(p.samples("hw_temperature_celsius", "hw_sensor_location", "gpu")) == 2 })
	// A few of either come and go with the Go runtime and the HTTP connections of this test.
	require.Less(t, c.descriptors(t), files+10)
	require.Less(t, c.threads(t), threads+10)
}

func (c *collector) descriptors(t *testing.T) int { return c.entries(t, "fd") }
func (c *collector) threads(t *testing.T) int     { return c.entries(t, "task") }

func (c *collector) entries(t *testing.T, name string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(c.cmd.Process.Pid), name))
	require.NoError(t, err)
	return len(entries)
}
