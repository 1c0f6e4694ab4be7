package hostile

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// fast has the receiver scrape and save often.
const fast = "receivers: {facefusion: {collection_interval: 1s}, host_metrics: {collection_interval: 1s}}"

// damages are what may happen to a file of the state folder.
var damages = []struct {
	name string
	do   func(t *testing.T, path string, r *rand.Rand)
}{
	{"empty", func(t *testing.T, path string, _ *rand.Rand) { require.NoError(t, os.Truncate(path, 0)) }},
	{"cut", func(t *testing.T, path string, r *rand.Rand) {
		require.NoError(t, os.Truncate(path, r.Int64N(size(t, path))))
	}},
	{"longer", func(t *testing.T, path string, _ *rand.Rand) {
		require.NoError(t, os.Truncate(path, size(t, path)+1<<20))
	}},
	{"first page gone", func(t *testing.T, path string, _ *rand.Rand) { overwrite(t, path, 0, make([]byte, 4096)) }},
	{"a page gone", func(t *testing.T, path string, r *rand.Rand) {
		overwrite(t, path, r.Int64N(size(t, path)), make([]byte, 4096))
	}},
	{"noise at the start", func(t *testing.T, path string, r *rand.Rand) { overwrite(t, path, 0, noise(r, 64)) }},
	{"noise within", func(t *testing.T, path string, r *rand.Rand) {
		overwrite(t, path, r.Int64N(size(t, path)), noise(r, 4096))
	}},
	{"all noise", func(t *testing.T, path string, r *rand.Rand) { overwrite(t, path, 0, noise(r, int(size(t, path)))) }},
	{"a folder", func(t *testing.T, path string, _ *rand.Rand) {
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.Mkdir(path, 0o700))
	}},
	{"a FIFO", func(t *testing.T, path string, _ *rand.Rand) {
		require.NoError(t, os.Remove(path))
		require.NoError(t, unix.Mkfifo(path, 0o600))
	}},
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return max(info.Size(), 1)
}

func noise(r *rand.Rand, n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

func overwrite(t *testing.T, path string, at int64, data []byte) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer file.Close()
	_, err = file.WriteAt(data, at)
	require.NoError(t, err)
}

// TestADamagedStateStarts: the collector is killed while it keeps jobs and a queue; every file of
// its state is damaged, in ten ways; it starts each time, and shows what it sees.
// HOSTILE_REPEAT=200 does it so often.
func TestADamagedStateStarts(t *testing.T) {
	repeat := 1
	if text := os.Getenv("HOSTILE_REPEAT"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		repeat = (n + len(damages) - 1) / len(damages)
	}
	dir := openFolder(t)
	path, state := filepath.Join(dir, "facefusion"), filepath.Join(dir, "state")
	checkout(t, path, "3.8.1", 0)
	serverOf(t, 0, path)
	env := []string{"STATE_DIRECTORY=" + state, "OTLP_ENDPOINT=http://127.0.0.1:1"}
	r := rand.New(rand.NewPCG(15, 5))
	begin := func() *collector {
		c := startWith(t, []string{"all-signals.yaml"}, env, fast)
		c.eventually(t, 15*time.Second, "the instance and its jobs", func(p page) bool { return up(1)(p) && open(1)(p) })
		return c
	}
	c := begin()
	starts := 0
	for n := range repeat {
		for _, damage := range damages {
			job(t, path, fmt.Sprintf("%d-%s", n, damage.name))
			c.eventually(t, 10*time.Second, "the job is counted", func(p page) bool {
				total, _ := p.sum("facefusion_job_finished_total")
				return total >= 1
			})
			require.NoError(t, c.cmd.Process.Kill())
			<-c.ended
			damaged := 0
			require.NoError(t, filepath.WalkDir(state, func(p string, d os.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					damage.do(t, p, r)
					damaged++
				}
				return err
			}))
			require.GreaterOrEqual(t, damaged, 3, "jobs, instances and a queue")
			c = begin()
			starts++
		}
	}
	t.Logf("%d starts with every file damaged", starts)
	require.Less(t, c.terminate(t), 10*time.Second)
}

// TestAFirstStartOnAFullDisk: monitoring works, what is seen is sent from memory, and state is kept
// when there is room.
func TestAFirstStartOnAFullDisk(t *testing.T) {
	dir := openFolder(t)
	disk := filepath.Join(dir, "disk")
	require.NoError(t, os.Mkdir(disk, 0o755))
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=4m"))
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	path := filepath.Join(dir, "facefusion")
	checkout(t, path, "3.8.1", 0)
	serverOf(t, 0, path)
	var received atomic.Int64
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		received.Add(1)
		w.WriteHeader(http.StatusOK)
	}))
	defer store.Close()
	state := filepath.Join(disk, "state")
	c := startWith(t, []string{"all-signals.yaml"}, []string{"STATE_DIRECTORY=" + state, "OTLP_ENDPOINT=" + store.URL}, fast)
	c.eventually(t, 15*time.Second, "the instance and its jobs", func(p page) bool { return up(1)(p) && open(1)(p) })
	require.Eventually(t, func() bool { return received.Load() > 5 }, 15*time.Second, 20*time.Millisecond, c.log)
	said := count(c.log.String(), "state cannot be written")
	require.Positive(t, said)
	require.LessOrEqual(t, said, 5, "once for each component: three queues, jobs and processes")

	require.NoError(t, os.Remove(filler))
	require.Eventually(t, func() bool {
		files, err := filepath.Glob(filepath.Join(state, "receiver_facefusion_process", "*.log"))
		return err == nil && len(files) > 0
	}, 20*time.Second, 50*time.Millisecond, c.log)
	require.Less(t, c.terminate(t), 10*time.Second)
}

// fill writes a file until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = file.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
}
