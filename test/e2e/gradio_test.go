//go:build e2e && gradio

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The port that the servers of this test try first: not FaceFusion's own, somebody may be running
// it.
const gradioPort = 27860

// TestGradio watches a real Gradio, in a real Python process, in a folder shaped like a checkout of
// FaceFusion. The Python that has Gradio is named by FACEFUSION_PYTHON (`make e2e-gradio` installs
// one).
func TestGradio(t *testing.T) {
	python := os.Getenv("FACEFUSION_PYTHON")
	require.NotEmpty(t, python, "FACEFUSION_PYTHON names no Python with Gradio: run `make e2e-gradio`")
	c := start(t, "")
	g := realGradio{python: python, triggers: t.TempDir()}

	first := g.run(t)
	took := c.eventually(t, 60*time.Second, "it is up and ready, with its version and port", func(p page) bool {
		return p.is(1, "facefusion_process_up") && p.is(1, "facefusion_instance_info", "service_version", "3.8.1") && state(p, gradioPort, "ready") &&
			p.is(0, "facefusion_server_queue_size", "server_port", strconv.Itoa(gradioPort))
	})
	t.Logf("ready %v after the process was started, most of which is Python's", took)

	second := g.run(t)
	vim := exec.Command(python, "-c", "import time; time.sleep(600)", "facefusion.py", "run")
	vim.Args[0] = "vim"
	require.NoError(t, vim.Start())
	t.Cleanup(func() { _ = vim.Process.Kill(); _ = vim.Wait() })
	c.eventually(t, 60*time.Second, "a second one on the next port, and no third", func(p page) bool {
		return state(p, gradioPort, "ready") && state(p, gradioPort+1, "ready") && instanceOf(p, gradioPort) != instanceOf(p, gradioPort+1) &&
			len(p.samples("facefusion_process_up")) == 2
	})

	require.NoError(t, os.WriteFile(filepath.Join(g.triggers, "block-threads"), nil, 0o600))
	c.eventually(t, 20*time.Second, "every thread of the pool is taken", func(p page) bool { return state(p, gradioPort, "saturated") })
	require.NoError(t, os.Remove(filepath.Join(g.triggers, "block-threads")))
	c.eventually(t, 90*time.Second, "they are free again", func(p page) bool { return state(p, gradioPort, "ready") && state(p, gradioPort+1, "ready") })

	require.NoError(t, first.Process.Signal(syscall.SIGSTOP))
	c.eventually(t, 20*time.Second, "a stopped one is unresponsive", func(p page) bool { return state(p, gradioPort, "unresponsive") })
	require.NoError(t, first.Process.Signal(syscall.SIGCONT))
	c.eventually(t, 20*time.Second, "and ready again", func(p page) bool { return state(p, gradioPort, "ready") })

	require.NoError(t, first.Process.Kill())
	took = c.eventually(t, time.Second, "a killed one is down within a second, the other one is not", func(p page) bool {
		return state(p, gradioPort, "down") && state(p, gradioPort+1, "ready") &&
			p.is(0, "facefusion_process_up", "service_instance_id", instanceOf(p, gradioPort)) &&
			p.is(1, "facefusion_process_up", "service_instance_id", instanceOf(p, gradioPort+1))
	})
	t.Logf("down after %v", took)
	require.NoError(t, second.Process.Kill())
	c.eventually(t, time.Second, "nothing is up", func(p page) bool { return p.is(0, "facefusion_instances", "facefusion_instance_state", "up") })
}

// realGradio starts servers of the stand-in for a checkout.
type realGradio struct {
	python, triggers string
}

func (g realGradio) run(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(g.python, "facefusion.py", "run")
	cmd.Dir = "../gradio"
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "STANDIN_TRIGGERS="+g.triggers, "GRADIO_SERVER_PORT="+strconv.Itoa(gradioPort))
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}
