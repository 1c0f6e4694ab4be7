package process

import (
	"path/filepath"
	"strconv"
	"strings"
)

// mount is one line of /proc/<pid>/mountinfo, which everybody may read.
type mount struct {
	device, root, point, fstype, source string
	// upper is the folder below an overlay that takes the writes: a container's own layer.
	upper string
}

func (m mount) same(other mount) bool {
	return m.device == other.device && m.root == other.root && m.point == other.point
}

// mounts returns none where they cannot be had.
func (f *files) mounts(pid int) []mount {
	p, err := f.fs.Proc(pid)
	if err != nil {
		return nil
	}
	infos, err := p.MountInfo()
	if err != nil {
		return nil
	}
	mounts := make([]mount, 0, len(infos))
	for _, i := range infos {
		mounts = append(mounts, mount{
			device: i.MajorMinorVer, root: unescape(i.Root), point: unescape(i.MountPoint),
			fstype: i.FSType, source: unescape(i.Source), upper: unescape(i.SuperOptions["upperdir"]),
		})
	}
	return mounts
}

// unescape undoes the octal escapes of mountinfo: \040 is a space.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// covering returns the mount that holds path, and the path within the mount. A later mount hides an earlier one.
func covering(mounts []mount, path string) (mount, string, bool) {
	var found mount
	var inner string
	ok := false
	for _, m := range mounts {
		rest, under := below(path, m.point)
		if under && (!ok || len(m.point) >= len(found.point)) {
			found, inner, ok = m, rest, true
		}
	}
	return found, inner, ok
}

// reach returns where the host has mounted a folder of a device, so that it can be opened without going through a process.
func reach(host []mount, device, folder string) (string, bool) {
	path, length := "", -1
	for _, m := range host {
		rest, under := below(folder, m.root)
		if m.device == device && under && len(m.root) > length {
			path, length = filepath.Join(m.point, rest), len(m.root)
		}
	}
	return path, length >= 0
}

// location is one folder in three views.
type location struct {
	// inner is what the process calls it, its links resolved.
	inner string
	// host is what the host calls it; empty where the host has no name for it.
	host string
	// key is the same for everybody who means this very folder, and the same after a restart.
	key string
}

// locate finds out which folder of the host a process means with a path. Two containers may use the same path for different folders, and different paths for
// the same one. The mounts tell: where process and host see the path on the same mount, it is the host's; else it is some folder of some device, which the host
// may have mounted too (a bind mount), or a container's own layer. The layer's folder survives a restart of the container; its mount point on the host need
// not, so it opens the folder but does not name it.
func (f *files) locate(pid int, path string) location {
	m, inner, ok := covering(f.mounts(pid), path)
	host := f.mounts(1)
	if h, _, hostOK := covering(host, path); !ok || hostOK && m.same(h) {
		outer := path
		if root, err := f.link(pid, "root"); err == nil && root != "/" {
			outer = filepath.Join(root, path) // chroot
		}
		return location{inner: path, host: outer, key: outer}
	}
	folder := filepath.Join(m.root, inner)
	l := location{inner: path}
	l.host, _ = reach(host, m.device, folder)
	switch {
	case m.upper != "":
		l.key = filepath.Join(m.upper, inner)
	case l.host != "":
		l.key = l.host
	default:
		l.key = m.fstype + ":" + m.source + ":" + folder
	}
	return l
}
