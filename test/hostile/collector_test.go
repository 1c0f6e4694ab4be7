package hostile

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
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binary is what `make build` left.
const (
	binary      = "../../bin/otelcol-facefusion"
	agentConfig = "../../config/agent.yaml"
)

// collector is the built binary, running.
type collector struct {
	cmd *exec.Cmd
	// URLs of the page, of the health check, and of the page about itself
	metrics, health, own string
	log                  *buffer
	ended                chan struct{}
}

// start runs the collector with the agent's own configuration and waits until it is ready. The
// overrides are YAML.
func start(t *testing.T, overrides ...string) *collector {
	t.Helper()
	return startWith(t, nil, nil, overrides...)
}

// startWith runs it with more of the configurations that are shipped, and an environment.
func startWith(t *testing.T, configs, env []string, overrides ...string) *collector {
	t.Helper()
	c := launch(t, configs, env, overrides...)
	c.waitReady(t)
	return c
}

func launch(t *testing.T, configs, env []string, overrides ...string) *collector {
	t.Helper()
	return launchAs(t, nil, configs, env, overrides...)
}

// launchAs runs it as another account than that of the test.
func launchAs(t *testing.T, account *syscall.SysProcAttr, configs, env []string, overrides ...string) *collector {
	t.Helper()
	ports := freePorts(t, 3)
	args := []string{"--config", agentConfig}
	for _, file := range configs {
		args = append(args, "--config", "../../config/"+file)
	}
	for i, text := range append([]string{listeners(ports)}, overrides...) {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("%d.yaml", i))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		args = append(args, "--config", file)
	}
	url := func(port int, path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", port, path) }
	c := &collector{
		cmd: exec.Command(binary, args...), metrics: url(ports[0], "/metrics"), health: url(ports[1], "/"), own: url(ports[2], "/metrics"),
		log: &buffer{}, ended: make(chan struct{}),
	}
	c.cmd.SysProcAttr = account
	c.cmd.Stdout, c.cmd.Stderr, c.cmd.Env = c.log, c.log, append(os.Environ(), env...)
	require.NoError(t, c.cmd.Start())
	go func() {
		_ = c.cmd.Wait() // the tests look at ProcessState
		close(c.ended)
	}()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.ended
	})
	return c
}

func listeners(ports []int) string {
	return fmt.Sprintf(`
exporters: {prometheus: {endpoint: "127.0.0.1:%d"}}
extensions: {health_check: {endpoint: "127.0.0.1:%d"}}
service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: %d}}}}]}}}
`, ports[0], ports[1], ports[2])
}

func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func (c *collector) waitReady(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		select {
		case <-c.ended:
			require.FailNow(t, "the collector ended", c.log.String())
		default:
		}
		_, err := fetch(c.health)
		return err == nil
	}, 30*time.Second, 20*time.Millisecond, "the collector is not ready: %s", c.log)
}

// terminate sends SIGTERM, waits for the end, and returns how long the collector took to shut down.
// What the kernel needs after that is its own: it keeps a process whose request the server of a
// stopped share has taken, until that answers. So release, if there is one, is called two seconds
// after the shutdown.
func (c *collector) terminate(t *testing.T, release ...func()) (took time.Duration) {
	t.Helper()
	begin := time.Now()
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	for ended := false; !ended; {
		select {
		case <-c.ended:
			ended = true
		case <-time.After(5 * time.Millisecond):
			require.Less(t, time.Since(begin), 20*time.Second, "the collector does not end: %s", c.log)
		}
		if took == 0 && strings.Contains(c.log.String(), "Shutdown complete.") {
			took = time.Since(begin)
		}
		if took > 0 && time.Since(begin) > took+2*time.Second {
			for _, f := range release {
				f()
			}
			release = nil
		}
	}
	require.Zero(t, c.cmd.ProcessState.ExitCode(), c.log.String())
	require.NotZero(t, took, "no word of a shutdown: %s", c.log)
	if whole := time.Since(begin); whole > took+time.Second {
		t.Logf("shut down within %v, kept by the kernel for %v", took, whole)
	}
	return took
}

// eventually waits until the page is as wanted.
func (c *collector) eventually(t *testing.T, within time.Duration, what string, wanted func(page) bool) {
	t.Helper()
	var last page
	for begin := time.Now(); time.Since(begin) < within; time.Sleep(20 * time.Millisecond) {
		if text, err := fetch(c.metrics); err == nil {
			if last = page(text); wanted(last) {
				return
			}
		}
	}
	require.FailNow(t, what, "after %v the page is\n%s\nand the log\n%s", within, last.ours(), c.log)
}

func (c *collector) page(t *testing.T) page {
	t.Helper()
	text, err := fetch(c.metrics)
	require.NoError(t, err)
	return page(text)
}

func (c *collector) ownPage(t *testing.T) page {
	t.Helper()
	text, err := fetch(c.own)
	require.NoError(t, err)
	return page(text)
}

// cpu is what the collector has used, in seconds.
func (c *collector) cpu(t *testing.T) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	require.NoError(t, err)
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	require.NoError(t, err)
	system, err := strconv.Atoi(fields[12])
	require.NoError(t, err)
	return float64(user+system) / 100
}

func fetch(url string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, answer.Status)
	}
	return string(text), err
}

// buffer is written by the collector and read by the test.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// page is a page of metrics in Prometheus' text format.
type page string

var (
	line  = regexp.MustCompile(`(?m)^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([^ \n]+)(?: #.*)?$`)
	label = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"`)
)

// sum adds up the series of a metric whose labels have the values that are given, in pairs, and
// counts them.
func (p page) sum(name string, pairs ...string) (total float64, series int) {
	versions := p.versions()
next:
	for _, m := range line.FindAllStringSubmatch(string(p), -1) {
		if m[1] != name {
			continue
		}
		labels := labelsOf(m[2])
		labels["service_version"] = versions[labels["service_instance_id"]]
		for i := 0; i < len(pairs); i += 2 {
			if labels[pairs[i]] != pairs[i+1] {
				continue next
			}
		}
		v, _ := strconv.ParseFloat(m[3], 64)
		total += v
		series++
	}
	return total, series
}

// versions are those of the instances: only the info metric has them, and the tests tell instances
// apart by them.
func (p page) versions() map[string]string {
	found := map[string]string{}
	for _, m := range line.FindAllStringSubmatch(string(p), -1) {
		if m[1] == "facefusion_instance_info" {
			labels := labelsOf(m[2])
			found[labels["service_instance_id"]] = labels["service_version"]
		}
	}
	return found
}

func labelsOf(text string) map[string]string {
	labels := map[string]string{}
	for _, l := range label.FindAllStringSubmatch(text, -1) {
		labels[l[1]] = l[2]
	}
	return labels
}

// is reports whether exactly one series has these labels, and this value.
func (p page) is(value float64, name string, pairs ...string) bool {
	total, series := p.sum(name, pairs...)
	return series == 1 && total == value
}

// ours is the page without what belongs to the host.
func (p page) ours() string {
	var b strings.Builder
	for l := range strings.Lines(string(p)) {
		if strings.HasPrefix(l, "facefusion_") {
			b.WriteString(l)
		}
	}
	return b.String()
}
