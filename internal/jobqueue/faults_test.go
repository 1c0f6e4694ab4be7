package jobqueue

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/dirent"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// asNobody runs f as a user that the mode of a file binds, which root can become for one thread and
// everybody else is.
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

// openToOthers lets other users pass through the test's own folders to dir. Those above are not the
// test's to change.
func openToOthers(t *testing.T, dir string) {
	t.Helper()
	temp := filepath.Clean(os.TempDir())
	for ; dir != temp; dir = filepath.Dir(dir) {
		require.NotEqual(t, "/", dir, "not below the temporary folder")
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&0o001, "other users may not pass through %s: set TMPDIR to a folder where they may", dir)
	}
}

func TestNotReadable(t *testing.T) {
	h := watching(t, Settings{})
	openToOthers(t, h.path)
	h.job("queued/a", "queued")
	require.NoError(t, os.Chmod(h.file("queued/a"), 0))
	asNobody(t, func() { h.tick(5 * time.Second) })
	assert.Equal(t, []string{"a: none -> unreadable"}, transitions(h.took()))
	require.NoError(t, os.Chmod(h.file("queued/a"), 0o644))
	asNobody(t, func() { h.pass() })
	assert.Equal(t, []string{"a: unreadable -> waiting"}, transitions(h.took()))

	// A folder that may not be read is not an empty one.
	require.NoError(t, os.Chmod(filepath.Join(h.path, "queued"), 0))
	asNobody(t, func() { h.tick(10 * time.Second) })
	assert.Equal(t, AccessDenied, h.queue().Access)
	assert.Empty(t, h.took())
	assert.Equal(t, 1, h.queue().Count(StateWaiting))
	require.NoError(t, os.Chmod(h.path, 0))
	asNobody(t, func() { h.tick(10 * time.Second) })
	assert.Equal(t, AccessDenied, h.queue().Access)
	assert.Empty(t, h.took())
	require.NoError(t, os.Chmod(h.path, 0o755))
	require.NoError(t, os.Chmod(filepath.Join(h.path, "queued"), 0o755))
	h.pass()
	assert.Equal(t, AccessOpen, h.queue().Access)
	assert.Empty(t, h.took())
}

// open opens a folder as an observation does.
func (h *harness) open(f *jobsFolder) {
	jobs, err := f.at.open()
	require.NoError(h.t, err)
	f.at.jobs = jobs
}

// TestAPassIsOverOneFolder: what is put in the place of a jobs folder while a pass is under way, by
// its name or as a status folder of it, is the next pass's.
func TestAPassIsOverOneFolder(t *testing.T) {
	h := watching(t, Settings{})
	h.job("queued/a", "started")
	h.pass()
	f := h.watcher.folders[0]
	h.open(f)
	require.NoError(t, os.Rename(h.path, h.path+".old"))
	for _, name := range jobsdir.Names {
		require.NoError(t, os.MkdirAll(filepath.Join(h.path, name), 0o755))
	}
	p := &pass{now: h.now}
	f.probe(p)
	_, err := f.dirs[jobsdir.Queued].Lstat("a.json")
	assert.NoError(t, err)
	f.land()
	h.tick(time.Second)
	assert.Equal(t, []string{"a: none -> running", "a: running -> deleted ended deleted"}, transitions(h.took()))
}

// TestNoFolderStaysOpen after a pass: its file system could not be unmounted.
func TestNoFolderStaysOpen(t *testing.T) {
	h := watching(t, Settings{})
	link := filepath.Join(t.TempDir(), "jobs")
	require.NoError(t, os.Symlink(h.path, link))
	h.folders = append(h.folders, Folder{Instance: "b", Path: link}, Folder{Instance: "c", Path: h.file("nowhere")})
	for _, name := range jobsdir.Names {
		require.NoError(t, os.MkdirAll(filepath.Join(h.path, "0123456789abcdefghij_-", name), 0o755))
	}
	h.tick(3 * time.Second)
	h.watcher.folders[0].hanging = hostfs.ErrPending
	h.pass()
	h.folders[0].Path = h.file("nowhere")
	h.pass()
	open, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(t, err)
	for _, fd := range open {
		path, _ := os.Readlink(fd)
		assert.False(t, strings.HasPrefix(path, h.path), path)
	}
}

