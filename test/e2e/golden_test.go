//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"net"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/fakenvml"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/gradio"
)

var update = flag.Bool("update", false, "write the page into the golden file; read the diff")

// TestGoldenPage compares the whole page over a host of which everything is known: a /proc made of
// files, a scripted driver library, a web server of this test. The host's own metrics are left out
// of the pipeline: they are this machine's.
func TestGoldenPage(t *testing.T) {
	port, request := serveGradio(t)
	root := recordedHost(t, port)
	library, err := fakenvml.Build(t.TempDir())
	require.NoError(t, err)
	c := start(t, fmt.Sprintf(`
receivers: {facefusion: {collection_interval: 1s, root_path: %s, gpu: {library_path: %s}}}
service: {pipelines: {metrics: {receivers: [facefusion]}}}
`, root, library))
	// Energy and the driver's sample buffer are read every few seconds, Gradio's statistics, too.
	c.eventually(t, 40*time.Second, "everything was read once", func(p page) bool {
		return len(p.samples("hw_gpu_utilization_ratio")) == 6 && len(p.samples("hw_energy_joules_total")) == 2 && len(p.samples("facefusion_gpu_utilization_ratio")) == 6 &&
			len(p.samples("facefusion_server_requests_total")) > 0 && state(p, port, "ready")
	})
	request(9)
	c.eventually(t, 40*time.Second, "two requests since the collector looks; the seven before are not its own", func(p page) bool {
		return p.is(2, "facefusion_server_requests_total", "facefusion_function", "run")
	})
	got := masked(string(c.page(t)), port)
	if *update {
		require.NoError(t, os.WriteFile("testdata/metrics.txt", []byte(got), 0o644))
	}
	want, err := os.ReadFile("testdata/metrics.txt")
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run with -update and read the diff")
}

// recordedHost is the root of a host where FaceFusion 3.8.1 serves and runs a job, with an ffmpeg
// child, and where others only look like it.
func recordedHost(t *testing.T, port uint16) string {
	t.Helper()
	h, err := proctest.NewProcRoot(t.TempDir(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.NoError(t, h.Checkout("/opt/facefusion", "3.8.1"))
	require.NoError(t, h.WriteFile("/etc/hostname", "gpu-7\n"))
	require.NoError(t, h.WriteFile("/etc/machine-id", "0123456789abcdef0123456789abcdef\n"))
	const server, runner, ffmpeg, vim = 4190001, 4190002, 4190003, 4190004
	for _, p := range []proctest.ProcEntry{
		{
			PID: server, PPID: 1, Argv: []string{"python", "facefusion.py", "run"}, Cwd: "/opt/facefusion", Exe: "/usr/bin/python3.12", StartTicks: 1000,
			UserTicks: 12300, SystemTicks: 4500, Threads: 67, ResidentPages: 250000, ReadBytes: 111222, WriteBytes: 333444,
			Listens: []proctest.Socket{{Address: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), Inode: 987654}},
		},
		{
			PID: runner, PPID: 1, Argv: []string{"python", "facefusion.py", "job-run-all"}, Cwd: "/opt/facefusion", Exe: "/usr/bin/python3.12", StartTicks: 2000,
			UserTicks: 5600, SystemTicks: 700, Threads: 23, ResidentPages: 125000, ReadBytes: 555, WriteBytes: 666,
		},
		{
			PID: ffmpeg, PPID: runner, Argv: []string{"/usr/bin/ffmpeg", "-f", "rawvideo", "-i", "pipe:0", "-y", "/tmp/facefusion/clip/temp.mp4"},
			Cwd: "/opt/facefusion", Exe: "/usr/bin/ffmpeg", StartTicks: 3000, UserTicks: 880, SystemTicks: 99, Threads: 5, ResidentPages: 5000, ReadBytes: 77, WriteBytes: 88,
		},
		{PID: vim, PPID: 1, Argv: []string{"vim", "facefusion.py"}, Cwd: "/opt/facefusion", Exe: "/usr/bin/vim", StartTicks: 4000},
	} {
		require.NoError(t, h.Put(p))
	}
	return h.Root()
}

// serveGradio listens where the recorded server is said to. It has answered seven requests, and
// more when requests says so.
func serveGradio(t *testing.T) (port uint16, requests func(int)) {
	t.Helper()
	rate, p50, p90, p99 := 1.0, 61.5, 130.25, 171.75
	server := gradio.New()
	requests = func(n int) {
		server.Set(gradio.Behavior{Mode: gradio.Normal, AppID: 1, QueueSize: 3, Functions: map[string]gradio.FunctionSummary{
			"run": {SuccessRate: &rate, Requests: n, Percentiles: gradio.Percentiles{P50: &p50, P90: &p90, P99: &p99}},
		}})
	}
	requests(7)
	s := httptest.NewServer(server)
	t.Cleanup(s.Close)
	return uint16(s.Listener.Addr().(*net.TCPAddr).Port), requests
}

// volatile are the series whose values differ in each run: durations of the agent's own requests
// and uptimes of processes.
var volatile = regexp.MustCompile(`(?m)^((?:facefusion_server_probe_duration_seconds_(?:bucket|sum|count)|process_uptime_seconds)\{.*\}) .*$`)

// masked returns the page without the values that differ in each run.
func masked(text string, port uint16) string {
	text = strings.ReplaceAll(text, fmt.Sprintf(`server_port="%d"`, port), `server_port="PORT"`)
	return volatile.ReplaceAllString(text, "$1 VALUE")
}

// TestGoldenPageShowsNothingPrivate: no path, no command line, no name of a file in what an
// operator's stack stores.
func TestGoldenPageShowsNothingPrivate(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("testdata", "metrics.txt"))
	require.NoError(t, err)
	for _, private := range []string{"/opt", "/tmp", "temp.mp4", "facefusion.py", "job-run-all", "rawvideo", "4190001"} {
		require.NotContains(t, string(content), private)
	}
}
