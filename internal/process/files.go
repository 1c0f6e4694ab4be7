package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// files reads below the host's root.
type files struct {
	// tried is how many folders the last search has tried, triesEnd until when it may.
	tried    int
	triesEnd time.Time
	// gate runs what may hang.
	gate *hostfs.Gate
	// root is where the host's root is mounted, "/" or for example "/hostfs".
	root string
	proc string
	fs   procfs.FS
	// kernel says that proc is a proc file system, not a tree that a test built.
	kernel bool
	// trusted says that loadavg has the last pid of the processes in proc.
	trusted bool
	network network
	// mountTables are those read in this pass, by view.
	mountTables map[string][]hostfs.Mount
	// uids are the users of the host's /etc/passwd.
	uids     map[string]int
	uidsRead time.Time
	// subordinates are the users whom others have.
	subordinates subordinates
	// matchDenied says that what the configuration asks of a process may not be read.
	matchDenied bool
	buf         []byte
}

// Bounds on what is read: a command line may be as long as its author likes (FaceFusion takes
// globs), the others are small files.
const (
	maxStat    = 4 << 10
	maxCmdline = 128 << 10
	maxConfig  = 64 << 10
)

func newFiles(root string, gate *hostfs.Gate) *files {
	if root == "" {
		root = "/"
	}
	return &files{gate: gate, root: filepath.Clean(root), proc: filepath.Join(root, "proc"), network: kernelNetwork{}, mountTables: make(map[string][]hostfs.Mount)}
}

// open prepares what needs the folder to exist. It is called at each pass, as the folder may appear
// later.
func (f *files) open() error {
	if f.buf != nil {
		return nil
	}
	fs, err := procfs.NewFS(f.proc)
	if err != nil {
		return fmt.Errorf("open %q: %w", f.proc, err)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(f.proc, &s); err != nil {
		return fmt.Errorf("open %q: %w", f.proc, err)
	}
	f.fs, f.kernel, f.buf = fs, s.Type == unix.PROC_SUPER_MAGIC, make([]byte, maxStat)
	f.trusted = f.kernel && f.trust()
	return nil
}

// path of a file of a process.
func (f *files) path(pid int, name string) string {
	return f.proc + "/" + strconv.Itoa(pid) + "/" + name
}

// read returns at most limit bytes of a file. The slice is valid until the next call. Sizes that
// stat tells are of no use in /proc. An os.File would ask for the type of the file, try to have it
// polled and be cleaned up by the garbage collector: half of what the reading costs.
func (f *files) read(path string, limit int) ([]byte, error) {
	fd, err := uninterrupted(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	n := 0
	for n < limit {
		if n == len(f.buf) {
			f.buf = append(f.buf, make([]byte, min(len(f.buf), limit-n))...)
		}
		m, err := uninterrupted(func() (int, error) { return unix.Read(fd, f.buf[n:min(len(f.buf), limit)]) })
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		}
		if m == 0 {
			break
		}
		n += m
	}
	return f.buf[:n], nil
}

// record returns a file that the kernel makes as one record: what does not fill the buffer is all
// of it, so that nothing is read to find its end.
func (f *files) record(path string) ([]byte, error) {
	fd, err := uninterrupted(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	n, err := uninterrupted(func() (int, error) { return unix.Read(fd, f.buf) })
	if err != nil {
		return nil, &os.PathError{Op: "read", Path: path, Err: err}
	}
	return f.buf[:n], nil
}

// uninterrupted repeats a system call that a signal has interrupted.
func uninterrupted(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// bootID is a name that the kernel gives to each boot.
func (f *files) bootID() string {
	data, err := f.read(f.proc+"/sys/kernel/random/boot_id", maxStat)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func (f *files) stat(pid int) (stat, error) {
	data, err := f.record(f.path(pid, "stat"))
	if err != nil {
		return stat{}, err
	}
	return parseStat(data)
}

// cmdline goes through the gate: the kernel reads the memory of the process for it, and waits where
// the process itself waits for a file system with its memory locked.
func (f *files) cmdline(pid int) ([]byte, error) {
	if !f.kernel {
		return f.read(f.path(pid, "cmdline"), maxCmdline)
	}
	owner := f.owner(pid)
	return hostfs.Do(f.gate, hostfs.DeviceKey{Device: "memory of " + strconv.Itoa(pid), Owner: owner}, owner, func() ([]byte, error) {
		own := files{buf: make([]byte, 512)} // the buffer of f belongs to who observes
		return own.read(f.path(pid, "cmdline"), maxCmdline)
	})
}

// link reads a link of a process. In a tree that a test built, links are absolute and lead into the
// tree: they are cut down to what a kernel would say.
func (f *files) link(pid int, name string) (string, error) {
	target, err := os.Readlink(f.path(pid, name))
	if err != nil {
		return "", err
	}
	return f.strip(target), nil
}

func (f *files) strip(path string) string {
	if f.kernel || f.root == "/" {
		return path
	}
	if inner, ok := hostfs.Below(path, f.root); ok {
		return inner
	}
	return path
}

// count is the number of entries of a folder of a process.
func (f *files) count(pid int, name string) (int64, error) {
	dir, err := os.Open(f.path(pid, name))
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	var n int64
	for {
		names, err := dir.Readdirnames(256)
		n += int64(len(names))
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// descriptors counts the open files of a process. Since Linux 6.2 the folder's size is the count,
// and needs no privilege,
// https://git.kernel.org/torvalds/c/f1f1f2569901ec5b9d425f2e91c09a0e320768f3.
func (f *files) descriptors(pid int) (int64, error) {
	if f.kernel {
		var info unix.Stat_t
		if err := unix.Stat(f.path(pid, "fd"), &info); err == nil && info.Size > 0 {
			return info.Size, nil
		}
	}
	return f.count(pid, "fd")
}

// gone says whether an error means that the process has ended: it went away before the file was
// opened, or between open and read.
func gone(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH)
}

func isDenied(err error) bool { return errors.Is(err, os.ErrPermission) }
