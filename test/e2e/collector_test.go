//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binary is built by `make build`, simulator by `make bin/simulator`.
const (
	binary       = "../../bin/otelcol-facefusion"
	simulator    = "../../bin/simulator"
	agentConfig  = "../../config/agent.yaml"
	startTimeout = 20 * time.Second
)

// collector is the built binary, running.
type collector struct {
	cmd     *exec.Cmd
	metrics string // URL of the page
	health  string // URL of the health check
	own     string // URL of the page about itself
	log     *buffer
	ended   chan struct{}
}

// start runs the collector with the agent's own configuration, on ports of its own, and waits until
// it is ready. The overrides are YAML.
func start(t *testing.T, overrides string) *collector {
	t.Helper()
	return startWith(t, overrides)
}

// byKind counts runs by origin and media as well, which is off by default.
const byKind = `
receivers: {facefusion: {metrics: {facefusion.job.finished: {attributes: [facefusion.outcome, facefusion.origin, facefusion.media]}}}}
`

// startWith is start with several overrides, of which later ones win.
func startWith(t *testing.T, overrides ...string) *collector {
	t.Helper()
	return startBehind(t, nil, overrides...)
}

// startBehind is startWith behind another program, which executes the collector in the end.
func startBehind(t *testing.T, before []string, overrides ...string) *collector {
	t.Helper()
	return startProgram(t, append(slices.Clone(before), binary), overrides...)
}

// startProgram is startWith of a program that takes the arguments of the collector.
func startProgram(t *testing.T, program []string, overrides ...string) *collector {
	t.Helper()
	ports := freePorts(t, 3)
	arguments := append(slices.Clone(program), "--config", agentConfig)
	for i, text := range append([]string{listeners(ports)}, overrides...) {
		if text == "" {
			continue
		}
		file := filepath.Join(t.TempDir(), fmt.Sprintf("override-%d.yaml", i))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		arguments = append(arguments, "--config", file)
	}
	c := &collector{
		cmd:     exec.Command(arguments[0], arguments[1:]...),
		metrics: fmt.Sprintf("http://127.0.0.1:%d/metrics", ports[0]),
		health:  fmt.Sprintf("http://127.0.0.1:%d/", ports[1]),
		own:     fmt.Sprintf("http://127.0.0.1:%d/metrics", ports[2]),
		log:     &buffer{},
		ended:   make(chan struct{}),
	}
	c.cmd.Env = append(os.Environ(), "GOMAXPROCS=1") // as the unit has it
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	require.NoError(t, c.cmd.Start())
	go func() {
		_ = c.cmd.Wait() // the tests look at ProcessState
		close(c.ended)
	}()
	t.Cleanup(func() { c.stop(t) })
	c.waitReady(t)
	return c
}

func listeners(ports []int) string {
	return fmt.Sprintf(`
exporters: {prometheus: {endpoint: "127.0.0.1:%d"}}
extensions: {health_check: {endpoint: "127.0.0.1:%d"}}
service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: %d}}}}]}}}
`, ports[0], ports[1], ports[2])
}

func (c *collector) waitReady(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		select {
		case <-c.ended:
			require.FailNow(t, "the collector ended", c.log.String())
		default:
		}
		answer, err := http.Get(c.health)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, startTimeout, 20*time.Millisecond, "the collector is not ready")
}

// stop ends the collector by SIGTERM and requires exit code 0 within the deadline.
func (c *collector) stop(t *testing.T) {
	t.Helper()
	select {
	case <-c.ended:
		return
	default:
	}
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-c.ended:
		require.Zero(t, c.cmd.ProcessState.ExitCode(), c.log.String())
	case <-time.After(15 * time.Second):
		_ = c.cmd.Process.Kill()
		require.Fail(t, "the collector does not end", c.log.String())
	}
}

// page returns the collector's current page.
func (c *collector) page(t *testing.T) page { return get(t, c.metrics) }

// eventually waits until the page satisfies the condition, and returns the time that it took.
func (c *collector) eventually(t *testing.T, within time.Duration, what string, wanted func(page) bool) time.Duration {
	t.Helper()
	begin := time.Now()
	for {
		p := c.page(t)
		if wanted(p) {
			return time.Since(begin)
		}
		if time.Since(begin) > within {
			require.FailNow(t, what, "after %v the page is\n%s\nand the log\n%s", within, p.facefusion(), c.log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func get(t *testing.T, url string) page {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return page(body)
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// buffer collects a log from several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *buffer) count(text string) int { return strings.Count(b.String(), text) }
