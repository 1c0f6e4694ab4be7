package dirent

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listed is a folder as the kernel answers for it.
func listed(tb testing.TB, dir string) []byte {
	tb.Helper()
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	require.NoError(tb, err)
	defer unix.Close(fd)
	buf := make([]byte, 64<<10)
	n, err := unix.Getdents(fd, buf)
	require.NoError(tb, err)
	return buf[:n]
}

func TestFirstReadsARealFolder(t *testing.T) {
	dir := t.TempDir()
	want := map[string]uint8{".": unix.DT_DIR, "..": unix.DT_DIR}
	for i := range 50 {
		name := fmt.Sprintf("job-%0*d.json", i+1, i)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		want[name] = unix.DT_REG
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	want["folder"] = unix.DT_DIR
	got := map[string]uint8{}
	for rest := listed(t, dir); len(rest) > 0; {
		e, after, err := First(rest)
		require.NoError(t, err)
		rest = after
		got[string(e.Name)] = e.Kind
		var stat unix.Stat_t
		require.NoError(t, unix.Lstat(filepath.Join(dir, string(e.Name)), &stat))
		assert.Equal(t, stat.Ino, e.Ino, "inode of %q", e.Name)
	}
	assert.Equal(t, want, got)
}

func TestReadGoesThroughAFolderUntilThereIsEnough(t *testing.T) {
	dir := t.TempDir()
	want := map[string]bool{".": true, "..": true}
	for i := range 100 {
		name := fmt.Sprintf("%0*d", 20+i, i)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		want[name] = true
	}
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	got, calls, buf := map[string]bool{}, 0, make([]byte, 1024)
	for more := true; more; calls++ {
		more, err = Read(fd, buf, func(e DirEntry) bool {
			got[string(e.Name)] = true
			return true
		})
		require.NoError(t, err)
	}
	assert.Equal(t, want, got)
	assert.Greater(t, calls, 5, "a buffer holds a part of the folder")

	_, err = unix.Seek(fd, 0, io.SeekStart)
	require.NoError(t, err)
	visited := 0
	more, err := Read(fd, buf, func(DirEntry) bool { visited++; return visited < 3 })
	require.NoError(t, err)
	assert.False(t, more)
	assert.Equal(t, 3, visited)

	_, err = Read(-1, buf, func(DirEntry) bool { return true })
	require.ErrorIs(t, err, unix.EBADF)
}

// FuzzFirst: whatever the bytes are, an entry lies within them and the rest is shorter.
func FuzzFirst(f *testing.F) {
	f.Add(listed(f, "/proc/self"))
	f.Add([]byte{})
	f.Add(make([]byte, 24))
	f.Fuzz(func(t *testing.T, buf []byte) {
		e, rest, err := First(buf)
		if err != nil {
			return
		}
		assert.Less(t, len(rest), len(buf))
		assert.LessOrEqual(t, len(e.Name)+len(rest)+name, len(buf))
	})
}