func TestMovedWhileBeingRead(t *testing.T) {
	h := watching(t, Settings{})
	h.job("queued/a", "started")
	h.pass()
	f := h.watcher.folders[0]
	h.job("queued/a", "completed")
	p := &pass{now: h.now}
	h.open(f)
	f.probe(p)
	defer f.land()
	st, err := f.dirs[jobsdir.Queued].Lstat("a.json")
	require.NoError(t, err)
	h.mv("queued/a", "completed/a") // between the look at it and the opening
	f.present(p, fileKey{jobsdir.Queued, "a.json"}, &st)
	assert.Empty(t, p.changes)
	h.took()
	h.pass()
	assert.Equal(t, []string{"a: running -> completed ended completed"}, transitions(h.took()))
}

func TestWatchLimit(t *testing.T) {
	h := newHarness(t, Settings{})
	full := true
	h.addWatch(func(f *fsnotify.Watcher, path string) error {
		if full {
			return unix.ENOSPC
		}
		return f.Add(path)
	})
	h.pass()
	assert.False(t, h.queue().Hinted)
	h.job("queued/a", "queued")
	h.pass()
	assert.Equal(t, []string{"a: none -> waiting"}, transitions(h.took()), "by the tick")
	full = false
	h.tick(watchAgain / 2)
	assert.False(t, h.queue().Hinted, "not tried at every tick")
	h.tick(watchAgain)
	assert.True(t, h.queue().Hinted)
}

func TestInotifyOverflow(t *testing.T) {
	hinted := make(chan struct{}, 1)
	h := newHarness(t, Settings{OnHint: func() {
		select {
		case hinted <- struct{}{}:
		default:
		}
	}})
	var inotify *fsnotify.Watcher
	h.addWatch(func(w *fsnotify.Watcher, path string) error { inotify = w; return w.Add(path) })
	// the first pass comes so soon after the folders were made that it is not the last word
	h.tick(2 * time.Second)
	require.True(t, h.queue().Hinted)
	f := h.watcher.folders[0]
	// What came with the overflow is not hinted, and times do not show it either.
	at := time.Unix(0, f.dirs[jobsdir.Completed].Stat.MTime)
	outside := filepath.Join(filepath.Dir(h.path), "a.json")
	require.NoError(t, os.WriteFile(outside, h.text("a", "completed"), 0o644))
	require.NoError(t, os.Chtimes(outside, h.now, h.now))
	require.NoError(t, os.Rename(outside, h.file("completed/a")))
	require.Eventually(t, func() bool { return len(f.hinter.Take().Names[f.dirs[jobsdir.Completed].Watched]) > 0 }, 10*time.Second, time.Millisecond)
	require.NoError(t, os.Chtimes(filepath.Join(h.path, "completed"), at, at))
	h.pass()
	require.Empty(t, h.took())
	select {
	case <-hinted: // of the rename
	default:
	}
	inotify.Errors <- fsnotify.ErrEventOverflow
	<-hinted
	h.pass()
	assert.Equal(t, []string{"a: none -> completed ended completed"}, transitions(h.took()))
}

// TestAFilesystemThatListsOtherInodes is an overlay without xino: the names in a folder bear other
// inodes than the files.
func TestAFilesystemThatListsOtherInodes(t *testing.T) {
	h := watching(t, Settings{})
	h.job("completed/a", "completed")
	h.job("queued/b", "queued")
	h.pass()
	h.took()
	f, p := h.watcher.folders[0], &pass{now: h.now}
	for range 2 {
		for name, index := range map[string]int{"a.json": jobsdir.Completed, "b.json": jobsdir.Queued} {
			d := &f.dirs[index]
			d.Generation++
			f.visitEntry(d, dirent.DirEntry{Name: []byte(name), Ino: 1, Kind: unix.DT_REG})
			f.findMissing(p, d)
		}
		h.pass()
	}
	assert.Empty(t, h.took())
	assert.Equal(t, "waiting 1 completed 1", counts(h.queue()))
}

