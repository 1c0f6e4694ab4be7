//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream/logtest"
	simulated "github.com/otelcol-facefusion/otelcol-facefusion/simulator/logs"
)

// ofContainers has the readers of containers in the pipeline, and nothing else.
const ofContainers = "service: {pipelines: {logs/facefusion: {receivers: [file_log/containers]}}}\n"

// TestLogsFromKubernetes plays recordings as containerd and CRI-O write them for the kubelet.
func TestLogsFromKubernetes(t *testing.T) {
	t.Parallel()
	l := startLogs(t, ofContainers)
	truths := map[string]logtest.Truth{}
	for runtime, zone := range map[string]*time.Location{"containerd": time.UTC, "cri-o": time.FixedZone("", 2*60*60)} {
		for _, name := range closedRecordings {
			path := runtime + "-" + filepath.Base(name) + "-json.log"
			file, err := os.Create(filepath.Join(l.dir, path))
			require.NoError(t, err)
			data := logRecording(t, name)
			cri := &logtest.CRI{To: file, Zone: zone}
			require.NoError(t, logtest.Play(cri, data, 1000))
			require.NoError(t, cri.Close())
			require.NoError(t, file.Close())
			truths[path] = logtest.Read(data)
		}
	}
	for path, truth := range truths {
		requireTruth(t, truth, func() []plog.LogRecord { return l.of(t, path) }, path)
	}
}

// TestLongLinesFromKubernetes: a runtime cuts a line where its buffer ends, also behind a blank;
// the line after it is another one. Of a bar that is open each part shows as it comes.
func TestLongLinesFromKubernetes(t *testing.T) {
	t.Parallel()
	l := startLogs(t, ofContainers+"processors: {facefusion_log: {progress_interval: 1s}}\n")
	file, err := os.Create(filepath.Join(l.dir, "0-json.log"))
	require.NoError(t, err)
	defer file.Close()
	cri := &logtest.CRI{To: file}
	long := "first " + strings.Repeat("x", 16<<10-8) + "y z"
	_, err = io.WriteString(cri, long+"\nsecond\nthird\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(l.read(t)) == 3 }, 10*time.Second, 50*time.Millisecond)
	for i, want := range []string{strings.TrimSpace(long[:16<<10]), "second", "third"} {
		require.Equal(t, want, l.read(t)[i].Body().Str())
	}
	begin := time.Now()
	for i := range 1000 {
		_, err = fmt.Fprintf(cri, "\rprocessing:  50%%|=====     | %d/2000 [00:10<00:10, 100.00frame/s, execution_providers=['cuda']]", 500+i)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return len(l.read(t)) > 3 }, 3*time.Second, 50*time.Millisecond)
	t.Logf("an open bar was seen after %v", time.Since(begin))
}

// TestLogsOfContainers has two FaceFusions, one in a container of Docker's and one in a pod: by
// their control groups the receiver knows whose lines are whose.
func TestLogsOfContainers(t *testing.T) {
	dir := t.TempDir()
	h := simulate(t, 2)
	const pod = "0a1b2c3d-0000-1111-2222-0123456789ab"
	id := strings.Repeat("3f", 32)
	groups := []string{"docker/" + id, "kubepods/burstable/pod" + pod + "/" + strings.Repeat("4e", 32)}
	paths := []string{filepath.Join(dir, "docker", id, id+"-json.log"), filepath.Join(dir, "pods", "media_facefusion-0_"+pod, "facefusion", "0.log")}
	var logs []io.WriteCloser
	for i, path := range paths {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		file, err := os.Create(path)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, file.Close()) })
		if i == 0 {
			logs = append(logs, &logtest.Docker{To: file})
		} else {
			logs = append(logs, &logtest.CRI{To: file})
		}
	}
	// each FaceFusion's standard error is a pipe to its runtime
	l := startLogsOf(t, dir+"/none", dir, ofContainers+fmt.Sprintf("receivers: {file_log/containers: {include: [%q, %q]}}\n", paths[0], paths[1]))
	names := make([]string, 2)
	for i, group := range groups {
		server, err := h.StartServer(i, nil, "--server-port", strconv.Itoa(17860+i))
		require.NoError(t, err)
		enclose(t, group, server.PID())
		t.Cleanup(func() { require.NoError(t, server.Kill(syscall.SIGKILL)) })
		l.eventually(t, 10*time.Second, "it is ready", func(p page) bool { return state(p, server.Port(), "ready") })
		l.eventually(t, 10*time.Second, "its folder is read", func(p page) bool {
			return len(p.samples("facefusion_job_folder_state", "facefusion_job_folder_state", "open")) == i+1
		})
		for _, s := range l.page(t).samples("facefusion_server_state", "server_port", strconv.Itoa(int(server.Port()))) {
			names[i] = s.labels["service_instance_id"]
		}
	}
	require.NotEqual(t, names[0], names[1])
	for i := range groups {
		require.NoError(t, playJobTo(h, i, simulated.New(logs[i]), fmt.Sprintf("ui-2026-11-25-22-00-0%d", i), 1+i))
	}
	for i, path := range paths {
		want := (1 + i) * 4
		require.Eventually(t, func() bool { return len(ofRuns(l.of(t, filepath.Base(path)))) == want }, 15*time.Second, 100*time.Millisecond, path)
		for _, r := range ofRuns(l.of(t, filepath.Base(path))) {
			job, there := r.Attributes().Get("facefusion.job.id")
			require.True(t, there, r.Body().Str())
			require.Equal(t, fmt.Sprintf("ui-2026-11-25-22-00-0%d", i), job.Str())
			require.False(t, r.TraceID().IsEmpty())
		}
		l.eventually(t, 10*time.Second, "frames are its own", func(p page) bool {
			return sumOf(p, "facefusion_phase_frames_total", "service_instance_id", names[i], "facefusion_phase", "processing") == float64((1+i)*frames)
		})
	}
}

// enclose moves a process into a control group of a container's name, in a hierarchy that the
// machine has.
func enclose(t *testing.T, name string, pid int) {
	t.Helper()
	for _, hierarchy := range []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/pids"} {
		if _, err := os.Stat(filepath.Join(hierarchy, "cgroup.procs")); err != nil {
			continue
		}
		group := filepath.Join(hierarchy, name)
		require.NoError(t, os.MkdirAll(group, 0o755))
		t.Cleanup(func() {
			for path := group; path != hierarchy; path = filepath.Dir(path) {
				require.Eventually(t, func() bool {
					err := os.Remove(path)
					return err == nil || errors.Is(err, os.ErrNotExist)
				}, 10*time.Second, 50*time.Millisecond, path)
			}
		})
		require.NoError(t, os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o600))
		return
	}
	require.FailNow(t, "no hierarchy of control groups")
}
