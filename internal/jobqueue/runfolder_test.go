package jobqueue

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// runFolder adds a jobs folder that one run uses, in which the harness writes from then on. It
// returns how to take it away, as when the run ended.
func (h *harness) runFolder(name string) (end func()) {
	h.t.Helper()
	own := h.path
	h.path = filepath.Join(filepath.Dir(own), name)
	for _, status := range jobsdir.Names {
		require.NoError(h.t, os.MkdirAll(filepath.Join(h.path, status), 0o755))
	}
	h.folders = append(h.folders, Folder{Instance: "facefusion-3f2a " + name, Of: "facefusion-3f2a", Path: h.path, Since: h.now})
	path := h.path
	return func() {
		require.NoError(h.t, os.RemoveAll(path))
		h.path = own
		for n := range h.folders {
			if h.folders[n].Path == path {
				h.folders = append(h.folders[:n:n], h.folders[n+1:]...)
				return
			}
		}
	}
}

// TestAFolderOfARun: its jobs are shown with those of its instance, and its counts stay there.
func TestAFolderOfARun(t *testing.T) {
	h := newHarness(t, Settings{})
	h.job("queued/own", "queued")
	h.pass()
	h.took()
	end := h.runFolder("run")
	h.runner("job-run")
	h.job("queued/one", "started")
	h.pass()
	assert.Equal(t, "waiting 1 running 1", counts(h.queue()))
	assert.Equal(t, []string{"facefusion-3f2a"}, h.queue().Instances)
	require.Len(t, h.queue().Open, 1)
	assert.Equal(t, []string{"one: none -> running"}, transitions(h.took()))
	h.tick(2 * time.Second)
	h.end("one", "completed")
	h.pass()
	changes := h.took()
	assert.Equal(t, []string{"one: running -> completed ended completed"}, transitions(changes))
	assert.Equal(t, "facefusion-3f2a", changes[0].Instance)
	require.Len(t, h.queue().Runs, 1)
	assert.Equal(t, uint64(1), h.queue().Runs[0].Count, "in the very snapshot that has the change")
	end()
	h.pass()
	assert.Equal(t, "waiting 1", counts(h.queue()))
	assert.Empty(t, h.took(), "what goes with the folder was not deleted")
	require.Len(t, h.queue().Runs, 1)
	assert.Equal(t, uint64(1), h.queue().Runs[0].Count)
}

// TestAFolderOfARunThatHasEnded: what a short run left before the first pass is no history.
func TestAFolderOfARunThatHasEnded(t *testing.T) {
	h := watching(t, Settings{})
	h.runFolder("run")
	h.job("completed/one", "completed")
	h.pass()
	assert.Equal(t, []string{"one: none -> completed ended completed"}, transitions(h.took()))
	require.Len(t, h.queue().Runs, 1)
}

// TestAFolderOfARunWithoutAnOwnOne: the instance's own folder was never made.
func TestAFolderOfARunWithoutAnOwnOne(t *testing.T) {
	h := newHarness(t, Settings{})
	require.NoError(t, os.RemoveAll(h.path))
	h.pass()
	assert.Equal(t, AccessAbsent, h.queue().Access)
	end := h.runFolder("run")
	h.job("completed/one", "completed")
	h.pass()
	assert.Equal(t, AccessOpen, h.queue().Access)
	assert.Equal(t, "completed 1", counts(h.queue()))
	end()
	h.pass()
	assert.Equal(t, AccessAbsent, h.queue().Access)
	require.Len(t, h.queue().Runs, 1, "the counts stay")
}

// TestARunInTheOwnFolder: a run that names the folder of its instance, or of another one.
func TestARunInTheOwnFolder(t *testing.T) {
	h := watching(t, Settings{})
	h.folders = append(h.folders, Folder{Instance: "facefusion-3f2a run", Of: "facefusion-3f2a", Path: h.path, Since: h.now})
	h.runner("job-run")
	h.job("queued/one", "started")
	h.pass()
	assert.Equal(t, "running 1", counts(h.queue()))
	assert.Len(t, h.took(), 1, "it is looked at once")
	assert.Equal(t, []string{"facefusion-3f2a"}, h.queue().Instances)
}

// TestAThousandFoldersOfRuns: nothing is left of them but their counts.
func TestAThousandFoldersOfRuns(t *testing.T) {
	kept := recordStore{}
	h := watching(t, Settings{Load: kept.load})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early uint64
	for n := range 1000 {
		end := h.runFolder(fmt.Sprint("run-", n))
		h.job(fmt.Sprint("completed/job-", n), "completed")
		h.pass()
		h.took()
		end()
		kept.keep(h.watcher)
		if n == 100 {
			early = heap()
		}
	}
	h.created = map[string]time.Time{}
	h.pass()
	assert.Len(t, h.watcher.folders, 1)
	assert.Less(t, heap(), early+early/4+1<<20)
	require.Len(t, h.queue().Runs, 1)
	assert.Equal(t, uint64(1000), h.queue().Runs[0].Count)
	assert.LessOrEqual(t, len(kept), recordCount+1)
	assert.Zero(t, h.queue().Count(StateCompleted))
	second := newHarness(t, Settings{Load: kept.load})
	second.pass()
	require.Len(t, second.queue().Runs, 1)
	assert.Equal(t, uint64(1000), second.queue().Runs[0].Count, "after a restart of the collector")
}