func TestSeveralInstancesWithOneFolderAreOne(t *testing.T) {
	h := newHarness(t, Settings{})
	link := filepath.Join(t.TempDir(), "jobs")
	require.NoError(t, os.Symlink(h.path, link))
	h.folders = []Folder{{Instance: "b", Path: link}, {Instance: "a", Path: h.path}, {Instance: "c", Path: filepath.Join(h.path, "nowhere")}}
	h.pass()
	require.Len(t, h.last.Queues, 2)
	assert.Equal(t, []string{"a", "b"}, h.last.Queues[0].Instances)
	assert.Equal(t, []string{"c"}, h.last.Queues[1].Instances)
	assert.Equal(t, AccessAbsent, h.last.Queues[1].Access)
	h.job("queued/x", "queued")
	h.pass()
	require.Len(t, h.took(), 1)
	// One of them moves away: what is known stays with those that stay.
	h.folders = []Folder{{Instance: "a", Path: h.path}, {Instance: "b", Path: t.TempDir()}}
	h.pass()
	require.Len(t, h.last.Queues, 2)
	assert.Equal(t, 1, h.last.Queues[0].Count(StateWaiting))
	assert.Equal(t, 0, h.last.Queues[1].Count(StateWaiting))
	assert.Empty(t, h.took())
}

func TestAContainerWithoutProcesses(t *testing.T) {
	h := newHarness(t, Settings{})
	h.process(RoleRunner, time.Second)
	h.pass()
	h.job("queued/a", "started")
	h.job("queued/b", "queued")
	h.pass()
	h.took()
	h.folders[0].Path = ""
	h.evidence.Processes = nil
	h.tick(time.Minute)
	assert.Equal(t, AccessUnreachable, h.queue().Access)
	assert.Empty(t, h.took(), "of a folder that cannot be seen nothing is said")
	for _, reason := range []Access{AccessNotVisible, AccessUnknown} {
		h.folders[0].NoPath = reason
		h.tick(time.Second)
		assert.Equal(t, reason, h.queue().Access, "each reason is a state of its own")
	}
	assert.Equal(t, "waiting 1 running 1", counts(h.queue()))
	h.folders[0].Path = h.path
	h.tick(5 * time.Second)
	assert.Equal(t, []string{"a: running -> orphaned ended orphaned"}, transitions(h.took()))
	// Another way to the same folder is no other folder.
	other := filepath.Join(t.TempDir(), "root")
	require.NoError(t, os.Symlink(h.path, other))
	h.folders[0].Path = other
	h.pass()
	assert.Empty(t, h.took())
	h.job("queued/b", "started")
	h.pass()
	assert.Equal(t, []string{"b: waiting -> running"}, transitions(h.took()))
}

func TestNoQueueAtAll(t *testing.T) {
	h := newHarness(t, Settings{})
	h.folders[0].Path = filepath.Join(h.path, "..", "facefusion-2.6.1", ".jobs")
	h.tick(10 * time.Second)
	q := h.queue()
	assert.Equal(t, AccessAbsent, q.Access)
	assert.False(t, q.Scanning)
	assert.Empty(t, counts(q))
	// The first command of 3.x makes the folder, and what it puts there is new.
	h.path = h.folders[0].Path
	for _, name := range jobsdir.Names {
		require.NoError(t, os.MkdirAll(filepath.Join(h.path, name), 0o755))
	}
	h.job("completed/a", "completed")
	h.pass()
	assert.Equal(t, []string{"a: none -> completed ended completed"}, transitions(h.took()))
}

func TestForgottenFoldersAreNotWatched(t *testing.T) {
	h := watching(t, Settings{})
	hinter := h.watcher.folders[0].hinter
	require.Len(t, hinter.Watching(), 4)
	h.folders = nil
	s := h.pass()
	assert.Empty(t, s.Queues)
	assert.Empty(t, hinter.Watching())
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
