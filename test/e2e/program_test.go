//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The programs of the stack beside the collector. `make e2e-durability` and `make e2e-traces` build
// them.
const (
	prometheusBinary = "../../.cache/prometheus/prometheus"
	jaegerBinary     = "../../.cache/jaeger/jaeger"
)

// program is one process of the stack. It can be killed at any time and started again with the same
// arguments.
type program struct {
	args  []string
	env   []string
	ready string // URL that answers 200 when it is
	log   buffer
	cmd   *exec.Cmd
	ended chan struct{}
}

// start starts it and waits until it is ready. It ends with the test.
func (p *program) start(t *testing.T) {
	t.Helper()
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	// The kernel ends the program with the test.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, p.cmd.Start())
	cmd, ended := p.cmd, make(chan struct{})
	p.ended = ended
	go func() {
		_ = cmd.Wait() // how it ended is not asked: most are killed
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	require.Eventually(t, func() bool {
		select {
		case <-ended:
			require.FailNow(t, "it ended", "%s\n%s", p.args[0], p.log.String())
		default:
		}
		return answers(p.ready)
	}, 3*startTimeout, 20*time.Millisecond, p.args[0]+" is not ready")
}

// kill sends SIGKILL: the program cannot write or announce anything.
func (p *program) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	<-p.ended
}

func answers(url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// nextPort is below the ports that the kernel gives to connections: what was killed finds its own
// again.
var nextPort atomic.Int32

// steadyPorts returns ports of 127.0.0.1 that stay free while a program is down.
func steadyPorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	const first, last = 20000, 30000
	for len(ports) < n {
		port := first + int(nextPort.Add(1))
		require.Less(t, port, last, "no free ports")
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			ports = append(ports, port)
		}
	}
	return ports
}

// collectorProgram is the built collector with configurations of ours, and then the YAML of a test.
func collectorProgram(t *testing.T, health int, env []string, files []string, overrides ...string) *program {
	t.Helper()
	p := &program{args: []string{binary}, env: env, ready: fmt.Sprintf("http://127.0.0.1:%d/", health)}
	for _, file := range files {
		p.args = append(p.args, "--config", file)
	}
	for _, text := range overrides {
		file := filepath.Join(t.TempDir(), "override.yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		p.args = append(p.args, "--config", file)
	}
	return p
}

// prometheusProgram is a real Prometheus with a folder of its own, which outlives a kill.
func prometheusProgram(t *testing.T, port int, config string, flags ...string) *program {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	return &program{
		args: append([]string{
			prometheusBinary, "--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--log.level=warn",
			fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port),
		}, flags...),
		ready: fmt.Sprintf("http://127.0.0.1:%d/-/ready", port),
	}
}
