package process

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// attribute finds out whose a process is. Everybody who can read a checkout can start FaceFusion
// there, or say with --jobs-path that he works with somebody's jobs folder. A user who may write
// neither to the checkout nor to the jobs folder in it is a stranger: what he runs is an instance
// of its own, which neither changes the other one's version nor keeps it up. A jobs folder that he
// may not write to is not his, as FaceFusion could do nothing with it.
//
// The same holds in a container, but for whom the container runs as: its image's files may all be
// root's. Where it is unknown, no process counts as foreign.
func (f *files) attribute(pid int, root *hostfs.Root, p *workdir) {
	if p.checkout.inner == "" {
		return
	}
	c, ok := f.credentials(pid)
	if !ok || c.host() {
		return
	}
	own := p.checkout.inner + "/" + defaultJobsPath
	claims := p.jobs.inner != own && p.jobs.inner != ""
	barred := c.barredFrom(root, p.checkout.inner) && (c.barredFrom(root, own) || !exists(root, own) || f.laidOver(pid, root, p.checkout.inner, own))
	if !barred && !claims || f.placed(pid, c, root, p.checkout.inner) {
		return
	}
	if claims && c.barredFrom(root, p.jobs.inner) {
		p.jobs, p.temporary, p.refused = f.locate(pid, own), false, true
	}
	if barred {
		p.stranger = " of user " + strconv.Itoa(c.inner(c.uid))
	}
}

// barredFrom says that a folder is there and the user may not write to it, as far as its mode can
// tell.
func (c credentials) barredFrom(root *hostfs.Root, path string) bool {
	if m, _, ok := hostfs.Covering(root.Mounts, path); ok && !m.KeepsModes() {
		return false
	}
	st, err := root.Stat(path)
	return err == nil && !c.mayWrite(&st) && !c.listed(root, path)
}

// laidOver says that a folder within another one is on a mount that the process's own user may have
// made, in a namespace of his own: that he may write there says nothing about the folder below it.
func (f *files) laidOver(pid int, root *hostfs.Root, folder, within string) bool {
	outer, _, ok := hostfs.Covering(root.Mounts, folder)
	inner, _, there := hostfs.Covering(root.Mounts, within)
	return ok && there && outer.Point != inner.Point && !f.network.owned(f.path(pid, "ns/mnt"))
}

func exists(root *hostfs.Root, path string) bool {
	_, err := root.Stat(path)
	return err == nil
}

// placed says whether a process was put into its container by who runs that: it is of the user that
// the container was started as, or that "docker exec" has named. Both may be another user than the
// owner of the files, and both have a parent outside of the container. Everybody may make
// namespaces of his own, so that parent must be root, or the container's users must be those that
// own the files.
func (f *files) placed(pid int, c credentials, root *hostfs.Root, checkout string) bool {
	depth, ppid, ok := f.depth(pid)
	for range maxAncestors {
		if !ok {
			return false
		}
		outer, next, known := f.depth(ppid)
		if ppid == 0 || known && outer < depth {
			return f.entered(pid, ppid, c, root, checkout)
		}
		pid, ppid, ok = ppid, next, known
	}
	return false
}

// maxAncestors bounds the way up to the first process of a container.
const maxAncestors = 64

// entered judges the first process on the way up whose parent is outside.
func (f *files) entered(entry, parent int, c credentials, root *hostfs.Root, checkout string) bool {
	if e, ok := f.credentials(entry); !ok || e.uid != c.uid {
		return false
	}
	if parent == 0 { // whoever it is has put it where we are as well
		return true
	}
	// Whoever loses his parent is adopted by process 1, which is root's, so the namespace has to be
	// of the host's root as well.
	if outside, ok := f.credentials(parent); ok && outside.host() && f.network.owned(f.path(entry, "ns/pid")) {
		return true
	}
	st, err := root.Stat(checkout)
	return err == nil && c.mapped(int(st.Uid))
}

// depth is how many pid namespaces a process is in, and its parent.
func (f *files) depth(pid int) (depth, ppid int, ok bool) {
	if pid < 1 {
		return 0, 0, false
	}
	s, err := f.stat(pid)
	if err != nil {
		return 0, 0, false
	}
	n := Namespace{proc: f.proc}
	return max(1, len(n.pids(strconv.Itoa(pid)))), s.ppid, true
}

// listed says whether an access control list of a folder lets the user write.
func (c credentials) listed(root *hostfs.Root, path string) bool {
	list, err := hostfs.Do(root.Gate, root.Key(path), root.Owner, func() ([]byte, error) {
		fd, err := root.Open(path, unix.O_RDONLY|unix.O_DIRECTORY)
		if err != nil {
			return nil, err
		}
		defer unix.Close(fd)
		value := make([]byte, maxAccessList)
		n, err := unix.Fgetxattr(fd, accessList, value)
		return value[:max(0, n)], err
	})
	return err == nil && c.allowedBy(list)
}
