package jobqueue

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// records is a store of what a Watcher exports.
type records map[string][]byte

func (r records) load(_ context.Context, keys []string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = r[key]
	}
	return values, nil
}

func (r records) save(w *Watcher) {
	for _, record := range w.Export() {
		r[record.Key] = record.Value
	}
	w.MarkSaved()
}

// remount replaces the files of the folder by copies: other inodes, the same times unless they are
// new.
func (h *harness) remount(newTimes bool) {
	h.t.Helper()
	away := h.path + ".away"
	for _, name := range jobsdir.Names {
		entries, err := os.ReadDir(filepath.Join(away, name))
		require.NoError(h.t, err)
		require.NoError(h.t, os.MkdirAll(filepath.Join(h.path, name), 0o755))
		for _, e := range entries {
			from, to := filepath.Join(away, name, e.Name()), filepath.Join(h.path, name, e.Name())
			text, err := os.ReadFile(from)
			require.NoError(h.t, err)
			info, err := e.Info()
			require.NoError(h.t, err)
			require.NoError(h.t, os.WriteFile(to, text, 0o644))
			at := info.ModTime()
			if newTimes {
				at = h.now
			}
			require.NoError(h.t, os.Chtimes(to, at, at))
		}
	}
	require.NoError(h.t, os.RemoveAll(away))
}

// TestAbsenceIsNotDeletion: a share that is away for 20 seconds, twice, and a backup that is
// restored make nothing happen. What lies below the mount point meanwhile is nothing, an empty
// folder, or empty status folders.
func TestAbsenceIsNotDeletion(t *testing.T) {
	below := map[string]func(t *testing.T, path string){
		"nothing":         func(*testing.T, string) {},
		"an empty folder": func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o755)) },
		"empty status folders": func(t *testing.T, path string) {
			for _, name := range jobsdir.Names {
				require.NoError(t, os.MkdirAll(filepath.Join(path, name), 0o755))
			}
		},
	}
	for what, make := range below {
		for _, newTimes := range []bool{false, true} {
			t.Run(fmt.Sprint(what, ", new times ", newTimes), func(t *testing.T) {
				kept := records{}
				h := newHarness(t, Settings{Load: kept.load})
				h.process(RoleRunner, time.Minute)
				h.pass()
				for i := range 30 {
					name := fmt.Sprint("job", i)
					h.job("queued/"+name, "started")
					h.pass()
					h.tick(time.Second)
					h.end(name, "completed")
					h.pass()
				}
				finished := func() (n uint64) {
					for _, r := range h.queue().Runs {
						n += r.Count
					}
					return n
				}
				require.Equal(t, uint64(30), finished())
				h.took()
				kept.save(h.watcher)
				for range 2 {
					require.NoError(t, os.Rename(h.path, h.path+".away"))
					make(t, h.path)
					h.tick(20 * time.Second)
					kept.save(h.watcher)
					require.NoError(t, os.RemoveAll(h.path))
					h.remount(newTimes)
					h.tick(20 * time.Second)
					kept.save(h.watcher)
					assert.Empty(t, transitions(h.took()))
					assert.Equal(t, uint64(30), finished())
					assert.Equal(t, "completed 30", counts(h.queue()))
				}
				// The same by another process.
				require.NoError(t, os.Rename(h.path, h.path+".away"))
				h.remount(newTimes)
				h.watcher.Close()
				h.watcher = NewWatcher(h.watcher.settings)
				t.Cleanup(h.watcher.Close)
				h.tick(5 * time.Second)
				assert.Empty(t, transitions(h.took()))
				assert.Equal(t, uint64(30), finished())
			})
		}
	}
}

// TestAJobThatIsAwayRunsOn: its share was unmounted while it ran.
func TestAJobThatIsAwayRunsOn(t *testing.T) {
	h := newHarness(t, Settings{})
	h.process(RoleRunner, time.Minute)
	h.pass()
	h.job("queued/a", "started")
	h.pass()
	h.took()
	require.NoError(t, os.Rename(h.path, h.path+".away"))
	require.NoError(t, os.Mkdir(h.path, 0o755))
	h.tick(20 * time.Second)
	assert.Equal(t, AccessAbsent, h.queue().Access)
	assert.Empty(t, counts(h.queue()))
	require.NoError(t, os.RemoveAll(h.path))
	h.remount(false)
	h.pass()
	assert.Equal(t, AccessOpen, h.queue().Access)
	assert.Equal(t, "running 1", counts(h.queue()))
	h.end("a", "completed")
	h.pass()
	assert.Equal(t, []string{"a: running -> completed ended completed"}, transitions(h.took()))
}

// TestTheRunsThatWereCountedAreBounded: the oldest go first.
func TestTheRunsThatWereCountedAreBounded(t *testing.T) {
	var c concluded
	start := time.Unix(1_800_000_000, 0)
	newJob := func(i int) *job {
		j := &job{fileKey: fileKey{name: fmt.Sprint(i)}}
		j.doc.Created, j.doc.Updated = start, start
		return j
	}
	for i := range maxConcluded + 1000 {
		c.add(newJob(i), start.Add(time.Duration(i)*time.Minute))
	}
	assert.LessOrEqual(t, c.count, maxConcluded)
	assert.Greater(t, c.count, maxConcluded/3)
	assert.True(t, c.has(newJob(maxConcluded+999)))
	assert.False(t, c.has(newJob(0)))
}
