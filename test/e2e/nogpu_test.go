//go:build e2e && nogpu

package e2e

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestABuildWithoutCgoSaysThatItHasNoGPUProbe: it needs no C library, runs beside a driver that
// works, says once why it does not load it, and the rest of the page is there.
func TestABuildWithoutCgoSaysThatItHasNoGPUProbe(t *testing.T) {
	program := filepath.Join(t.TempDir(), "otelcol-facefusion-nogpu")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	build.Dir, build.Env = "../../distribution/agent", append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	file, err := elf.Open(program)
	require.NoError(t, err)
	defer file.Close()
	for _, part := range file.Progs {
		require.NotEqual(t, elf.PT_INTERP, part.Type, "it is static")
	}
	c := startProgram(t, []string{program}, fakeDriver(t, ""))
	c.eventually(t, 20*time.Second, "the state of a driver that this build cannot load", func(p page) bool {
		return p.is(1, "nvidia_driver_state", "nvidia_driver_state", "unsupported") && len(p.samples("facefusion_process_up")) > 0
	})
	require.Empty(t, c.page(t).samples("nvidia_gpu_info"))
	require.Equal(t, 1, c.log.count("this build has no GPU probe"), c.log)
	require.Zero(t, c.log.count("it will be picked up when the driver answers"), c.log)
}
