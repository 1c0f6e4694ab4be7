//go:build e2e && servers

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pythonServer starts a server of test/servers; the Python that has the frameworks is named by
// FACEFUSION_PYTHON (`make e2e-servers` installs one).
type pythonServer struct {
	kind string
	port int
	// environment names certificates and the like.
	environment []string
	log         buffer
	cmd         *exec.Cmd
}

func (s *pythonServer) start(t *testing.T) {
	t.Helper()
	python := os.Getenv("FACEFUSION_PYTHON")
	require.NotEmpty(t, python, "FACEFUSION_PYTHON names no Python with the frameworks: run `make e2e-servers`")
	s.cmd = exec.Command(python, "facefusion.py", "run")
	s.cmd.Dir = "../servers"
	s.cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1", "SERVER_KIND="+s.kind, "SERVER_PORT="+strconv.Itoa(s.port))
	s.cmd.Env = append(s.cmd.Env, s.environment...)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() { s.end() })
}

// end kills the server and its workers.
func (s *pythonServer) end() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.cmd.Wait()
}

// TestServersOfOtherKinds: none of them is in a state that alerts, and at most three requests are
// needed to detect its kind.
func TestServersOfOtherKinds(t *testing.T) {
	for _, tt := range []struct{ service, state, kind string }{
		{"fastapi", "answering", "http"},
		{"v4", "ready", "http"},
		{"flask", "answering", "http"},
		{"gunicorn", "answering", "http"},
		{"aiohttp", "answering", "http"},
		{"grpc", "answering", "unknown"},
	} {
		t.Run(tt.service, func(t *testing.T) {
			c := start(t, "")
			s := &pythonServer{kind: tt.service, port: steadyPorts(t, 1)[0]}
			s.start(t)
			took := c.eventually(t, 30*time.Second, tt.state, func(p page) bool {
				return state(p, uint16(s.port), tt.state) && serverKind(p, s.port, tt.kind)
			})
			t.Logf("%s after %v", tt.state, took)
			require.LessOrEqual(t, strings.Count(s.log.String(), " 404 "), 3, s.log.String())
			s.end()
			c.eventually(t, 5*time.Second, "down", func(p page) bool { return state(p, uint16(s.port), "down") })
		})
	}
}

// TestServersWithHealthChecks: a service that speaks TLS, with a certificate of a throw-away
// authority, answers late, hangs, ends and comes back on another port.
func TestServersWithHealthChecks(t *testing.T) {
	for _, kind := range []string{"fastapi", "flask", "aiohttp"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			certificate(t, dir)
			ports := steadyPorts(t, 2)
			delay := filepath.Join(dir, "delay")
			checkout, err := filepath.Abs("../servers")
			require.NoError(t, err)
			s := &pythonServer{kind: kind, port: ports[0], environment: []string{
				"SERVER_CERT=" + filepath.Join(dir, "gateway.crt"), "SERVER_KEY=" + filepath.Join(dir, "gateway.key"), "SERVER_DELAY=" + delay,
			}}
			c := start(t, fmt.Sprintf(`
receivers:
  facefusion:
    instances:
      - name: swap-api
        path: %s
        health: {endpoint: "https://127.0.0.1:%d/health", body: '"status": ?"ok"', interval: 1s, timeout: 1s, tls: {ca_file: %s}}
`, checkout, s.port, filepath.Join(dir, "gateway.crt")))
			c.eventually(t, 5*time.Second, "down from the first page, as it is named", func(p page) bool { return state(p, uint16(s.port), "down") })
			s.start(t)
			is := func(name string) func(page) bool { return func(p page) bool { return state(p, uint16(s.port), name) } }
			c.eventually(t, 30*time.Second, "ready", func(p page) bool {
				remaining := p.samples("facefusion_health_certificate_remaining_seconds")
				return is("ready")(p) && serverKind(p, s.port, "http") && p.is(1, "facefusion_health_up") && len(remaining) == 1 && remaining[0].value > 3000
			})
			if kind != "aiohttp" { // which has no delay: it would stop the loop
				require.NoError(t, os.WriteFile(delay, []byte("3"), 0o600))
				c.eventually(t, 30*time.Second, "too late", is("unhealthy"))
				require.NoError(t, os.WriteFile(delay, []byte("0.1"), 0o600))
				c.eventually(t, 30*time.Second, "a little late", is("ready"))
			}
			require.NoError(t, s.cmd.Process.Signal(syscall.SIGSTOP))
			c.eventually(t, 30*time.Second, "stopped", is("unhealthy"))
			require.NoError(t, s.cmd.Process.Signal(syscall.SIGCONT))
			c.eventually(t, 30*time.Second, "and on again", is("ready"))
			s.end()
			c.eventually(t, 5*time.Second, "killed", is("down"))

			s.port = ports[1]
			s.start(t)
			c.eventually(t, 30*time.Second, "on another port, where nothing passes the check", func(p page) bool {
				return !p.is(1, "facefusion_health_up") && serverKind(p, s.port, "http")
			})
		})
	}
}

// TestServersThatSpeakTLS: TLS is detected without configuration.
func TestServersThatSpeakTLS(t *testing.T) {
	for _, kind := range []string{"fastapi", "flask", "aiohttp"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			certificate(t, dir)
			s := &pythonServer{kind: kind, port: steadyPorts(t, 1)[0], environment: []string{
				"SERVER_CERT=" + filepath.Join(dir, "gateway.crt"), "SERVER_KEY=" + filepath.Join(dir, "gateway.key"),
			}}
			c := start(t, "")
			s.start(t)
			c.eventually(t, 30*time.Second, "answering", func(p page) bool {
				return state(p, uint16(s.port), "answering") && serverKind(p, s.port, "http")
			})
		})
	}
}

// TestServersWithSeveralSockets: the lowest port is a debugger's, and the one that answers is the
// server; it is the one that is down in the end, and for the next collector.
func TestServersWithSeveralSockets(t *testing.T) {
	kept := fmt.Sprintf(`
extensions: {state_storage: {directory: %s}}
receivers: {facefusion: {storage: state_storage}}
service: {extensions: [health_check, state_storage]}
`, t.TempDir())
	c := start(t, kept)
	ports := steadyPorts(t, 2)
	slices.Sort(ports)
	s := &pythonServer{kind: "fastapi", port: ports[1], environment: []string{"SERVER_DEBUG_PORT=" + strconv.Itoa(ports[0])}}
	s.start(t)
	took := c.eventually(t, 60*time.Second, "answering", func(p page) bool {
		return state(p, uint16(ports[1]), "answering") && len(p.samples("facefusion_server_state", "server_port", strconv.Itoa(ports[0]))) == 0
	})
	t.Logf("answering after %v", took)
	s.end()
	down := func(p page) bool {
		return state(p, uint16(ports[1]), "down") && len(p.samples("facefusion_server_state", "server_port", strconv.Itoa(ports[0]))) == 0
	}
	c.eventually(t, 5*time.Second, "down", down)
	c.stop(t)
	start(t, kept).eventually(t, 5*time.Second, "down for the next one", down)
}
