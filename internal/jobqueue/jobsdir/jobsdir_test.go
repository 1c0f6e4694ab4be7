package jobsdir

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

func TestReadRefusesWhatIsNoRegularFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	r := &Reader{}
	require.NoError(t, os.WriteFile(path, []byte("{}"), 0o600))
	var text []byte
	read := func(path string) (FileStat, error) {
		return r.Read(unix.AT_FDCWD, path, func(from io.Reader) (err error) {
			text, err = io.ReadAll(from)
			return err
		})
	}
	st, err := read(path)
	require.NoError(t, err)
	assert.Equal(t, "{}", string(text))
	assert.EqualValues(t, 2, st.Size)
	require.NoError(t, os.Remove(path))
	require.NoError(t, unix.Mkfifo(path, 0o600))
	_, err = read(path)
	require.ErrorIs(t, err, ErrIrregular, "a FIFO that was swapped in after the lstat blocks nobody")
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Symlink("a.json", path))
	_, err = read(path)
	require.ErrorIs(t, err, ErrIrregular)
	_, err = read("/dev/zero")
	require.ErrorIs(t, err, ErrIrregular)
	_, err = read(dir)
	require.ErrorIs(t, err, ErrIrregular)
}

func TestHintsAreBounded(t *testing.T) {
	h := NewHinter(func() {})
	h.hints.Names["/jobs/queued"] = make(map[string]bool)
	for i := range maxHints + 10 {
		h.note(fsnotify.Event{Name: fmt.Sprintf("/jobs/queued/%d.json", i), Op: fsnotify.Write})
	}
	hints := h.Take()
	assert.True(t, hints.Lost)
	assert.Len(t, hints.Names["/jobs/queued"], maxHints)
	assert.False(t, h.Take().Lost)
}

// TestHintsAreNotTrustedForEver: a folder that is expensive to list is listed without a hint once a
// day.
func TestHintsAreNotTrustedForEver(t *testing.T) {
	now := time.Now()
	d := NewDir(Completed)
	d.ListedAt, d.listedMtime, d.Cost, d.mtime = now, 1, cheap, 1
	assert.False(t, d.Due(now.Add(48*time.Hour)), "nothing came or went")
	d.mtime = 2
	assert.False(t, d.Due(now.Add(trustHints-1)))
	assert.True(t, d.Due(now.Add(trustHints)))
	d.Cost = cheap - 1
	assert.True(t, d.Due(now.Add(listShare*d.Cost)), "a cheap one needs no hint")
	d.Cost, d.remote = time.Second, true
	assert.True(t, d.Due(now.Add(listShare*time.Second)), "no hint tells of other hosts")
}

// TestStatusFoldersOfOthers: a link to another disk is followed, and a link to the jobs of somebody
// else is not. The collector may read both.
func TestStatusFoldersOfOthers(t *testing.T) {
	const mallory, victim = 4002, 4001
	root := t.TempDir()
	jobs, disk, private := filepath.Join(root, "jobs"), filepath.Join(root, "disk"), filepath.Join(root, "private")
	for path, uid := range map[string]int{jobs: mallory, disk: mallory, private: victim} {
		require.NoError(t, os.Mkdir(path, 0o700))
		require.NoError(t, os.Chown(path, uid, uid))
	}
	require.NoError(t, os.Symlink(disk, filepath.Join(jobs, "queued")))
	require.NoError(t, os.Symlink(private, filepath.Join(jobs, "completed")))
	files := &hostfs.Root{Gate: hostfs.NewGate(hostfs.Settings{}), Dir: "/"}
	open := func(index int) error {
		folder, err := OpenJobs(files, jobs)
		require.NoError(t, err)
		defer folder.Close()
		d := NewDir(index)
		defer d.Close()
		_, err = d.Open(folder)
		return err
	}
	require.NoError(t, open(Queued))
	require.ErrorIs(t, open(Completed), unix.EPERM)
	require.ErrorIs(t, open(Failed), os.ErrNotExist)
	require.NoError(t, os.Chown(jobs, 0, 0))
	require.NoError(t, open(Completed), "root may link to what it likes")
}
