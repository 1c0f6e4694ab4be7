package container_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container/containertest"
)

// startIn starts a shell in the group, which goes on at the end of its input.
func startIn(t *testing.T, group containertest.ControlGroup, script string) (*exec.Cmd, func()) {
	t.Helper()
	cmd := exec.Command("sh", "-c", "read _; "+script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	input, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	group.Enter(t, cmd.Process.Pid)
	return cmd, func() { require.NoError(t, input.Close()) }
}

// TestRealGroup: a quota that throttles, and a limit of memory that kills. The kernel, its groups
// and the processes are real, in the version that this machine has its memory controller in, which
// the log says; of the other version, TestVersionOne and TestVersionTwo read files as kernels have
// them.
func TestRealGroup(t *testing.T) {
	group := containertest.NewControlGroup(t, fmt.Sprintf("facefusion-test-%d", os.Getpid()))
	group.Limit(t)
	busy, begin := startIn(t, group, "while :; do :; done")
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", busy.Process.Pid))
	require.NoError(t, err)
	groups, location := container.NewGroups("/"), container.ParseLocation(text)
	view := groups.View(&location)
	before := groups.Read(&view)
	assert.InDelta(t, 0.1, before.CPULimit.V, 1e-9)
	assert.Equal(t, int64(64<<20), before.MemoryLimit.V)
	assert.True(t, before.Memory.Known)
	assert.Equal(t, int64(0), before.OOMKills.V)
	assert.True(t, before.OOMKills.Known)
	assert.Positive(t, before.Processes.V)
	begin()
	require.Eventually(t, func() bool { return groups.Read(&view).Throttled.V > 0.1 }, 20*time.Second, 20*time.Millisecond, "the quota throttles")
	after := groups.Read(&view)
	assert.Greater(t, after.CPUUser.V+after.CPUSystem.V, before.CPUUser.V+before.CPUSystem.V)
	require.NoError(t, busy.Process.Kill())

	group.Unthrottle(t)
	// dd holds its block in memory, twice what it may have
	greedy, begin := startIn(t, group, "exec dd if=/dev/zero of=/dev/null bs=128M count=1")
	begin()
	require.Error(t, greedy.Wait())
	assert.Equal(t, syscall.SIGKILL, greedy.ProcessState.Sys().(syscall.WaitStatus).Signal())
	killed := groups.Read(&view)
	assert.Equal(t, int64(1), killed.OOMKills.V)
	assert.GreaterOrEqual(t, killed.MemoryPeak.V, int64(32<<20))
	assert.False(t, killed.CPULimit.Known, "no quota any more")
	t.Logf("%s: throttled for %.2f s, peak %d MiB, killed %d", killed.Version, after.Throttled.V, killed.MemoryPeak.V>>20, killed.OOMKills.V)
}

// TestAPassTakesLittle: 100 microseconds of CPU for an instance and pass, on the groups of this
// machine.
func TestAPassTakesLittle(t *testing.T) {
	text, err := os.ReadFile("/proc/self/cgroup")
	require.NoError(t, err)
	groups, location := container.NewGroups("/"), container.ParseLocation(text)
	view := groups.View(&location)
	var u container.Usage
	const passes = 3000
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin := threadCPU(t)
	for n := range passes {
		groups.ReadPart(&view, n%container.Parts, &u)
	}
	took := (threadCPU(t) - begin) / passes
	t.Logf("%v for a pass, %s", took, u.Version)
	assert.Less(t, took, 100*time.Microsecond)
}

func threadCPU(t *testing.T) time.Duration {
	t.Helper()
	var r unix.Rusage
	require.NoError(t, unix.Getrusage(unix.RUSAGE_THREAD, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkRealRead is what one pass takes for an instance: a part of the reading.
func BenchmarkRealRead(b *testing.B) {
	text, err := os.ReadFile("/proc/self/cgroup")
	require.NoError(b, err)
	groups, location := container.NewGroups("/"), container.ParseLocation(text)
	view := groups.View(&location)
	var u container.Usage
	for n := 0; b.Loop(); n++ {
		groups.ReadPart(&view, n%container.Parts, &u)
	}
}
