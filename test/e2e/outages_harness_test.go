//go:build e2e && outages

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/fakenvml"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
)

// harnessHost is the variable by which this test is told to be a host, harnessPorts its ports.
const (
	harnessHost  = "OUTAGE_HOST"
	harnessPorts = "OUTAGE_PORTS"
)

// outageHarness is a host on which something happens: processes of FaceFusion, perhaps two GPUs,
// and the built collector. It is a process of its own, in namespaces of its own: its collector sees
// no other host's processes.
type outageHarness struct {
	*testing.T
	h       *host.Machine
	server  *host.Proc
	agent   *program
	page    string
	ports   []int
	dir     string
	control fakenvml.Control
}

// pageHost is what happens on a host.
type pageHost struct {
	// gpus has it have two.
	gpus bool
	// config is what the collector is given beside agent.yaml, and files are what it has on top.
	config func(*outageHarness) string
	files  []string
	// begin is what goes on before anything happens; without it, a server starts.
	begin, breaks, mends func(*outageHarness)
}

// pageHostProcess is such a process, as the test sees it.
type pageHostProcess struct {
	page    string
	say     func(t *testing.T, what string)
	replies *bufio.Scanner
}

// startPageHost starts this test again, as a host.
func startPageHost(t *testing.T, name string) *pageHostProcess {
	t.Helper()
	ports := steadyPorts(t, 4)
	cmd := exec.Command("unshare", "--mount", "--pid", "--uts", "--fork", "--mount-proc", "--kill-child", os.Args[0], "-test.run=^TestPages$", "-test.timeout=15m", "-test.v")
	cmd.Env = append(os.Environ(), harnessHost+"="+name, fmt.Sprintf("%s=%d %d %d %d", harnessPorts, ports[0], ports[1], ports[2], ports[3]))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	read, write, err := os.Pipe()
	require.NoError(t, err)
	cmd.ExtraFiles = []*os.File{write}
	orders, err := cmd.StdinPipe()
	require.NoError(t, err)
	log := &buffer{}
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start(), "it needs root, and unshare of util-linux")
	require.NoError(t, write.Close())
	t.Cleanup(func() {
		_ = orders.Close() // this ends it
		err := cmd.Wait()
		_ = read.Close()
		if t.Failed() || err != nil {
			t.Errorf("the host: %v\n%s", err, log)
		}
	})
	h := &pageHostProcess{page: fmt.Sprintf("127.0.0.1:%d 127.0.0.1:%d", ports[0], ports[2]), replies: bufio.NewScanner(read)}
	h.say = func(t *testing.T, what string) {
		t.Helper()
		_, err := fmt.Fprintln(orders, what)
		require.NoError(t, err)
		require.True(t, h.replies.Scan(), "the host ended while it was to %s:\n%s", what, log)
		require.Equal(t, what, h.replies.Text())
	}
	return h
}

// beHost plays the part of a host, in the process that startPageHost started.
func beHost(t *testing.T, of pageHost) {
	require.NoError(t, syscall.Sethostname([]byte(os.Getenv(harnessHost))))
	s := &outageHarness{T: t, dir: t.TempDir()}
	for _, port := range strings.Fields(os.Getenv(harnessPorts)) {
		n, err := strconv.Atoi(port)
		require.NoError(t, err)
		s.ports = append(s.ports, n)
	}
	program, err := filepath.Abs(simulator)
	require.NoError(t, err)
	s.h, err = host.New(host.Settings{Dir: t.TempDir(), Instances: 1, Program: program, FirstPort: uint16(s.ports[3])})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.h.Close()) })

	replies := os.NewFile(3, "replies")
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		switch orders.Text() {
		case "begin":
			s.begin(of)
		case "break":
			of.breaks(s)
		case "mend":
			of.mends(s)
		}
		_, err := fmt.Fprintln(replies, orders.Text())
		require.NoError(t, err)
	}
}

func (s *outageHarness) begin(of pageHost) {
	config := fmt.Sprintf(`
exporters: {prometheus: {endpoint: "127.0.0.1:%d"}}
extensions: {health_check: {endpoint: "127.0.0.1:%d"}}
receivers: {facefusion: {collection_interval: 1s, web: {interval: 1s, timeout: 1s}, jobs: {interval: 500ms, stall_after: %v}}}
service:
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: %d}}}}]}}
  # The machine of the test has disks and memory of its own.
  pipelines: {metrics: {receivers: [facefusion]}}
`, s.ports[0], s.ports[1], 5*time.Minute/faster, s.ports[2])
	env := []string{"HOST_NAME=" + os.Getenv(harnessHost), "STATE_DIRECTORY=" + s.dir, "FACEFUSION_LOG=" + s.h.Logs()}
	overrides := []string{config}
	if of.gpus {
		library, err := fakenvml.Build(s.TempDir())
		require.NoError(s, err)
		s.control = fakenvml.Control(filepath.Join(s.TempDir(), "control"))
		s.driver()
		env = append(env, fakenvml.ControlEnv+"="+string(s.control))
		overrides = append(overrides, fmt.Sprintf("receivers: {facefusion: {gpu: {library_path: %s, deadline: 2s}}}\n", library))
	} else {
		overrides = append(overrides, "receivers: {facefusion: {gpu: {enabled: false}}}\n")
	}
	if of.config != nil {
		overrides = append(overrides, of.config(s))
	}
	s.agent = collectorProgram(s.T, s.ports[1], env, append([]string{agentConfig}, of.files...), overrides...)
	s.page = fmt.Sprintf("http://127.0.0.1:%d/metrics", s.ports[0])
	s.agent.start(s.T)
	if of.begin != nil {
		of.begin(s)
		return
	}
	s.serve()
}

// serve starts the server, and waits until the collector knows.
func (s *outageHarness) serve() {
	var err error
	s.server, err = s.h.StartServer(0, nil)
	require.NoError(s, err)
	s.eventually("the server is ready", func(p page) bool { return state(p, s.server.Port(), "ready") })
}

func (s *outageHarness) eventually(what string, wanted func(page) bool) {
	s.Helper()
	begin := time.Now()
	for {
		p := get(s.T, s.page)
		if wanted(p) {
			return
		}
		if time.Since(begin) > time.Minute {
			require.FailNow(s, what, "the page is\n%s\nand the log\n%s", p.facefusion(), s.agent.log.String())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// driver sets what the driver says, of GPUs that are not at their limits.
func (s *outageHarness) driver(lines ...string) {
	for gpu := range 2 {
		lines = append(lines, fmt.Sprintf("gpu.%d.clock_events 0", gpu), fmt.Sprintf("gpu.%d.link 4 4 16 16", gpu))
	}
	require.NoError(s, s.control.Set(lines...))
}
