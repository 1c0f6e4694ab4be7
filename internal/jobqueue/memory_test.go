package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// store keeps records as a storage extension would.
type store map[string][]byte

func (s store) recall(_ context.Context, keys []string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = slices.Clone(s[key])
	}
	return values, nil
}

// keep saves what is not, and returns it.
func (s store) keep(w *Watcher) []Record {
	records := w.Unsaved()
	for _, r := range records {
		if len(r.Value) == 0 {
			delete(s, r.Key)
		} else {
			s[r.Key] = r.Value
		}
	}
	w.Saved()
	return records
}

// size is what all of it takes.
func (s store) size() int {
	n := 0
	for key, value := range s {
		n += len(key) + len(value)
	}
	return n
}

// kill ends the collector without a word after what it saved, and starts another one.
func (w *world) kill(s store) {
	s.keep(w.watcher)
	w.watcher.Close()
	w.watcher = NewWatcher(w.watcher.settings)
	w.t.Cleanup(w.watcher.Close)
}

func TestWhatHappensWhileTheCollectorIsAwayIsToldOnce(t *testing.T) {
	t.Parallel()
	kept := store{}
	w := newWorld(t, Settings{Recall: kept.recall})
	w.job("completed/history", "completed")
	w.job("failed/again", "failed")
	w.pass(time.Minute)
	assert.Equal(t, MemoryNew, w.look().Queues[0].Memory)
	require.Empty(t, w.took(), "what lay there is the baseline")
	start := w.queue().Start

	w.job("queued/runs", "queued")
	w.job("queued/retried", "queued")
	w.look()
	w.job("queued/retried", "failed")
	w.mv("queued/retried", "failed/retried")
	w.job("queued/runs", "started")
	w.look()
	w.took()
	w.kill(kept)

	w.pass(5 * time.Second)
	w.job("queued/runs", "completed")
	w.mv("queued/runs", "completed/runs")
	w.job("completed/unseen", "completed")
	w.job("failed/retried", "completed") // a retry, all of it unseen
	w.mv("failed/retried", "completed/retried")
	w.job("failed/again", "failed") // another, which failed again
	w.pass(10 * time.Second)
	w.look()
	assert.Equal(t, MemoryRestored, w.queue().Memory)
	assert.True(t, start.Equal(w.queue().Start))
	assert.Equal(t, []string{
		"again: none -> failed ended failed attempt 2",
		"retried: failed -> completed ended completed attempt 2",
		"runs: running -> completed ended completed",
		"unseen: none -> completed ended completed",
	}, transitions(w.took()))
	assert.Equal(t, "completed 4 failed 1", counts(w.queue()))
	assert.Contains(t, finishedRuns(w.queue()), "failed/other/video 2")
	for range 3 {
		w.kill(kept)
		w.pass(time.Minute)
		w.look()
		require.Empty(t, w.took(), "nothing is told again")
	}
	assert.Equal(t, "completed 4 failed 1", counts(w.queue()))
	assert.Equal(t, "completed/other/video 3 5.0s, failed/other/video 2", trimWaits(finishedRuns(w.queue())))
}

// trimWaits leaves out the times in the queue.
func trimWaits(text string) string {
	var all []string
	for _, part := range strings.Split(text, ", ") {
		part, _, _ = strings.Cut(part, " waited")
		all = append(all, part)
	}
	return strings.Join(all, ", ")
}

func TestAFileThatSomebodyTouchedDidNotFailAgain(t *testing.T) {
	t.Parallel()
	kept := store{}
	w := newWorld(t, Settings{Recall: kept.recall})
	w.job("failed/a", "failed")
	w.look()
	w.took()
	w.kill(kept)
	w.pass(time.Hour)
	require.NoError(t, os.Chtimes(w.file("failed/a"), w.now, w.now))
	w.look()
	assert.Empty(t, w.took())
	w.kill(kept)
	w.job("failed/a", "queued") // what a retry writes just before it moves the file
	w.look()
	assert.Empty(t, w.took())
	w.mv("failed/a", "queued/a")
	w.look()
	assert.Equal(t, []string{"a: failed -> waiting attempt 2"}, transitions(w.took()))
}

func TestARunnerThatDiedWhileTheCollectorWasAway(t *testing.T) {
	t.Parallel()
	kept := store{}
	w := newWorld(t, Settings{Recall: kept.recall})
	w.look()
	w.process(RoleRunner, time.Second)
	w.job("queued/a", "started")
	w.tick(3 * time.Second)
	w.took()
	w.kill(kept)
	w.life.Processes = nil
	w.pass(time.Second)
	w.tick(5 * time.Second)
	changes := w.took()
	require.Equal(t, []string{"a: running -> orphaned ended orphaned"}, transitions(changes))
	assert.False(t, changes[0].Run.Ended.Known, "nobody saw when")
}

