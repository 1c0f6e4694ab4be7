package hostfs

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// eachKernel runs a test as on a kernel with openat2 and as on one without.
func eachKernel(t *testing.T, test func(t *testing.T)) {
	for name, without := range map[string]bool{"openat2": false, "openat": true} {
		t.Run(name, func(t *testing.T) {
			noOpenat2.Store(without)
			defer noOpenat2.Store(false)
			test(t)
			require.Equal(t, without, noOpenat2.Load())
		})
	}
}

// tree makes a root with a file outside of it.
func tree(t *testing.T) *Root {
	t.Helper()
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(outside+"/secret", []byte("of the host"), 0o600))
	dir := outside + "/root"
	require.NoError(t, os.MkdirAll(dir+"/opt/releases/3.8.1", 0o700))
	require.NoError(t, os.WriteFile(dir+"/opt/releases/3.8.1/metadata.py", []byte("3.8.1"), 0o600))
	for link, target := range map[string]string{
		"/opt/current": "releases/3.8.1", "/opt/absolute": "/opt/releases/3.8.1", "/opt/out": "../../../../secret", "/opt/loop": "loop",
		"/opt/releases/up": "../current", "/opt/dangling": "/nowhere/else",
	} {
		require.NoError(t, os.Symlink(target, dir+link))
	}
	require.NoError(t, unix.Mkfifo(dir+"/opt/fifo", 0o600))
	return &Root{Gate: NewGate(Settings{}), Dir: dir}
}

func TestReadFileStaysWithinTheRoot(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		r := tree(t)
		for _, path := range []string{
			"/opt/releases/3.8.1/metadata.py", "/opt/current/metadata.py", "/opt/absolute/metadata.py", "/opt/releases/up/metadata.py",
			"/opt/current/../3.8.1/metadata.py", "/../../opt//current/./metadata.py",
		} {
			text, err := r.ReadFile(path, 100)
			require.NoError(t, err, path)
			require.Equal(t, "3.8.1", string(text), path)
		}
		for path, want := range map[string]error{
			"/opt/out": unix.ENOENT, "/opt/loop": unix.ELOOP, "/opt/fifo": ErrNotRegular, "/opt": ErrNotRegular, "/opt/dangling": unix.ENOENT,
			"/opt/releases/3.8.1/metadata.py/x": unix.ENOTDIR,
		} {
			_, err := r.ReadFile(path, 100)
			require.ErrorIs(t, err, want, path)
		}
		_, err := r.ReadFile("/opt/current/metadata.py", 4)
		require.ErrorIs(t, err, ErrTooLarge)
	})
}

func TestResolve(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		r := tree(t)
		for path, want := range map[string]string{
			"/opt/current/.jobs":          "/opt/releases/3.8.1/.jobs",
			"/opt/absolute/../x":          "/opt/releases/x",
			"/opt/out":                    "/secret",
			"/opt/dangling/y":             "/nowhere/else/y",
			"/opt/releases/up":            "/opt/releases/3.8.1",
			"/opt/fifo":                   "/opt/fifo",
			"/opt/releases/3.8.1/../../a": "/opt/a",
		} {
			got, err := r.Resolve(path)
			require.NoError(t, err, path)
			require.Equal(t, want, got, path)
		}
		_, err := r.Resolve("/opt/loop/x")
		require.ErrorIs(t, err, unix.ELOOP)
		r.Strip = func(target string) string {
			if inner, ok := Below(target, r.Dir); ok {
				return inner
			}
			return target
		}
		require.NoError(t, os.Symlink(r.Dir+"/opt/current", r.Dir+"/full"))
		got, err := r.Resolve("/full")
		require.NoError(t, err)
		require.Equal(t, "/opt/releases/3.8.1", got)
	})
}

