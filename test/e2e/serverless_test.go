//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// received holds the names of what an OTLP store received.
type received struct {
	mu      sync.Mutex
	metrics map[string]bool
	events  map[string]bool
	hosts   map[string]bool
}

func (r *received) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	w.Header().Set("Content-Type", "application/x-protobuf")
	unpacked, err := gzip.NewReader(request.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(unpacked)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch request.URL.Path {
	case "/v1/metrics":
		data, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, resource := range data.ResourceMetrics().All() {
			host, _ := resource.Resource().Attributes().Get("host.name")
			r.hosts[host.Str()] = true
			for _, scope := range resource.ScopeMetrics().All() {
				for _, metric := range scope.Metrics().All() {
					r.metrics[metric.Name()] = true
				}
			}
		}
	case "/v1/logs":
		data, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, resource := range data.ResourceLogs().All() {
			for _, scope := range resource.ScopeLogs().All() {
				for _, record := range scope.LogRecords().All() {
					r.events[record.EventName()] = true
				}
			}
		}
	}
}

func (r *received) has(of map[string]bool, name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return of[name]
}

// serverlessWorker is a container without a host: with-agent, the agent of config/serverless.yaml
// and a FaceFusion written in Python.
type serverlessWorker struct {
	store  *received
	cmd    *exec.Cmd
	output bytes.Buffer
}

// newWorker prepares a worker whose FaceFusion runs the given Python. program is the collector that
// with-agent finds.
func newWorker(t *testing.T, python, program string) *serverlessWorker {
	t.Helper()
	w := &serverlessWorker{store: &received{metrics: map[string]bool{}, events: map[string]bool{}, hosts: map[string]bool{}}}
	server := httptest.NewServer(w.store)
	t.Cleanup(server.Close)

	checkout := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(checkout, "facefusion"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(checkout, "facefusion", "metadata.py"), []byte("METADATA =\\\n{\n\t'name': 'FaceFusion',\n\t'version': '3.8.1'\n}\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(checkout, "facefusion.py"), []byte(python), 0o644))

	programs := t.TempDir()
	absolute, err := filepath.Abs(program)
	require.NoError(t, err)
	require.NoError(t, os.Symlink(absolute, filepath.Join(programs, "otelcol-facefusion")))
	config, err := filepath.Abs("../../config/serverless.yaml")
	require.NoError(t, err)
	script, err := filepath.Abs("../../deploy/serverless/with-agent")
	require.NoError(t, err)

	w.cmd = exec.Command(script, "python3", "-u", "facefusion.py", "run")
	w.cmd.Dir = checkout
	w.cmd.Env = append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"), "AGENT_CONFIG="+config, "OTLP_ENDPOINT="+server.URL, "WORKER_ID=worker-7")
	w.cmd.Stdout, w.cmd.Stderr = &w.output, &w.output
	return w
}

// exitCode waits until the whole worker has ended.
func (w *serverlessWorker) exitCode(t *testing.T, within time.Duration) int {
	t.Helper()
	// a worker that hangs fails by its code
	timer := time.AfterFunc(within, func() { _ = w.cmd.Process.Kill() })
	defer timer.Stop()
	_ = w.cmd.Wait() // the code says it
	return w.cmd.ProcessState.ExitCode()
}

// The worker's own end is the last thing that the store hears of it, and its exit code is that of
// the container.
func TestServerlessFlushesAtTheEnd(t *testing.T) {
	w := newWorker(t, "import sys, time\ntime.sleep(8)\nsys.exit(7)\n", binary)
	require.NoError(t, w.cmd.Start())
	require.Equal(t, 7, w.exitCode(t, 40*time.Second), w.output.String())
	require.True(t, w.store.has(w.store.metrics, "facefusion.process.up"), w.output.String())
	require.True(t, w.store.has(w.store.events, "facefusion.process.exited"), w.output.String())
	require.True(t, w.store.has(w.store.hosts, "worker-7"))
}

// handler is a worker as hosted GPU pods have it: FaceFusion is started for each request.
const handler = `import signal, subprocess, sys, time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))

def handler(job):
    command = [sys.executable, "facefusion.py", "headless-run", "-s", "source.png", "-t", job["input"]["target"], "-o", "output.png"]
    return {"code": subprocess.run(command).returncode}

while True:
    handler({"input": {"target": "target.png"}})
    time.sleep(0.5)
`

// A handler's FaceFusions are seen, each of them, and SIGTERM reaches the handler, which may end as
// it likes.
func TestServerlessHandler(t *testing.T) {
	w := newWorker(t, "import time\ntime.sleep(1.5)\n", binary)
	require.NoError(t, os.WriteFile(filepath.Join(w.cmd.Dir, "handler.py"), []byte(handler), 0o644))
	w.cmd.Args = []string{w.cmd.Path, "python3", "-u", "handler.py"}
	require.NoError(t, w.cmd.Start())
	for _, event := range []string{"facefusion.process.started", "facefusion.process.exited"} {
		require.Eventually(t, func() bool { return w.store.has(w.store.events, event) }, 20*time.Second, 50*time.Millisecond, event)
	}
	require.Eventually(t, func() bool { return w.store.has(w.store.metrics, "facefusion.process.up") }, 20*time.Second, 50*time.Millisecond)
	require.NoError(t, w.cmd.Process.Signal(syscall.SIGTERM))
	require.Equal(t, 3, w.exitCode(t, 20*time.Second), w.output.String())
	require.True(t, w.store.has(w.store.events, "facefusion.process.exited"), w.output.String())
}

// Setting the entry point takes the command of the base image away, which is said.
func TestServerlessWithoutCommand(t *testing.T) {
	w := newWorker(t, "", binary)
	w.cmd.Args = w.cmd.Args[:1]
	require.NoError(t, w.cmd.Start())
	require.Equal(t, 64, w.exitCode(t, 20*time.Second))
	require.Contains(t, w.output.String(), "no command")
}

// An agent that cannot start does not affect the worker.
func TestServerlessWithoutAgent(t *testing.T) {
	w := newWorker(t, "print('done')\n", "/nonexistent/otelcol-facefusion")
	require.NoError(t, w.cmd.Start())
	require.Equal(t, 0, w.exitCode(t, 20*time.Second))
	require.True(t, strings.Contains(w.output.String(), "done"))
}
