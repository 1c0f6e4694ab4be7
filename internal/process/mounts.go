package process

import (
	"os"
	"path/filepath"
	"strconv"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// mounts returns none where they cannot be had.
func (f *files) mounts(pid int) []hostfs.Mount {
	view, ok := f.view(pid)
	if mounts, known := f.mountTables[view]; ok && known {
		return mounts
	}
	mounts, err := hostfs.ReadMounts(f.proc + "/" + strconv.Itoa(pid))
	if err != nil {
		return nil
	}
	if ok {
		f.mountTables[view] = mounts
	}
	return mounts
}

// view names what a mount table depends on: the mount namespace, and the root within it. Most
// processes of a host share one, and the table of a host with containers has hundreds of lines.
func (f *files) view(pid int) (string, bool) {
	namespace, err := os.Readlink(f.path(pid, "ns/mnt"))
	if err != nil {
		return "", false
	}
	root, err := os.Readlink(f.path(pid, "root"))
	return namespace + " " + root, err == nil
}

func sameMount(a, b hostfs.Mount) bool {
	return a.Device == b.Device && a.Root == b.Root && a.Point == b.Point
}

// reach returns where the host has mounted a folder of a device, so that it can be opened without
// going through a process.
func reach(host []hostfs.Mount, device, folder string) (string, bool) {
	path, length := "", -1
	for _, m := range host {
		rest, under := hostfs.Below(folder, m.Root)
		if m.Device == device && under && len(m.Root) > length {
			path, length = filepath.Join(m.Point, rest), len(m.Root)
		}
	}
	return path, length >= 0
}

// canonical returns the one name for a folder of the host that has several, by bind mounts: that in
// the mount of the most of the file system. Shares are left alone, whose mounts come and go.
func canonical(host []hostfs.Mount, path string) (string, bool) {
	m, inner, ok := hostfs.Covering(host, path)
	if !ok || m.IsShare() {
		return "", false
	}
	folder := filepath.Join(m.Root, inner)
	name, length := path, len(m.Root)
	for _, other := range host {
		rest, under := hostfs.Below(folder, other.Root)
		if other.Device != m.Device || !under || len(other.Root) >= length {
			continue
		}
		candidate := filepath.Join(other.Point, rest)
		if c, _, ok := hostfs.Covering(host, candidate); ok && sameMount(c, other) { // not hidden
			name, length = candidate, len(other.Root)
		}
	}
	return name, true
}

// nameless says that nothing of a mount tells two such file systems apart but its device number.
func nameless(m hostfs.Mount) bool {
	switch m.Type {
	case "tmpfs", "ramfs", "overlay", "fuse.fuse-overlayfs":
		return true
	default:
		return false
	}
}

// folder is one folder in three views.
type folder struct {
	// inner is what the process calls it, its links resolved.
	inner string
	// host is what the host calls it; empty where the host has no name for it.
	host string
	// key is the same for everybody who means this very folder, and the same after a restart.
	key string
	// former is the key that an earlier version gave it, where that is another one.
	former string
	// volatile says that the key is of this boot and this mount alone: the file system has no name
	// of its own.
	volatile bool
}

// locate finds out which folder of the host a process means with a path. Two containers may use the
// same path for different folders, and different paths for the same one. The mounts tell: where
// process and host see the path on the same mount, it is the host's; else it is some folder of some
// device, which the host may have mounted too (a bind mount), or a container's own layer. The
// layer's folder survives a restart of the container; its mount point on the host need not, so it
// opens the folder but does not name it.
func (f *files) locate(pid int, path string) folder {
	m, inner, ok := hostfs.Covering(f.mounts(pid), path)
	host := f.mounts(1)
	if h, _, hostOK := hostfs.Covering(host, path); !ok || hostOK && sameMount(m, h) {
		outer := path
		if root, err := f.link(pid, "root"); err == nil && root != "/" {
			outer = filepath.Join(root, path) // chroot
		}
		l := folder{inner: path, host: outer, key: outer}
		if c, ok := canonical(host, outer); ok && c != outer { // a bind mount
			l.key, l.former = c, outer
		}
		return l
	}
	rest := filepath.Join(m.Root, inner)
	l := folder{inner: path}
	l.host, _ = reach(host, m.Device, rest)
	switch {
	case m.Upper != "":
		l.key = filepath.Join(m.Upper, inner)
	case l.host != "":
		l.key = l.host
		if c, ok := canonical(host, l.host); ok && c != l.host {
			l.key, l.former = c, l.host
		}
	default:
		l.key = m.Type + ":" + m.Source + ":" + rest
		if nameless(m) {
			l.former, l.volatile = l.key, true
			l.key += ":" + m.Device
		}
	}
	return l
}