func TestStat(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		r := tree(t)
		want, err := os.Stat(filepath.Join(r.Dir, "opt/releases/3.8.1"))
		require.NoError(t, err)
		for _, path := range []string{"/opt/current", "/opt/absolute", "/opt/releases/3.8.1", "/opt/releases/up"} {
			st, err := r.Stat(path)
			require.NoError(t, err, path)
			require.Equal(t, want.Sys().(*syscall.Stat_t).Ino, st.Ino, path)
		}
	})
}

// TestAFileThatIsSwapped: its owner exchanges it with a FIFO and with a link to what only we may
// read, as fast as he can. No read waits for the FIFO, none follows the link.
func TestAFileThatIsSwapped(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		r := tree(t)
		file, fifo, link := r.Dir+"/opt/releases/3.8.1/metadata.py", r.Dir+"/opt/fifo", r.Dir+"/opt/outside"
		require.NoError(t, os.Symlink(filepath.Dir(r.Dir)+"/secret", link))
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				for _, other := range []string{fifo, link} {
					for range 2 { // there and back
						_ = unix.Renameat2(unix.AT_FDCWD, file, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE)
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
		read, refused := 0, 0
		for end := time.Now().Add(10 * time.Second); read < 100 || refused < 100; {
			require.True(t, time.Now().Before(end), "%d read, %d refused", read, refused)
			text, err := r.ReadFile("/opt/current/metadata.py", 100)
			require.False(t, IsHanging(err), err)
			require.False(t, bytes.Contains(text, []byte("host")))
			if err == nil {
				read++
			} else {
				refused++
			}
		}
		close(stop)
		<-stopped
	})
}

func TestKeys(t *testing.T) {
	r := &Root{Owner: "eve", Mounts: []Mount{
		{Device: "8:1", Point: "/", Type: "ext4"}, {Device: "0:53", Point: "/mnt/share", Type: "nfs4"}, {Device: "0:60", Point: "/home/a", Type: "fuse.sshfs"},
	}}
	require.Equal(t, DeviceKey{Device: "8:1", Owner: "eve"}, r.Key("/opt/facefusion"))
	require.Equal(t, DeviceKey{Device: "8:1", Owner: "eve"}, r.Key("/mnt/shared"))
	require.Equal(t, DeviceKey{Device: "0:53", Share: true}, r.Key("/mnt/share/jobs"))
	require.Equal(t, DeviceKey{Device: "0:60", Share: true}, r.Key("/home/a"))
	require.Equal(t, DeviceKey{Owner: "eve"}, (&Root{Owner: "eve"}).Key("/opt"))
}

// TestOpenInside: nothing within a folder leads out of it, be it a link or a mount.
func TestOpenInside(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "jobs/session/queued"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "victim/queued"), 0o755))
	require.NoError(t, os.Symlink("jobs", filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink("../victim", filepath.Join(dir, "jobs/linked")))
	require.NoError(t, os.Symlink("../../victim/queued", filepath.Join(dir, "jobs/session/failed")))
	host := &Root{Gate: NewGate(Settings{}), Dir: "/"}
	for _, c := range []struct {
		folder, path string
		err          error
	}{
		{dir + "/jobs", "session/queued", nil},
		{dir + "/link", "session/queued", nil}, // the folder itself may be found through one
		{dir + "/jobs", "linked", unix.ENOTDIR},
		{dir + "/jobs", "linked/queued", unix.ELOOP},
		{dir + "/jobs", "session/failed", unix.ENOTDIR},
		{dir + "/jobs", "session/drafted", unix.ENOENT},
		{"/", "proc", unix.EXDEV},
		{"/", "proc/sys", unix.EXDEV},
	} {
		folder, err := host.Hold(c.folder)
		require.NoError(t, err)
		fd, err := OpenInside(folder.FD, c.path, unix.O_PATH|unix.O_DIRECTORY)
		unix.Close(folder.FD)
		if c.err == nil {
			require.NoError(t, err, c.path)
			unix.Close(fd)
			continue
		}
		assert.ErrorIs(t, err, c.err, c.path)
	}
}
