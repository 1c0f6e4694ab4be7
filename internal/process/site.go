package process

import (
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// site is where a process runs, beyond its paths. It says which instance is the same after a
// container was created anew, when the device numbers, inodes and users of its files are others.
type site struct {
	// container is the ID of the container, or the name of a system container; empty on the host.
	container string
	// who names the unit or the container in a key: by what lasts, else by the container; empty
	// where it has no name.
	who string
	// layer is a folder that the host has for as long as the container exists, running or not;
	// empty where none is known.
	layer string
	// alien says that the process is in a user namespace of its own: its mounts, and with them the
	// names of its folders, are what its owner makes them.
	alien bool
	// payer is the user who has it: with subordinate users, he whose they are.
	payer int
}

// site finds out where a process runs.
func (f *files) site(pid int) site {
	p := site{alien: f.alien(pid), payer: f.userOf(pid)}
	l, ok := f.location(pid)
	if !ok {
		return p
	}
	names := f.containerNames(pid, &l)
	p.container, p.who = l.Site.Outer, l.Site.Who(names.Lasting())
	// Who makes namespaces of his own outside of any container has what he names himself.
	if p.private() && l.Site.Outer == "" {
		p.who = "user " + strconv.Itoa(p.payer) + " " + p.who
	}
	mounts := f.mounts(pid)
	host, _, _ := hostfs.Covering(f.mounts(1), "/")
	if root, _, ok := hostfs.Covering(mounts, "/"); ok && root.Upper != "" && !sameMount(root, host) {
		p.layer = filepath.Dir(root.Upper)
	} else if p.container != "" {
		p.layer = f.containerFolder(p.container, mounts)
	}
	return p
}

// mayBe says whether what runs there may be of an instance because its folders are called alike. In
// a user namespace of his own everybody can have a folder called like any other, so there it must
// be the same place, or the same user.
func (p site) mayBe(i *instanceState) bool {
	return !p.alien || i.conf == nil && (i.site.who == p.who || i.uid == p.payer)
}

// private says that an ordinary user made the user namespace.
func (p site) private() bool { return p.alien && p.payer > 0 }

// alien says that a process is in a user namespace of its own.
func (f *files) alien(pid int) bool {
	users, mapped := f.users(pid)
	return len(users) > 0 || !mapped
}

// userOf is who has a process: its user, but for one in a user namespace him who made that. With
// subordinate users one has 65,536, see subuid(5).
func (f *files) userOf(pid int) int {
	c, ok := f.credentials(pid)
	if !ok {
		return -1
	}
	if len(c.users) > 0 {
		if uid, ok := f.network.maker(f.path(pid, "ns/user")); ok && uid != 0 {
			return f.ownerOf(uid)
		}
	}
	return f.ownerOf(c.uid)
}

// maker is the user who made a user namespace.
func (kernelNetwork) maker(namespace string) (uid int, ok bool) {
	fd, err := unix.Open(namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	owner, err := unix.IoctlGetUint32(fd, unix.NS_GET_OWNER_UID)
	return int(owner), err == nil
}
