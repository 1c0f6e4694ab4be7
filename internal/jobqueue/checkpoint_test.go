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

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recordStore keeps records as a storage extension would.
type recordStore map[string][]byte

func (s recordStore) load(_ context.Context, keys []string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = slices.Clone(s[key])
	}
	return values, nil
}

// keep saves what is not, and returns it.
func (s recordStore) keep(w *Watcher) []StateRecord {
	records := w.Export()
	for _, r := range records {
		if len(r.Value) == 0 {
			delete(s, r.Key)
		} else {
			s[r.Key] = r.Value
		}
	}
	w.MarkSaved()
	return records
}

// size is what all of it takes.
func (s recordStore) size() int {
	n := 0
	for key, value := range s {
		n += len(key) + len(value)
	}
	return n
}

// kill ends the collector without a word after what it saved, and starts another one.
func (h *harness) kill(s recordStore) {
	s.keep(h.watcher)
	h.watcher.Close()
	h.watcher = NewWatcher(h.watcher.settings)
	h.t.Cleanup(h.watcher.Close)
}

func TestWhatHappensWhileTheCollectorIsAwayIsEmittedOnce(t *testing.T) {
	t.Parallel()
	kept := recordStore{}
	h := newHarness(t, Settings{Load: kept.load})
	h.job("completed/history", "completed")
	h.job("failed/again", "failed")
	h.advance(time.Minute)
	assert.Equal(t, RestoreNew, h.pass().Queues[0].Restored)
	require.Empty(t, h.took(), "what lay there is the baseline")
	start := h.queue().Start

	h.job("queued/runs", "queued")
	h.job("queued/retried", "queued")
	h.pass()
	h.end("retried", "failed")
	h.job("queued/runs", "started")
	h.pass()
	h.took()
	h.kill(kept)

	h.advance(5 * time.Second)
	h.end("runs", "completed")
	h.job("completed/unseen", "completed")
	h.job("failed/retried", "completed") // a retry, all of it unseen
	h.mv("failed/retried", "completed/retried")
	h.job("failed/again", "failed") // another, which failed again
	h.advance(10 * time.Second)
	h.pass()
	assert.Equal(t, RestoreDone, h.queue().Restored)
	assert.True(t, start.Equal(h.queue().Start))
	// A slow machine needs several passes for it, and each has an order of its own.
	assert.ElementsMatch(t, []string{
		"again: none -> failed ended failed attempt 2",
		"retried: failed -> completed ended completed attempt 2",
		"runs: running -> completed ended completed",
		"unseen: none -> completed ended completed",
	}, transitions(h.took()))
	assert.Equal(t, "completed 4 failed 1", counts(h.queue()))
	assert.Contains(t, finishedRuns(h.queue()), "failed/other/video 2")
	for range 3 {
		h.kill(kept)
		h.advance(time.Minute)
		h.pass()
		require.Empty(t, h.took(), "nothing is told again")
	}
	assert.Equal(t, "completed 4 failed 1", counts(h.queue()))
	assert.Equal(t, "completed/other/video 3 5.0s, failed/other/video 2", trimWaits(finishedRuns(h.queue())))
}

// trimWaits leaves out the times in the queue.
func trimWaits(text string) string {
	var all []string
	for field := range strings.SplitSeq(text, ", ") {
		field, _, _ = strings.Cut(field, " waited")
		all = append(all, field)
	}
	return strings.Join(all, ", ")
}

func TestAFileThatSomebodyTouchedDidNotFailAgain(t *testing.T) {
	t.Parallel()
	kept := recordStore{}
	h := newHarness(t, Settings{Load: kept.load})
	h.job("failed/a", "failed")
	h.pass()
	h.took()
	h.kill(kept)
	h.advance(time.Hour)
	require.NoError(t, os.Chtimes(h.file("failed/a"), h.now, h.now))
	h.pass()
	assert.Empty(t, h.took())
	h.kill(kept)
	h.job("failed/a", "queued") // what a retry writes just before it moves the file
	h.pass()
	assert.Empty(t, h.took())
	h.mv("failed/a", "queued/a")
	h.pass()
	assert.Equal(t, []string{"a: failed -> waiting attempt 2"}, transitions(h.took()))
}

func TestARunnerThatDiedWhileTheCollectorWasAway(t *testing.T) {
	t.Parallel()
	kept := recordStore{}
	h := watching(t, Settings{Load: kept.load})
	h.process(RoleRunner, time.Second)
	h.job("queued/a", "started")
	h.tick(3 * time.Second)
	h.took()
	h.kill(kept)
	h.evidence.Processes = nil
	h.advance(time.Second)
	h.tick(5 * time.Second)
	changes := h.took()
	require.Equal(t, []string{"a: running -> orphaned ended orphaned"}, transitions(changes))
	assert.False(t, changes[0].Run.Ended.Known, "nobody saw when")
}

func TestMountedLate(t *testing.T) {
	t.Parallel()
	kept := recordStore{}
	h := watching(t, Settings{Load: kept.load})
	h.job("completed/a", "completed")
	h.pass()
	h.took()
	h.kill(kept)
	require.NoError(t, os.Rename(h.path, h.path+".unmounted"))
	h.tick(20 * time.Second)
	assert.Empty(t, counts(h.queue()))
	require.NoError(t, os.Rename(h.path+".unmounted", h.path))
	h.pass()
	assert.Empty(t, h.took(), "it is no new job")
	assert.Equal(t, "completed 1", counts(h.queue()))
}

