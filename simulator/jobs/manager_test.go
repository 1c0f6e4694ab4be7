package jobs

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Each recording is of FaceFusion's own job code, seen through inotify.
func TestOperationsAsRecorded(t *testing.T) {
	headless := func(f *Manager, id string) error {
		return inOrder(
			func() error { return f.Create(id, StepArgs{}) },
			func() error { return f.Submit(id) },
			func() error { return f.Start(id, 0) },
			func() error { return f.Complete(id) },
		)
	}
	for recording, play := range map[string]func(f *Manager, id string) error{
		"inotify-3.0.0.txt": headless,
		"inotify-3.8.1.txt": headless,
		"inotify-batch-3.8.1.txt": func(f *Manager, id string) error {
			return inOrder(
				func() error { return f.Create(id, make([]StepArgs, 6)...) },
				func() error { return f.Submit(id) },
				func() error { return f.Start(id, 0) },
				func() error { return f.CompleteStep(id, 0) },
				func() error { return f.Start(id, 1) },
				func() error { return f.Fail(id) },
			)
		},
		"inotify-retry-3.8.1.txt": func(f *Manager, id string) error {
			return inOrder(
				func() error { return f.Create(id, StepArgs{}) },
				func() error { return f.Submit(id) },
				func() error { return f.Start(id, 0) },
				func() error { return f.Fail(id) },
				func() error { return f.Retry(id) },
				func() error { return f.Start(id, 0) },
				func() error { return f.Complete(id) },
				func() error { return f.Delete(id) },
			)
		},
	} {
		t.Run(recording, func(t *testing.T) {
			folder, err := Open(t.TempDir())
			require.NoError(t, err)
			events := watch(t, folder)
			require.NoError(t, play(folder, "job"))

			text, err := os.ReadFile(filepath.Join("testdata", recording))
			require.NoError(t, err)
			var want []string
			for line := range strings.Lines(string(text)) {
				fields := strings.Fields(line)
				want = append(want, fields[1]+" "+fields[2])
			}
			assert.Equal(t, slices.Compact(want), slices.Compact(events()))
		})
	}
}

// Reading and writing FaceFusion's own files changes no byte of them.
func TestFilesAsRecorded(t *testing.T) {
	var files int
	require.NoError(t, fs.WalkDir(os.DirFS("../../testdata/jobs"), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !validJob(filepath.Join("../../testdata/jobs", path)) {
			return err
		}
		files++
		recorded, err := os.ReadFile(filepath.Join("../../testdata/jobs", path))
		require.NoError(t, err)
		j, err := read(filepath.Join("../../testdata/jobs", path))
		require.NoError(t, err)
		written, err := j.text()
		require.NoError(t, err)
		assert.Empty(t, cmp.Diff(string(recorded), string(written)), path)
		return nil
	}))
	assert.GreaterOrEqual(t, files, 24)
}

// validJob leaves aside what other tests keep there on purpose: files cut off in the middle.
func validJob(path string) bool {
	text, err := os.ReadFile(path)
	return err == nil && filepath.Ext(path) == ".json" && json.Valid(text) && bytes.Contains(text, []byte(`"steps"`))
}

func TestCreateWritesWhatTheCallerSays(t *testing.T) {
	folder, err := Open(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, folder.Create("a", StepArgs{Source: "/s.jpg", Target: "/t.mp4", Output: "/o.mp4", Processors: []string{"lip_syncer"}}, StepArgs{}))

	j, err := read(folder.file(Drafted, "a"))
	require.NoError(t, err)
	require.Len(t, j.Steps, 2)
	var args map[string]any
	require.NoError(t, json.Unmarshal(j.Steps[0].Args, &args))
	assert.Equal(t, []any{"/s.jpg"}, args["source_paths"])
	assert.Equal(t, "/t.mp4", args["target_path"])
	assert.Equal(t, "/o.mp4", args["output_path"])
	assert.Equal(t, []any{"lip_syncer"}, args["processors"])
	assert.Len(t, args, 85, "FaceFusion 3.8.1 writes 85 arguments")
	assert.JSONEq(t, string(recordedStep), string(j.Steps[1].Args))
}

func TestFindsJobs(t *testing.T) {
	folder, err := Open(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, folder.Create("b", StepArgs{}))
	require.NoError(t, folder.Create("a", StepArgs{}))
	require.NoError(t, folder.Submit("a"))
	require.ErrorIs(t, folder.Create("a", StepArgs{}), ErrExists)

	status, err := folder.Status("a")
	require.NoError(t, err)
	assert.Equal(t, Queued, status)
	drafted, err := folder.List(Drafted)
	require.NoError(t, err)
	assert.Equal(t, []string{"b"}, drafted)

	require.NoError(t, folder.Delete("a"))
	_, err = folder.Status("a")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorIs(t, folder.Delete("a"), fs.ErrNotExist)
}

func inOrder(operations ...func() error) error {
	for _, operation := range operations {
		if err := operation(); err != nil {
			return err
		}
	}
	return nil
}

// watch collects the inotify events of the four folders, in the format of the recordings, until the
// returned function is called.
func watch(t *testing.T, folder *Manager) func() []string {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	names := map[uint32]string{
		unix.IN_CREATE: "CREATE", unix.IN_MODIFY: "MODIFY", unix.IN_CLOSE_WRITE: "CLOSE_WRITE",
		unix.IN_MOVED_FROM: "MOVED_FROM", unix.IN_MOVED_TO: "MOVED_TO", unix.IN_DELETE: "DELETE",
	}
	folders := map[int32]StepStatus{}
	for _, status := range Statuses {
		var mask uint32
		for bit := range names {
			mask |= bit
		}
		wd, err := unix.InotifyAddWatch(fd, filepath.Join(folder.Path(), string(status)), mask)
		require.NoError(t, err)
		folders[int32(wd)] = status
	}
	return func() (events []string) {
		buf := make([]byte, 1<<16)
		n, err := unix.Read(fd, buf)
		require.NoError(t, err)
		for buf = buf[:n]; len(buf) > 0; {
			event := (*unix.InotifyEvent)(unsafe.Pointer(&buf[0]))
			events = append(events, string(folders[event.Wd])+" "+names[event.Mask])
			buf = buf[unix.SizeofInotifyEvent+event.Len:]
		}
		return events
	}
}
