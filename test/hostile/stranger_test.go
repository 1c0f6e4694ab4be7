package hostile

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// stranger is an account of the host that has nothing to do with FaceFusion or the collector.
const stranger = 4_001

// TestAStrangersFIFO: a user swaps the marker of his checkout for a FIFO as fast as he can, so that
// it may be one between stat and open. Opening it must not block.
func TestAStrangersFIFO(t *testing.T) {
	dir := openFolder(t)
	honest, evil := filepath.Join(dir, "honest"), filepath.Join(dir, "evil")
	checkout(t, honest, "3.8.1", 0)
	checkout(t, evil, "3.8.0", stranger)
	server := serverOf(t, 0, honest)
	marker, fifo := filepath.Join(evil, "facefusion", "metadata.py"), filepath.Join(evil, "fifo")
	require.NoError(t, unix.Mkfifo(fifo, 0o666))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, marker, unix.AT_FDCWD, fifo, unix.RENAME_EXCHANGE)
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	c := start(t, "receivers: {facefusion: {process: {interval: 100ms}}}")
	c.eventually(t, 10*time.Second, "the honest one", func(p page) bool {
		_, series := p.sum("facefusion_instance_info", "service_version", "3.8.1")
		return series == 1
	})
	for range 40 { // each process is looked at when it is new
		var processes []*exec.Cmd
		for range 5 {
			processes = append(processes, serverOf(t, stranger, evil))
		}
		time.Sleep(150 * time.Millisecond)
		for _, p := range processes {
			_ = p.Process.Kill()
		}
	}
	killed := time.Now()
	require.NoError(t, server.Process.Kill())
	c.eventually(t, 5*time.Second, "an exit shows", func(p page) bool {
		return p.is(0, "facefusion_process_up", "service_version", "3.8.1")
	})
	require.Less(t, time.Since(killed), 3*time.Second)
}

// TestAStrangersDescriptors: ten processes hold 20,000 descriptors each. They cost next to nothing
// more than ten that hold none.
func TestAStrangersDescriptors(t *testing.T) {
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	require.GreaterOrEqual(t, limit.Max, uint64(10_000), "the hard limit of descriptors")
	n := int(min(limit.Max, 20_100) - 100)
	few := coresBeside(t, 0)
	many := coresBeside(t, n)
	t.Logf("%.3f cores beside none, %.3f beside %d", few, many, n)
	require.Less(t, many, few+0.06, "a third of a core before there was a budget")
}

// coresBeside is what the collector uses beside ten processes of a stranger.
func coresBeside(t *testing.T, descriptors int) float64 {
	t.Helper()
	evil := filepath.Join(openFolder(t), "evil")
	checkout(t, evil, "3.8.0", stranger)
	var processes []*exec.Cmd
	for range 10 {
		processes = append(processes, run(t, stranger, evil, descriptors, "python", "facefusion.py", "run"))
	}
	c := start(t)
	c.eventually(t, 20*time.Second, "ten processes", func(p page) bool {
		return p.is(10, "facefusion_process_count", "facefusion_process_role", "server")
	})
	time.Sleep(3 * time.Second)
	before, begin := c.cpu(t), time.Now()
	time.Sleep(10 * time.Second)
	cores := (c.cpu(t) - before) / time.Since(begin).Seconds()
	c.terminate(t)
	for _, p := range processes {
		_ = p.Process.Kill()
	}
	return cores
}
