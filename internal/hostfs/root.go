package hostfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Root is a root directory with its mount table: that of a process, or of the host. Paths are
// absolute and mean what they mean to a process with this root.
type Root struct {
	// Gate runs the accesses.
	Gate *Gate
	// Dir is where the root directory is opened from here: /proc/<pid>/root, or where the host's
	// root is mounted.
	Dir string
	// Mounts is the mount table; empty where it cannot be had, and then all is one device.
	Mounts []Mount
	// Owner is who pays for accesses that hang: a user, or an instance.
	Owner string
	// Strip turns the target of a link into what a process with this root sees; nil where it is
	// that already. A tree that a test built has links that lead into the tree by their full names.
	Strip func(target string) string
}

// Key of what an access to a clean path may hang on.
func (r *Root) Key(path string) DeviceKey {
	m, _, ok := Covering(r.Mounts, path)
	switch {
	case !ok:
		return DeviceKey{Owner: r.Owner}
	case m.IsShare():
		return DeviceKey{Device: m.Device, Share: true}
	default:
		return DeviceKey{Device: m.Device, Owner: r.Owner}
	}
}

// maxLinks is the kernel's own limit, see path_resolution(7).
const maxLinks = 40

// errLinks is what the kernel says, too.
var errLinks = fmt.Errorf("resolve: %w", unix.ELOOP)

// Resolve follows the links of a path. What does not exist, or may not be read, is taken as it is
// named: a folder need not exist yet. It fails where a file system does not answer.
func (r *Root) Resolve(path string) (string, error) {
	return r.followLinks(path, func(path string) (string, error) {
		return Do(r.Gate, r.Key(path), r.Owner, func() (string, error) { return r.readlink(path) })
	})
}

func (r *Root) followLinks(path string, readlink func(string) (string, error)) (string, error) {
	done, rest := "/", strings.Split(path, "/")
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			done = filepath.Dir(done)
			continue
		}
		next := filepath.Join(done, name)
		target, err := readlink(next)
		if IsHanging(err) {
			return "", fmt.Errorf("resolve: %w", err)
		}
		if err != nil {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", errLinks
		}
		if r.Strip != nil {
			target = r.Strip(target)
		}
		if filepath.IsAbs(target) {
			done = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return done, nil
}

// readlink fails with EINVAL where the path is no link.
func (r *Root) readlink(path string) (string, error) {
	fd, err := r.openat(path, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	switch {
	case errors.Is(err, unix.ENOENT): // what the kernel says of an empty name where fd is no link
		return "", unix.EINVAL
	case err != nil:
		return "", &os.PathError{Op: "readlink", Path: path, Err: err}
	}
	return string(buf[:n]), nil
}
