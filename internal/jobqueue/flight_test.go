package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// TestAShareThatHangsHidesNoOther: a pass that waits for its share is left to itself; the other
// folder is observed as ever, and what the pass saw is counted once when the share answers.
func TestAShareThatHangsHidesNoOther(t *testing.T) {
	dir := t.TempDir()
	for _, instance := range []string{"a", "b"} {
		for _, name := range jobsdir.Names {
			require.NoError(t, os.MkdirAll(filepath.Join(dir, instance, name), 0o755))
		}
	}
	release := make(chan struct{})
	gate := hostfs.NewGate(hostfs.Settings{Patience: 20 * time.Millisecond, Deadline: 100 * time.Millisecond})
	w := NewWatcher(Settings{Gate: gate, Load: func(_ context.Context, keys []string) ([][]byte, error) { return make([][]byte, len(keys)), nil }})
	newHinter := w.newHinter
	w.newHinter = func() *jobsdir.Hinter {
		h := newHinter()
		h.AddWatch = func(w *fsnotify.Watcher, path string) error { // a system call like any other
			if filepath.Dir(path) == filepath.Join(dir, "a") {
				<-release
			}
			return errors.New("no hints")
		}
		return h
	}
	folders := []Folder{{Instance: "a", Path: filepath.Join(dir, "a")}, {Instance: "b", Path: filepath.Join(dir, "b")}}
	observe := func() map[string]Queue {
		t.Helper()
		begin := time.Now()
		s, err := w.Observe(t.Context(), folders, nil)
		require.NoError(t, err)
		require.Less(t, time.Since(begin), 10*time.Second)
		byInstance := make(map[string]Queue)
		for _, q := range s.Queues {
			byInstance[q.Instances[0]] = q
		}
		for _, c := range s.Changes {
			byInstance[c.Instance+" changed"] = Queue{}
		}
		return byInstance
	}
	queues := observe()
	require.NotContains(t, queues, "a", "it may still answer")
	require.Equal(t, AccessOpen, queues["b"].Access)
	time.Sleep(100 * time.Millisecond)
	for i := range 3 {
		name := filepath.Join(dir, "b", "completed", fmt.Sprintf("%d.json", i))
		require.NoError(t, os.WriteFile(name, []byte(`{"version":"1","date_created":"2026-01-01T00:00:00+00:00","steps":[]}`), 0o600))
	}
	require.Eventually(t, func() bool {
		queues = observe()
		b := queues["b"]
		return b.Count(StateCompleted) == 3 && queues["a"].Access == AccessUnresponsive
	}, 30*time.Second, 5*time.Millisecond)
	for _, r := range w.Export() {
		require.NotContains(t, r.Key, "a/", "what belongs to a pass in flight is not saved before it has ended")
	}
	require.Len(t, gate.Unresponsive(), 1)

	close(release)
	require.Eventually(t, func() bool { return observe()["a"].Access == AccessOpen }, 10*time.Second, 5*time.Millisecond)
	require.Empty(t, gate.Unresponsive())
	w.Close()
}

// TestCloseWaitsForNoShare: what hangs is closed when it answers.
func TestCloseWaitsForNoShare(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "queued"), 0o755))
	w := NewWatcher(Settings{Gate: hostfs.NewGate(hostfs.Settings{Patience: 10 * time.Millisecond})})
	release := make(chan struct{})
	newHinter := w.newHinter
	w.newHinter = func() *jobsdir.Hinter {
		h := newHinter()
		h.AddWatch = func(*fsnotify.Watcher, string) error { <-release; return errors.New("no hints") }
		return h
	}
	_, err := w.Observe(t.Context(), []Folder{{Instance: "a", Path: dir}}, nil)
	require.NoError(t, err)
	begin := time.Now()
	w.Close()
	require.Less(t, time.Since(begin), 2*time.Second)
	close(release) // goleak sees the rest end
}
