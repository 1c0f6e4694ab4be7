//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/fakeproc"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/gradio"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
)

// simulate turns this machine into a FaceFusion host with real processes.
func simulate(t *testing.T, instances int) *host.Machine {
	t.Helper()
	program, err := filepath.Abs(simulator)
	require.NoError(t, err)
	h, err := host.New(host.Settings{Dir: t.TempDir(), Instances: instances, Program: program, FirstPort: 17860})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}

func state(p page, port uint16, name string) bool {
	return p.is(1, "facefusion_server_state", "server_port", strconv.Itoa(int(port)), "facefusion_server_state", name)
}

// TestLife follows a server from its start to its end with the shipped configuration: changes show
// immediately in spite of the interval of 15 s.
func TestLife(t *testing.T) {
	c := start(t, "")
	c.eventually(t, 3*time.Second, "none is known: process.up is 0 (these tests need to be alone: is a FaceFusion or a simulator running?)", func(p page) bool { return p.is(0, "facefusion_process_up") })

	h := simulate(t, 1)
	server, err := h.StartServer(0, nil)
	require.NoError(t, err)
	took := c.eventually(t, 3*time.Second, "a server appears", func(p page) bool {
		return p.is(1, "facefusion_instance_info", "service_version", "3.8.1") && state(p, server.Port(), "ready") &&
			p.is(1, "facefusion_server_up") && p.is(1, "facefusion_process_up")
	})
	t.Logf("up and ready after %v", took)

	decoy, err := h.StartDecoy("vim facefusion.py")
	require.NoError(t, err)
	second, err := h.StartServer(0, nil)
	require.NoError(t, err)
	require.Equal(t, server.Port()+1, second.Port())
	took = c.eventually(t, 3*time.Second, "a second one on the next port is an instance of its own", func(p page) bool {
		return state(p, server.Port(), "ready") && state(p, second.Port(), "ready") &&
			p.is(1, "facefusion_process_count", "facefusion_process_role", "server", "service_instance_id", instanceOf(p, server.Port())) &&
			p.is(1, "facefusion_process_count", "facefusion_process_role", "server", "service_instance_id", instanceOf(p, second.Port())) &&
			p.is(2, "facefusion_instances", "facefusion_instance_state", "up") && !hasPort(p, 0)
	})
	t.Logf("the second after %v", took)
	require.NoError(t, decoy.Kill(syscall.SIGKILL))

	require.NoError(t, server.Kill(syscall.SIGSTOP))
	// Two probes in a row, of which each may wait for the interval of 5 s and then 3 s for an
	// answer.
	took = c.eventually(t, 18*time.Second, "a stopped server is unresponsive", func(p page) bool {
		return state(p, server.Port(), "unresponsive") && state(p, second.Port(), "ready")
	})
	t.Logf("unresponsive after %v", took)
	require.NoError(t, server.Kill(syscall.SIGCONT))
	c.eventually(t, 8*time.Second, "it recovers", func(p page) bool { return state(p, server.Port(), "ready") })

	require.NoError(t, second.SetMode(gradio.Saturated))
	c.eventually(t, 12*time.Second, "it is saturated", func(p page) bool {
		return state(p, second.Port(), "saturated") && p.is(0, "facefusion_server_up", "server_port", fmt.Sprint(second.Port()))
	})

	one, other := instanceOf(c.page(t), server.Port()), instanceOf(c.page(t), second.Port())
	require.NoError(t, second.Kill(syscall.SIGKILL))
	took = c.eventually(t, time.Second, "a killed server is down within a second, the other one is not", func(p page) bool {
		return p.is(0, "facefusion_process_up", "service_instance_id", other) && state(p, second.Port(), "down") &&
			p.is(1, "facefusion_process_up", "service_instance_id", one) && state(p, server.Port(), "ready") &&
			p.is(1, "facefusion_process_exits_total", "facefusion_process_role", "server", "facefusion_exit_reason", "killed", "service_instance_id", other)
	})
	t.Logf("down after %v", took)

	taken, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", second.Port()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	third, err := h.StartServer(0, nil)
	require.NoError(t, err)
	require.Equal(t, second.Port()+1, third.Port())
	c.eventually(t, 3*time.Second, "it comes back on the next port, as the same instance, and nothing is down", func(p page) bool {
		return state(p, third.Port(), "ready") && instanceOf(p, third.Port()) == other && !hasPort(p, second.Port()) && !hasPort(p, 0) &&
			state(p, server.Port(), "ready") && p.is(2, "facefusion_instances", "facefusion_instance_state", "up")
	})

	require.NoError(t, third.Kill(syscall.SIGKILL))
	require.NoError(t, server.Kill(syscall.SIGKILL))
	c.eventually(t, time.Second, "both are killed", func(p page) bool {
		return p.is(0, "facefusion_instances", "facefusion_instance_state", "up") && state(p, server.Port(), "down") && state(p, third.Port(), "down")
	})
}

// instanceOf is the instance with a server on a port.
func instanceOf(p page, port uint16) string {
	for _, s := range p.samples("facefusion_server_state", "server_port", strconv.Itoa(int(port))) {
		return s.labels["service_instance_id"]
	}
	return ""
}

func hasPort(p page, port uint16) bool { return instanceOf(p, port) != "" }

// TestStarting: while models are downloaded the process lives, its port is closed, and that is not
// "down".
func TestStarting(t *testing.T) {
	c := start(t, "")
	h := simulate(t, 1)
	server, err := h.StartServer(0, func(s *fakeproc.Instruction) { s.Downloading = true })
	require.NoError(t, err)
	c.eventually(t, 3*time.Second, "a server that downloads is starting", func(p page) bool {
		return state(p, 0, "starting") && p.is(1, "facefusion_process_count", "facefusion_process_role", "curl")
	})
	require.NoError(t, server.SetDownloading(false))
	c.eventually(t, 3*time.Second, "then it is ready, and nothing is left of the port 0", func(p page) bool {
		return state(p, server.Port(), "ready") && len(p.samples("facefusion_server_state", "server_port", "0")) == 0
	})
}

// TestSeveralInstances share nothing but the host.
func TestSeveralInstances(t *testing.T) {
	c := start(t, "")
	h := simulate(t, 2)
	for instance := range 2 {
		_, err := h.StartServer(instance, nil)
		require.NoError(t, err)
	}
	runner, err := h.StartRunner(1, "job-run-all")
	require.NoError(t, err)
	c.eventually(t, 3*time.Second, "two instances, one with a runner", func(p page) bool {
		up := p.samples("facefusion_process_up")
		return len(up) == 2 && up[0].labels["service_instance_id"] != up[1].labels["service_instance_id"] &&
			p.is(2, "facefusion_instances", "facefusion_instance_state", "up") &&
			p.is(1, "facefusion_process_count", "facefusion_process_role", "runner")
	})
	require.NoError(t, runner.Exit(1))
	c.eventually(t, 2*time.Second, "the runner failed", func(p page) bool {
		return p.is(1, "facefusion_process_exits_total", "facefusion_process_role", "runner", "facefusion_exit_reason", "failed")
	})
}