func TestMemoryThatMakesNoSense(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(recordStore){
		"text": func(s recordStore) { s[folderKey("facefusion-3f2a")] = []byte("{") },
		"another version": func(s recordStore) {
			s[folderKey("facefusion-3f2a")] = []byte(`{"version": 2, "start": "2026-01-01T00:00:00Z"}`)
		},
		"jobs":      func(s recordStore) { s[jobsKey("facefusion-3f2a", 3)] = []byte(`[{"n": 1}]`) },
		"cut short": func(s recordStore) { s[finishedKey("facefusion-3f2a", jobsdir.Failed, 7)] = []byte("cut") },
	} {
		t.Run(name, func(t *testing.T) {
			kept := recordStore{}
			h := newHarness(t, Settings{Load: kept.load})
			h.job("queued/a", "queued")
			h.pass()
			h.kill(kept)
			spoil(kept)
			h.took()
			h.advance(time.Minute)
			h.pass()
			assert.Equal(t, RestoreUnreadable, h.queue().Restored)
			assert.Empty(t, h.took(), "a new baseline")
			assert.Equal(t, "waiting 1", counts(h.queue()))
			h.kill(kept)
			h.pass()
			assert.NotEqual(t, RestoreNew, h.queue().Restored)
		})
	}
}

func TestMemoryThatCannotBeRead(t *testing.T) {
	t.Parallel()
	kept, broken := recordStore{}, errors.New("the disk is gone")
	var failure error
	h := newHarness(t, Settings{Load: func(ctx context.Context, keys []string) ([][]byte, error) {
		if failure != nil {
			return nil, failure
		}
		return kept.load(ctx, keys)
	}})
	h.pass()
	h.job("queued/a", "queued")
	h.pass()
	h.kill(kept)
	failure = broken
	_, err := h.watcher.observeAt(t.Context(), h.folders, nil, h.now)
	require.ErrorIs(t, err, broken)
	require.Empty(t, h.watcher.Export(), "what is kept is not overwritten by what is not known")
	failure = nil
	h.took()
	h.pass()
	assert.Equal(t, RestoreDone, h.queue().Restored)
	assert.Empty(t, h.took())
}

func TestNothingIsKeptForNobody(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{})
	h.job("queued/a", "queued")
	assert.Equal(t, RestoreNone, h.pass().Queues[0].Restored)
	assert.Empty(t, h.watcher.Export())
}

// TestOneChangeWritesOnePiece holds the budget: 10,000 jobs under 5 MB, and a change writes little
// of it.
func TestOneChangeWritesOnePiece(t *testing.T) {
	t.Parallel()
	kept := recordStore{}
	h := newHarness(t, Settings{Load: kept.load})
	for i := range 10_000 {
		name := fmt.Sprintf("queued/headless-2026-11-22-10-00-00-%05d", i)
		if i%2 == 0 {
			name = strings.Replace(name, "queued", "completed", 1)
		}
		h.job(name, "queued")
	}
	h.pass()
	h.advance(time.Second)
	h.pass() // none is too fresh to be believed any more
	first := kept.keep(h.watcher)
	assert.Less(t, kept.size(), 2_000_000)
	require.Greater(t, len(first), 256)
	require.Empty(t, kept.keep(h.watcher), "nothing changed")

	h.job("queued/headless-2026-11-22-10-00-00-00001", "started")
	h.pass()
	h.job("queued/headless-2026-11-22-10-00-00-00001", "completed")
	h.mv("queued/headless-2026-11-22-10-00-00-00001", "completed/headless-2026-11-22-10-00-00-00001")
	h.pass()
	size := 0
	second := kept.keep(h.watcher)
	for _, r := range second {
		size += len(r.Value)
	}
	assert.LessOrEqual(t, len(second), 4, "the folder, a shard of jobs, one of completed ones, one of runs that were counted")
	assert.Less(t, size, 20_000)
	t.Logf("%d bytes in %d records; one job more: %d bytes in %d", kept.size(), len(first), size, len(second))
}

func TestRecordsOfAFolderThatIsLongGone(t *testing.T) {
	t.Parallel()
	kept := recordStore{}
	h := newHarness(t, Settings{Load: kept.load})
	h.job("queued/a", "queued")
	h.pass()
	h.kill(kept)
	require.Contains(t, kept, folderKey("facefusion-3f2a"))
	h.folders = []Folder{{Instance: "facefusion-other", Path: filepath.Join(t.TempDir(), ".jobs")}}
	h.advance((keptDays - 1) * 24 * time.Hour)
	h.pass()
	h.kill(kept)
	require.Contains(t, kept, folderKey("facefusion-3f2a"))
	h.advance(2 * 24 * time.Hour)
	h.pass()
	h.kill(kept)
	for key := range kept {
		assert.NotContains(t, key, "facefusion-3f2a")
	}
	assert.Contains(t, kept, retentionKey)
}
