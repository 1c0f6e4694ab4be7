package hostfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// noOpenat2 is set where openat2 is missing (Linux before 5.6) or filtered (an older container
// runtime): then each component is opened by itself.
var noOpenat2 atomic.Bool

// Open opens a path and follows its links within the root. It blocks as long as the file system
// likes, so it is called within an access only.
func (r *Root) Open(path string, flags int) (int, error) {
	clean := filepath.Clean(path)
	if path == clean {
		fd, err := r.openat(path, flags)
		if !errors.Is(err, unix.ELOOP) {
			return fd, err
		}
	}
	resolved, err := r.followLinks(path, r.readlink)
	if err != nil {
		return -1, err
	}
	return r.openat(resolved, flags)
}

// OpenInside opens, in an open folder, a path that leads neither through a link nor over a mount:
// whoever may write to the folder leads nobody out of it. It blocks as Open does.
func OpenInside(folder int, path string, flags int) (int, error) {
	fd, err := openComponents(folder, path, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	if !SameMount(folder, fd) {
		unix.Close(fd)
		return -1, &os.PathError{Op: "open", Path: path, Err: unix.EXDEV}
	}
	return fd, nil
}

// SameMount says that two open files lie on one mount.
func SameMount(a, b int) bool { return mountOf(a) == mountOf(b) }

// mountID is what an open file lies on: the mount, or the device where the kernel does not tell
// that (Linux before 5.8).
type mountID struct {
	id           uint64
	major, minor uint32
}

func mountOf(fd int) mountID {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st); err != nil {
		return mountID{}
	}
	if st.Mask&unix.STATX_MNT_ID != 0 {
		return mountID{id: st.Mnt_id}
	}
	return mountID{major: st.Dev_major, minor: st.Dev_minor}
}

// openat opens a path whose links are resolved. A link that appears in it meanwhile is ELOOP.
func (r *Root) openat(path string, flags int) (int, error) {
	root, err := unix.Open(r.Dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: r.Dir, Err: err}
	}
	defer unix.Close(root)
	flags |= unix.O_CLOEXEC
	if flags&unix.O_PATH == 0 { // openat2 refuses flags that O_PATH would ignore
		flags |= unix.O_NONBLOCK | unix.O_NOCTTY
	}
	fd, err := openBeneath(root, strings.TrimLeft(path, "/"), flags)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

func openBeneath(root int, path string, flags int) (int, error) {
	if path == "" {
		path = "."
	}
	if !noOpenat2.Load() {
		how := &unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS}
		fd, err := unix.Openat2(root, path, how)
		switch {
		case errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) && filtered(root):
			noOpenat2.Store(true)
		case errors.Is(err, unix.EAGAIN): // something was renamed or mounted at the same moment
			return openComponents(root, path, flags)
		default:
			return fd, err
		}
	}
	return openComponents(root, path, flags)
}

// filtered distinguishes a forbidden system call from a file that may not be opened.
func filtered(root int) bool {
	fd, err := unix.Openat2(root, ".", &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC})
	if err == nil {
		unix.Close(fd)
	}
	return errors.Is(err, unix.EPERM)
}

// openComponents follows no link: one in between is ELOOP, as the kernel says. ".." does not occur
// in a path whose links are resolved.
func openComponents(root int, path string, flags int) (int, error) {
	names := strings.Split(path, "/")
	dir, err := unix.Openat(root, ".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	for _, name := range names[:len(names)-1] {
		next, err := unix.Openat(dir, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOTDIR) && isLink(dir, name) {
			err = unix.ELOOP
		}
		unix.Close(dir)
		if err != nil {
			return -1, err
		}
		dir = next
	}
	defer unix.Close(dir)
	last := names[len(names)-1]
	if flags&unix.O_NOFOLLOW == 0 && isLink(dir, last) {
		return -1, unix.ELOOP // O_PATH would open the link itself
	}
	return unix.Openat(dir, last, flags|unix.O_NOFOLLOW, 0)
}

func isLink(dir int, name string) bool {
	var st unix.Stat_t
	err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK
}
