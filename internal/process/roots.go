package process

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// rootOf is the root below which the paths of a process are opened.
func (f *files) rootOf(pid int) *hostfs.Root {
	return &hostfs.Root{Gate: f.gate, Dir: f.path(pid, "root"), Mounts: f.mounts(pid), Owner: f.owner(pid), Strip: f.strip}
}

// hostRoot is the root of the host. Its paths are those that the configuration names.
func (f *files) hostRoot() *hostfs.Root {
	return &hostfs.Root{Gate: f.gate, Dir: f.root, Mounts: f.mounts(1), Owner: "configuration", Strip: f.strip}
}

// owner is who pays for what a process makes us wait for. The folder of a process belongs to root
// where the process hides itself (PR_SET_DUMPABLE), whoever's it is, and where its program is
// set-uid to root: that is of whoever started it.
func (f *files) owner(pid int) string {
	var st unix.Stat_t
	uid := -1
	if err := unix.Stat(f.proc+"/"+strconv.Itoa(pid), &st); err == nil {
		uid = int(st.Uid)
	}
	if uid <= 0 {
		uid = -1
		if c, ok := f.credentials(pid); ok {
			uid = c.uid
		}
	}
	return "uid " + strconv.Itoa(f.ownerOf(uid))
}

// resolve follows the links of a path as a process with that root would. Where the file system does
// not answer, the path is taken as it is named.
func resolve(root *hostfs.Root, path string) string {
	resolved, err := root.Resolve(path)
	if err != nil {
		return path
	}
	return resolved
}

// reachesHost says whether a path by which this process opens a folder of the host still leads
// there. Where the file system does not answer it does.
func (f *files) reachesHost(path string) bool {
	inner, ok := hostfs.Below(path, f.root)
	if !ok {
		return false
	}
	_, err := f.hostRoot().Stat(inner)
	return err == nil || hostfs.IsHanging(err)
}
