package hostile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ext4 mounts a new ext4 of its own, on a loop device.
func ext4(t *testing.T) (at string) {
	t.Helper()
	at = filepath.Join(openFolder(t), "ext4")
	image := at + ".img"
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, 64<<20))
	require.NoError(t, os.Mkdir(at, 0o755))
	for _, command := range [][]string{{"mkfs.ext4", "-q", "-F", image}, {"mount", "-o", "loop", image, at}} {
		said, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		require.NoError(t, err, "%v: %s", command, said)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(at, syscall.MNT_DETACH)) })
	return at
}

// jobText is a job with a step for each status, as FaceFusion writes it.
func jobText(statuses ...string) []byte {
	var steps []string
	for _, status := range statuses {
		steps = append(steps, fmt.Sprintf(`{"args":{"target_path":"/in/a.mp4","output_path":"/out/a.mp4","processors":["face_swapper"]},"status":%q}`, status))
	}
	return fmt.Appendf(nil, `{"version":"1","date_created":"2026-01-01T00:00:00+00:00","date_updated":%q,"steps":[%s]}`,
		time.Now().Format("2006-01-02T15:04:05.000000-07:00"), strings.Join(steps, ","))
}

// TestTheWindowOfExt4: ext4 shows a file that is written anew empty, and under its old time, until
// its journal has room. While the disk is under load, a job that has waited for long is written
// again and again, and runs then. It is never unreadable, and its one run is one.
func TestTheWindowOfExt4(t *testing.T) {
	disk := ext4(t)
	path := filepath.Join(disk, "facefusion")
	checkout(t, path, "3.8.1", 0)
	serverOf(t, 0, path)
	file := filepath.Join(path, ".jobs", "queued", "mine.json")
	statuses := slices.Repeat([]string{"queued"}, 20)
	write := func() { require.NoError(t, os.WriteFile(file, jobText(statuses...), 0o644)) }
	write()
	c := start(t)
	state := func(p page, name string) float64 {
		n, _ := p.sum("facefusion_job_count", "facefusion_job_state", name)
		return n
	}
	c.eventually(t, 20*time.Second, "a job that waits", func(p page) bool { return state(p, "waiting") == 1 })

	// The disk under load, and a reader who sees what the collector may see.
	stop, windows := make(chan struct{}), 0
	var workers sync.WaitGroup
	defer workers.Wait()
	for n := range 4 {
		workers.Go(func() { loadDisk(t, filepath.Join(disk, fmt.Sprint("load", n)), stop) })
	}
	workers.Go(func() { windows = countWindows(file, stop) })
	time.Sleep(4 * time.Second) // an unreadable file is reported after 3
	for begin := time.Now(); time.Since(begin) < 20*time.Second; {
		write()
		p := c.page(t)
		require.Zero(t, state(p, "unreadable")+state(p, "orphaned"), "while it is written")
		require.InDelta(t, 1, state(p, "waiting"), 0)
	}
	for i := range statuses {
		statuses[i] = "started"
		write()
		if i == 0 {
			c.eventually(t, 10*time.Second, "it runs", func(p page) bool { return state(p, "running") == 1 })
		}
		time.Sleep(50 * time.Millisecond)
		statuses[i] = "completed"
		write()
	}
	require.NoError(t, os.Rename(file, filepath.Join(path, ".jobs", "completed", "mine.json")))
	c.eventually(t, 10*time.Second, "it has ended", func(p page) bool { return state(p, "completed") == 1 })
	close(stop)
	workers.Wait()
	p := c.page(t)
	runs, _ := p.sum("facefusion_job_finished_total")
	completed, _ := p.sum("facefusion_job_finished_total", "facefusion_outcome", "completed")
	assert.InDelta(t, 1, runs, 0, "one run")
	assert.InDelta(t, 1, completed, 0)
	t.Logf("a reader saw the file empty under its old time %d times", windows)
	require.NotZero(t, windows, "the window did not open, so that this test shows nothing")
}

// loadDisk fills the journal.
func loadDisk(t *testing.T, name string, stop <-chan struct{}) {
	block := make([]byte, 64<<10)
	for {
		select {
		case <-stop:
			return
		default:
		}
		f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if !assert.NoError(t, err) {
			return
		}
		_, err = f.Write(block)
		assert.NoError(t, err)
		assert.NoError(t, f.Sync())
		assert.NoError(t, f.Close())
	}
}

// countWindows counts how often a file is seen empty under the time at which it was not.
func countWindows(file string, stop <-chan struct{}) (windows int) {
	var full time.Time
	open := false
	for {
		select {
		case <-stop:
			return windows
		default:
		}
		info, err := os.Stat(file)
		switch {
		case err != nil:
			time.Sleep(time.Millisecond)
		case info.Size() > 0:
			full, open = info.ModTime(), false
		case info.ModTime().Equal(full) && !open:
			windows, open = windows+1, true
		}
	}
}
