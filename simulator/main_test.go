package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/fakeproc"
)

func TestMain(m *testing.M) {
	fakeproc.Main()
	if os.Getenv("SIMULATOR_TEST_MAIN") != "" {
		main()
		return
	}
	// The race detector lets every process sleep for a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	goleak.VerifyTestMain(m)
}

// simulate starts the simulator with a command of its own, and returns it with its folder once all
// run.
func simulate(t *testing.T, args ...string) (cmd *exec.Cmd, dir string) {
	t.Helper()
	cmd = exec.Command("/proc/self/exe", append(args, "--speed", "1000", "--gpus", "0", "--", "sh", "-c",
		`cd "$FACEFUSION_SIMULATOR_DIR" && echo "command in $PWD" && exec sleep 1000`)...)
	cmd.Env = append(os.Environ(), "SIMULATOR_TEST_MAIN=1", "TMPDIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var ok bool
		if dir, ok = strings.CutPrefix(lines.Text(), "command in "); ok {
			break
		}
	}
	require.NotEmpty(t, dir)
	// The command and two servers.
	require.Eventually(t, func() bool { return len(processesIn(dir)) >= 3 }, 30*time.Second, 5*time.Millisecond)
	return cmd, dir
}

// processesIn finds the processes whose working directory is dir or below. Zombies have none.
func processesIn(dir string) (found []string) {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, dir) {
			found = append(found, link)
		}
	}
	return found
}

func TestEndsInOrder(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			cmd, dir := simulate(t)
			require.NoError(t, cmd.Process.Signal(signal))
			require.NoError(t, cmd.Wait())
			assert.Empty(t, processesIn(dir))
			assert.NoDirExists(t, dir)
		})
	}
}

func TestKilledLeavesNoProcess(t *testing.T) {
	cmd, dir := simulate(t)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	assert.Eventually(t, func() bool { return len(processesIn(dir)) == 0 }, 10*time.Second, 5*time.Millisecond)
}

func TestEndsWithItsCommand(t *testing.T) {
	var out bytes.Buffer
	dir := t.TempDir()
	require.NoError(t, run(t.Context(), []string{"--dir", dir, "--gpus", "0", "--instances", "1", "--", "echo", "the command ran"}, &out))
	assert.Contains(t, out.String(), "This is a simulator")
	assert.Contains(t, out.String(), "the command ran")
	assert.DirExists(t, filepath.Join(dir, "facefusion-0", ".jobs", "queued"), "a folder that was given stays")
	assert.Empty(t, processesIn(dir))

	err := run(t.Context(), []string{"--dir", dir, "--gpus", "0", "--", "false"}, &out)
	assert.ErrorContains(t, err, "run false: exit status 1")
}

func TestEndsInTime(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--dir", t.TempDir(), "--gpus", "0", "--duration", "100ms"}, &out))
	assert.Contains(t, out.String(), "A collector sees all of it")
}

func TestWrongOptions(t *testing.T) {
	for _, args := range []string{"--instances 0", "--gpus -1", "--port 0", "--speed 0", "--unknown"} {
		assert.Error(t, run(t.Context(), strings.Fields(args), new(bytes.Buffer)), fmt.Sprint(args))
	}
}
