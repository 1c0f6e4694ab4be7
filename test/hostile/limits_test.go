package hostile

import (
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
)

const overLimit = "otelcol_receiver_facefusion_over_limit"

// resident is the collector's memory in MB.
func (c *collector) resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", c.cmd.Process.Pid))
	require.NoError(t, err)
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	require.NoError(t, err)
	return pages * os.Getpagesize() >> 20
}

// TestAMillionEmptySteps: a job file of 3 MB with empty steps once took 1.8 GB and stopped the
// observation of all jobs for 34 s.
func TestAMillionEmptySteps(t *testing.T) {
	dir := openFolder(t)
	honest, evil := filepath.Join(dir, "honest"), filepath.Join(dir, "evil")
	checkout(t, honest, "3.8.1", 0)
	checkout(t, evil, "3.8.0", stranger)
	serverOf(t, 0, honest)
	serverOf(t, stranger, evil)
	c := start(t)
	c.eventually(t, 20*time.Second, "two jobs folders", open(2))
	before := c.resident(t)
	steps := strings.TrimSuffix(strings.Repeat("{},", 1_000_000), ",")
	file := filepath.Join(evil, ".jobs", "queued", "million.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"steps":[`+steps+`]}`), 0o644))
	job(t, honest, "first")
	c.eventually(t, 5*time.Second, "the honest job is counted", func(p page) bool {
		total, _ := p.sum("facefusion_job_finished_total", "service_version", "3.8.1")
		return total == 1
	})
	largest := 0
	for begin := time.Now(); time.Since(begin) < 8*time.Second; time.Sleep(50 * time.Millisecond) {
		largest = max(largest, c.resident(t))
	}
	t.Logf("%d MB before, %d MB at most", before, largest)
	require.Less(t, largest, before+100)
	c.eventually(t, 5*time.Second, "it is unreadable", func(p page) bool {
		return p.is(1, "facefusion_job_count", "service_version", "3.8.0", "facefusion_job_state", "unreadable")
	})
	require.True(t, c.ownPage(t).is(1, overLimit, "limit", "job_size"))
	require.Equal(t, 1, count(c.log.String(), "jobs are too large to be read"))
}

// TestAStrangersCheckouts: each of a thousand had 42 series. He has 64 places, and the honest one
// its own.
func TestAStrangersCheckouts(t *testing.T) {
	dir := openFolder(t)
	honest := filepath.Join(dir, "honest")
	checkout(t, honest, "3.8.1", 0)
	const n = 100
	var processes []*exec.Cmd
	for i := range n {
		evil := filepath.Join(dir, fmt.Sprint("evil-", i))
		checkout(t, evil, "3.8.0", stranger)
		processes = append(processes, serverOf(t, stranger, evil))
	}
	c := start(t)
	c.eventually(t, 20*time.Second, "his places", up(64))
	serverOf(t, 0, honest)
	c.eventually(t, 10*time.Second, "the honest one", func(p page) bool {
		return p.is(1, "facefusion_process_up", "service_version", "3.8.1") && up(65)(p)
	})
	require.True(t, c.ownPage(t).is(n-64, overLimit, "limit", "instances"))
	require.Equal(t, 1, count(c.log.String(), "too many instances"))
	text := c.page(t)
	t.Logf("a page of %d KB, %d of them ours", len(text)>>10, len(text.ours())>>10)
	require.Less(t, len(text), 2<<20)

	for _, p := range processes {
		_ = p.Process.Kill()
	}
	c.eventually(t, 20*time.Second, "only the honest one is up", up(1))
	other := filepath.Join(dir, "other")
	checkout(t, other, "3.8.2", stranger)
	serverOf(t, stranger, other)
	c.eventually(t, 10*time.Second, "one that is down makes room", func(p page) bool {
		return p.is(1, "facefusion_process_up", "service_version", "3.8.2")
	})
}

// TestAStrangersSilentServers: 300 silent servers of one user delayed the detection of another
// user's hang by two minutes.
func TestAStrangersSilentServers(t *testing.T) {
	dir := openFolder(t)
	honest := filepath.Join(dir, "honest")
	checkout(t, honest, "3.8.1", 0)
	server := listeningOf(t, 0, honest, true)
	for i := range 10 {
		evil := filepath.Join(dir, fmt.Sprint("evil-", i))
		checkout(t, evil, "3.8.0", stranger)
		for range 30 {
			listeningOf(t, stranger, evil, false)
		}
	}
	c := start(t)
	state := func(state string) func(page) bool {
		return func(p page) bool {
			return p.is(1, "facefusion_server_state", "service_version", "3.8.1", "facefusion_server_state", state)
		}
	}
	c.eventually(t, 20*time.Second, "the honest one is ready", state("ready"))
	time.Sleep(10 * time.Second) // at least two passes
	stopped := time.Now()
	require.NoError(t, server.Process.Signal(syscall.SIGSTOP))
	defer func() { _ = server.Process.Signal(syscall.SIGCONT) }()
	c.eventually(t, 30*time.Second, "it hangs", state("unresponsive"))
	t.Logf("seen after %v", time.Since(stopped))
	age, series := c.ownPage(t).sum("otelcol_receiver_facefusion_observation_age", "probe", "web")
	require.Equal(t, 1, series)
	require.Less(t, age, 60.0, "nobody but him waits")
	waiting, _ := c.ownPage(t).sum(overLimit, "limit", "server_turns")
	require.Greater(t, waiting, 100.0)
}

// TestInventedModels: 400 invented model names must not use up the limit for real ones.
func TestInventedModels(t *testing.T) {
	path := filepath.Join(openFolder(t), "facefusion")
	checkout(t, path, "3.8.1", 0)
	serverOf(t, 0, path)
	c := startWith(t, []string{"more-attributes.yaml"}, nil)
	c.eventually(t, 20*time.Second, "its folder", open(1))
	finish := func(id, model string, works func()) {
		steps := func(status string) []byte {
			return fmt.Appendf(nil, `{"date_created":%q,"date_updated":%q,"steps":[{"args":{"target_path":"/in/a.mp4","processors":["face_swapper"],"face_swapper_model":%q},"status":%q}]}`,
				"2026-01-01T00:00:00+00:00", time.Now().Format("2006-01-02T15:04:05.000000-07:00"), model, status)
		}
		queued, completed := filepath.Join(path, ".jobs", "queued", id+".json"), filepath.Join(path, ".jobs", "completed", id+".json")
		require.NoError(t, os.WriteFile(queued, steps("started"), 0o644))
		works()
		require.NoError(t, os.WriteFile(queued, steps("completed"), 0o644))
		require.NoError(t, os.Rename(queued, completed))
	}
	for i := range 200 {
		finish(fmt.Sprint("invented-", i), fmt.Sprint("model_", i), func() { time.Sleep(50 * time.Millisecond) })
	}
	// How long a step took is known of one that was seen to begin, and one that runs on the page is
	// the honest one only once the page shows none of the others.
	c.eventually(t, 20*time.Second, "the invented jobs have ended", func(p page) bool {
		return p.is(200, "facefusion_job_count", "facefusion_job_state", "completed") &&
			p.is(0, "facefusion_job_count", "facefusion_job_state", "running")
	})
	finish("honest", "inswapper_128", func() {
		c.eventually(t, 20*time.Second, "the honest job runs", func(p page) bool {
			return p.is(1, "facefusion_job_count", "facefusion_job_state", "running")
		})
	})
	c.eventually(t, 20*time.Second, "the honest model", func(p page) bool {
		_, series := p.sum("facefusion_step_duration_seconds_count", "facefusion_model", "inswapper_128")
		return series == 1
	})
	_, series := c.page(t).sum("facefusion_step_duration_seconds_count")
	require.LessOrEqual(t, series, 22, "20 others, other and the honest one")
	over, _ := c.ownPage(t).sum(overLimit, "limit", "models")
	require.Positive(t, over)
	require.Equal(t, 1, count(c.log.String(), "too many models"))
}
