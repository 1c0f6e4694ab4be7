package jobqueue

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// asNobody runs f as a user that the mode of a file binds, which root can become for one thread and everybody else is.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := unix.SetfsuidRetUid(65534)
	require.NoError(t, err)
	defer unix.SetfsuidRetUid(before)
	f()
}

func TestNotReadable(t *testing.T) {
	w := newWorld(t, Settings{})
	w.look()
	for dir := w.path; dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	w.job("queued/a", "queued")
	require.NoError(t, os.Chmod(w.file("queued/a"), 0))
	asNobody(t, func() { w.tick(5 * time.Second) })
	assert.Equal(t, []string{"a: none -> unreadable"}, transitions(w.took()))
	require.NoError(t, os.Chmod(w.file("queued/a"), 0o644))
	asNobody(t, func() { w.look() })
	assert.Equal(t, []string{"a: unreadable -> waiting"}, transitions(w.took()))

	// A folder that may not be read is not an empty one.
	require.NoError(t, os.Chmod(filepath.Join(w.path, "queued"), 0))
	asNobody(t, func() { w.tick(10 * time.Second) })
	assert.Equal(t, AccessDenied, w.queue().Access)
	assert.Empty(t, w.took())
	assert.Equal(t, 1, w.queue().Count(StateWaiting))
	require.NoError(t, os.Chmod(w.path, 0))
	asNobody(t, func() { w.tick(10 * time.Second) })
	assert.Equal(t, AccessDenied, w.queue().Access)
	assert.Empty(t, w.took())
	require.NoError(t, os.Chmod(w.path, 0o755))
	require.NoError(t, os.Chmod(filepath.Join(w.path, "queued"), 0o755))
	w.look()
	assert.Equal(t, AccessOpen, w.queue().Access)
	assert.Empty(t, w.took())
}

func TestMovedWhileBeingRead(t *testing.T) {
	w := newWorld(t, Settings{})
	w.look()
	w.job("queued/a", "started")
	w.look()
	f := w.watcher.folders[0]
	w.job("queued/a", "completed")
	st, err := lstat(w.file("queued/a"))
	require.NoError(t, err)
	w.mv("queued/a", "completed/a") // between the look at it and the opening
	l := &look{now: w.now}
	f.present(l, place{partQueued, "a.json"}, &st)
	assert.Empty(t, l.changes)
	w.took()
	w.look()
	assert.Equal(t, []string{"a: running -> completed ended completed"}, transitions(w.took()))
}

