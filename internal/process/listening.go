package process

import (
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostnet"
)

// listening finds the listening sockets of a process's network namespace. The kernel answers one
// request for all of our own namespace in 0.1 ms (sock_diag); of another namespace there is only
// /proc/<pid>/net/tcp, which takes 3.7 ms and as long again for IPv6, whatever it contains.
type listening struct {
	files *files
	// own are the sockets of our namespace at the pass that asked last.
	own    []listener
	passAt time.Duration
	// version counts the different answers, from 1 on: while it is the same, nobody has begun to
	// listen.
	version uint64
}

// sockets are those of the namespace that a process is in, and a number that is the same as long as
// they are the same; 0 where that is not known. Of our own namespace the kernel is asked once a
// pass.
func (l *listening) sockets(pid int, at time.Duration) (list []listener, version uint64, err error) {
	if !l.files.kernel || l.files.foreignNetwork(pid) {
		list, err = listeners(l.files.path(pid, ""))
		return list, 0, err
	}
	if list, version, ok := l.ours(at); ok {
		return list, version, nil
	}
	list, err = listeners(l.files.path(pid, ""))
	return list, 0, err
}

// ours are the sockets of our own namespace; false on a kernel without inet_diag, or in a sandbox
// that forbids netlink.
func (l *listening) ours(at time.Duration) (list []listener, version uint64, ok bool) {
	if l.version != 0 && l.passAt == at {
		return l.own, l.version, true
	}
	found, err := hostnet.Listeners()
	if err != nil {
		return nil, 0, false
	}
	list = make([]listener, 0, len(found))
	for _, f := range found {
		list = append(list, listener{address: f.Address, uid: f.UID, inode: uint64(f.Inode)})
	}
	if l.version == 0 || !slices.Equal(list, l.own) {
		l.version++
	}
	l.own, l.passAt = list, at
	return list, l.version, true
}

// versionOf is a number that is the same as long as nobody has begun to listen on one of the ports
// in our own namespace; 0 where nobody does, or where it is not known.
func (l *listening) versionOf(ports []uint16, at time.Duration) uint64 {
	if !l.files.kernel {
		return 0
	}
	list, version, _ := l.ours(at)
	if !slices.ContainsFunc(list, func(s listener) bool { return slices.Contains(ports, s.address.Port()) }) {
		return 0
	}
	return version
}

// foreignNetwork says whether a process has another network namespace than this one. The inode of
// this file is the namespace's and not the process's, and everybody may ask for it, where the link
// /proc/<pid>/ns/net is closed to other users.
func (f *files) foreignNetwork(pid int) bool {
	if !f.kernel {
		own, ownErr := os.Readlink("/proc/self/ns/net")
		theirs, err := os.Readlink(f.path(pid, "ns/net"))
		return err == nil && ownErr == nil && own != theirs
	}
	own, ok := inode("/proc/self/net/tcp")
	theirs, theirsOK := inode(f.path(pid, "net/tcp"))
	return ok && theirsOK && own != theirs
}

func inode(path string) (uint64, bool) {
	var s unix.Stat_t
	err := unix.Stat(path, &s)
	return s.Ino, err == nil
}