func TestMountedLate(t *testing.T) {
	t.Parallel()
	kept := store{}
	w := newWorld(t, Settings{Recall: kept.recall})
	w.look()
	w.job("completed/a", "completed")
	w.look()
	w.took()
	w.kill(kept)
	require.NoError(t, os.Rename(w.path, w.path+".unmounted"))
	w.tick(20 * time.Second)
	assert.Empty(t, counts(w.queue()))
	require.NoError(t, os.Rename(w.path+".unmounted", w.path))
	w.look()
	assert.Empty(t, w.took(), "it is no new job")
	assert.Equal(t, "completed 1", counts(w.queue()))
}

func TestMemoryThatMakesNoSense(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(store){
		"text": func(s store) { s[folderKey("facefusion-3f2a")] = []byte("{") },
		"another version": func(s store) {
			s[folderKey("facefusion-3f2a")] = []byte(`{"version": 2, "start": "2026-01-01T00:00:00Z"}`)
		},
		"jobs":      func(s store) { s[jobsKey("facefusion-3f2a", 3)] = []byte(`[{"n": 1}]`) },
		"cut short": func(s store) { s[finishedKey("facefusion-3f2a", partFailed, 7)] = []byte("cut") },
	} {
		t.Run(name, func(t *testing.T) {
			kept := store{}
			w := newWorld(t, Settings{Recall: kept.recall})
			w.job("queued/a", "queued")
			w.look()
			w.kill(kept)
			spoil(kept)
			w.took()
			w.pass(time.Minute)
			w.look()
			assert.Equal(t, MemoryUnreadable, w.queue().Memory)
			assert.Empty(t, w.took(), "a new baseline")
			assert.Equal(t, "waiting 1", counts(w.queue()))
			w.kill(kept)
			w.look()
			assert.NotEqual(t, MemoryNew, w.queue().Memory)
		})
	}
}

func TestMemoryThatCannotBeRead(t *testing.T) {
	t.Parallel()
	kept, broken := store{}, errors.New("the disk is gone")
	var failure error
	w := newWorld(t, Settings{Recall: func(ctx context.Context, keys []string) ([][]byte, error) {
		if failure != nil {
			return nil, failure
		}
		return kept.recall(ctx, keys)
	}})
	w.look()
	w.job("queued/a", "queued")
	w.look()
	w.kill(kept)
	failure = broken
	_, err := w.watcher.observe(t.Context(), w.folders, nil, w.now)
	require.ErrorIs(t, err, broken)
	require.Empty(t, w.watcher.Unsaved(), "what is kept is not overwritten by what is not known")
	failure = nil
	w.took()
	w.look()
	assert.Equal(t, MemoryRestored, w.queue().Memory)
	assert.Empty(t, w.took())
}

func TestNothingIsKeptForNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Settings{})
	w.job("queued/a", "queued")
	assert.Equal(t, MemoryNone, w.look().Queues[0].Memory)
	assert.Empty(t, w.watcher.Unsaved())
}

// TestOneChangeWritesOnePiece holds the budget: 10,000 jobs under 5 MB, and a change writes little of it.
func TestOneChangeWritesOnePiece(t *testing.T) {
	t.Parallel()
	kept := store{}
	w := newWorld(t, Settings{Recall: kept.recall})
	for i := range 10_000 {
		name := fmt.Sprintf("queued/headless-2026-11-22-10-00-00-%05d", i)
		if i%2 == 0 {
			name = strings.Replace(name, "queued", "completed", 1)
		}
		w.job(name, "queued")
	}
	w.look()
	w.pass(time.Second)
	w.look() // none is too fresh to be believed any more
	first := kept.keep(w.watcher)
	assert.Less(t, kept.size(), 2_000_000)
	require.Greater(t, len(first), 256)
	require.Empty(t, kept.keep(w.watcher), "nothing changed")

	w.job("queued/headless-2026-11-22-10-00-00-00001", "started")
	w.look()
	w.job("queued/headless-2026-11-22-10-00-00-00001", "completed")
	w.mv("queued/headless-2026-11-22-10-00-00-00001", "completed/headless-2026-11-22-10-00-00-00001")
	w.look()
	size := 0
	second := kept.keep(w.watcher)
	for _, r := range second {
		size += len(r.Value)
	}
	assert.LessOrEqual(t, len(second), 3, "the folder, a shard of jobs, a shard of completed ones")
	assert.Less(t, size, 20_000)
	t.Logf("%d bytes in %d records; one job more: %d bytes in %d", kept.size(), len(first), size, len(second))
}

func TestRecordsOfAFolderThatIsLongGone(t *testing.T) {
	t.Parallel()
	kept := store{}
	w := newWorld(t, Settings{Recall: kept.recall})
	w.job("queued/a", "queued")
	w.look()
	w.kill(kept)
	require.Contains(t, kept, folderKey("facefusion-3f2a"))
	w.folders = []Folder{{Instance: "facefusion-other", Path: filepath.Join(t.TempDir(), ".jobs")}}
	w.pass((keptDays - 1) * 24 * time.Hour)
	w.look()
	w.kill(kept)
	require.Contains(t, kept, folderKey("facefusion-3f2a"))
	w.pass(2 * 24 * time.Hour)
	w.look()
	w.kill(kept)
	for key := range kept {
		assert.NotContains(t, key, "facefusion-3f2a")
	}
	assert.Contains(t, kept, shelfKey)
}