func TestChangedWhileBeingRead(t *testing.T) {
	w := newWorld(t, Settings{})
	w.look()
	w.job("queued/a", "started")
	r := &reader{}
	_, _, err := r.read(w.file("queued/a"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(w.file("queued/a")))
	require.NoError(t, unix.Mkfifo(w.file("queued/a"), 0o644))
	_, _, err = r.read(w.file("queued/a"))
	require.ErrorIs(t, err, errOdd, "a FIFO that came after the look at it holds nothing up")
	require.NoError(t, os.Remove(w.file("queued/a")))
	require.NoError(t, os.Symlink("a.json", w.file("queued/a")))
	_, _, err = r.read(w.file("queued/a"))
	require.ErrorIs(t, err, errOdd)
	_, _, err = r.read("/dev/zero")
	require.ErrorIs(t, err, errOdd)
	_, _, err = r.read(w.path)
	require.ErrorIs(t, err, errOdd)
}

func TestWatchLimit(t *testing.T) {
	w := newWorld(t, Settings{})
	full := true
	w.watcher.hinter.add = func(f *fsnotify.Watcher, path string) error {
		if full {
			return unix.ENOSPC
		}
		return f.Add(path)
	}
	w.look()
	assert.False(t, w.queue().Hinted)
	w.job("queued/a", "queued")
	w.look()
	assert.Equal(t, []string{"a: none -> waiting"}, transitions(w.took()), "by the tick")
	full = false
	w.tick(watchAgain / 2)
	assert.False(t, w.queue().Hinted, "not tried at every tick")
	w.tick(watchAgain)
	assert.True(t, w.queue().Hinted)
}

func TestInotifyOverflow(t *testing.T) {
	w := newWorld(t, Settings{})
	w.tick(2 * time.Second) // the first look comes so soon after the folders were made that it is not the last word
	require.True(t, w.queue().Hinted)
	f := w.watcher.folders[0]
	// What came with the overflow is not hinted, and neither do times tell.
	at := time.Unix(0, f.parts[partCompleted].mtime)
	outside := filepath.Join(filepath.Dir(w.path), "a.json")
	require.NoError(t, os.WriteFile(outside, w.text("a", "completed"), 0o644))
	require.NoError(t, os.Chtimes(outside, w.now, w.now))
	require.NoError(t, os.Rename(outside, w.file("completed/a")))
	require.Eventually(t, func() bool { return len(w.watcher.hinter.take().names[f.parts[partCompleted].watched]) > 0 }, 10*time.Second, time.Millisecond)
	require.NoError(t, os.Chtimes(filepath.Join(w.path, "completed"), at, at))
	w.look()
	require.Empty(t, w.took())
	w.watcher.hinter.watcher.Errors <- fsnotify.ErrEventOverflow
	require.Eventually(t, func() bool {
		w.watcher.hinter.mu.Lock()
		defer w.watcher.hinter.mu.Unlock()
		return w.watcher.hinter.hints.lost
	}, 10*time.Second, time.Millisecond)
	w.look()
	assert.Equal(t, []string{"a: none -> completed ended completed"}, transitions(w.took()))
}

// TestAFilesystemThatListsOtherInodes is an overlay without xino: the names in a folder bear other inodes than the files.
func TestAFilesystemThatListsOtherInodes(t *testing.T) {
	w := newWorld(t, Settings{})
	w.look()
	w.job("completed/a", "completed")
	w.job("queued/b", "queued")
	w.look()
	w.took()
	f, l := w.watcher.folders[0], &look{now: w.now}
	for range 2 {
		for name, index := range map[string]int{"a.json": partCompleted, "b.json": partQueued} {
			p := &f.parts[index]
			p.generation++
			f.visit(p, listed{name: []byte(name), ino: 1, kind: unix.DT_REG})
			f.miss(l, p)
		}
		w.look()
	}
	assert.Empty(t, w.took())
	assert.Equal(t, "waiting 1 completed 1", counts(w.queue()))
}

func TestHintsAreBounded(t *testing.T) {
	h := newHinter(func() {})
	h.hints.names["/jobs/queued"] = make(map[string]bool)
	for i := range maxHints + 10 {
		h.note(fsnotify.Event{Name: fmt.Sprintf("/jobs/queued/%d.json", i), Op: fsnotify.Write})
	}
	hints := h.take()
	assert.True(t, hints.lost)
	assert.Len(t, hints.names["/jobs/queued"], maxHints)
	assert.False(t, h.take().lost)
}

func TestSeveralInstancesWithOneFolderAreOne(t *testing.T) {
	w := newWorld(t, Settings{})
	link := filepath.Join(t.TempDir(), "jobs")
	require.NoError(t, os.Symlink(w.path, link))
	w.folders = []Folder{{Instance: "b", Path: link}, {Instance: "a", Path: w.path}, {Instance: "c", Path: filepath.Join(w.path, "nowhere")}}
	w.look()
	require.Len(t, w.last.Queues, 2)
	assert.Equal(t, []string{"a", "b"}, w.last.Queues[0].Instances)
	assert.Equal(t, []string{"c"}, w.last.Queues[1].Instances)
	assert.Equal(t, AccessAbsent, w.last.Queues[1].Access)
	w.job("queued/x", "queued")
	w.look()
	require.Len(t, w.took(), 1)
	// One of them moves away: what is known stays with those that stay.
	w.folders = []Folder{{Instance: "a", Path: w.path}, {Instance: "b", Path: t.TempDir()}}
	w.look()
	require.Len(t, w.last.Queues, 2)
	assert.Equal(t, 1, w.last.Queues[0].Count(StateWaiting))
	assert.Equal(t, 0, w.last.Queues[1].Count(StateWaiting))
	assert.Empty(t, w.took())
}

func TestAContainerWithoutProcesses(t *testing.T) {
	w := newWorld(t, Settings{})
	w.process(RoleRunner, time.Second)
	w.look()
	w.job("queued/a", "started")
	w.job("queued/b", "queued")
	w.look()
	w.took()
	w.folders[0].Path = ""
	w.life.Processes = nil
	w.tick(time.Minute)
	assert.Equal(t, AccessUnreachable, w.queue().Access)
	assert.Empty(t, w.took(), "of a folder that cannot be seen nothing is said")
	assert.Equal(t, "waiting 1 running 1", counts(w.queue()))
	w.folders[0].Path = w.path
	w.tick(5 * time.Second)
	assert.Equal(t, []string{"a: running -> orphaned ended orphaned"}, transitions(w.took()))
	// Another way to the same folder is no other folder.
	other := filepath.Join(t.TempDir(), "root")
	require.NoError(t, os.Symlink(w.path, other))
	w.folders[0].Path = other
	w.look()
	assert.Empty(t, w.took())
	w.job("queued/b", "started")
	w.look()
	assert.Equal(t, []string{"b: waiting -> running"}, transitions(w.took()))
}

func TestNoQueueAtAll(t *testing.T) {
	w := newWorld(t, Settings{})
	w.folders[0].Path = filepath.Join(w.path, "..", "facefusion-2.6.1", ".jobs")
	w.tick(10 * time.Second)
	q := w.queue()
	assert.Equal(t, AccessAbsent, q.Access)
	assert.False(t, q.Scanning)
	assert.Empty(t, counts(q))
	// The first command of 3.x makes the folder, and what it puts there is new.
	w.path = w.folders[0].Path
	for _, name := range partNames {
		require.NoError(t, os.MkdirAll(filepath.Join(w.path, name), 0o755))
	}
	w.job("completed/a", "completed")
	w.look()
	assert.Equal(t, []string{"a: none -> completed ended completed"}, transitions(w.took()))
}

func TestForgottenFoldersAreNotWatched(t *testing.T) {
	w := newWorld(t, Settings{})
	w.look()
	require.Len(t, w.watcher.hinter.watching(), 4)
	w.folders = nil
	s := w.look()
	assert.Empty(t, s.Queues)
	assert.Empty(t, w.watcher.hinter.watching())
}

func TestObserveAfterTheEnd(t *testing.T) {
	w := NewWatcher(Settings{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Observe(ctx, nil, nil)
	require.ErrorIs(t, err, context.Canceled)
	w.Close()
	w.Close()
	_, err = w.Observe(t.Context(), nil, nil)
	require.ErrorIs(t, err, errClosed)
}
