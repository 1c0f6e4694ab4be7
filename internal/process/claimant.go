package process

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// Claimants are those who say that a jobs folder is theirs: the users of an instance's processes.
// What a path leads to may be another folder at any time, so whoever opens it asks again.
type Claimants []*claimant

// claimant is a user with the checkout that his process was found in.
type claimant struct {
	credentials
	// payer has the user, and subordinates are the others that he has.
	payer        int
	subordinates []subordinateRange
	// checkout is zero where its user may have mounted what is in it.
	checkout folderID
	// key is the same for whoever may do the same.
	key string
}

// folderID identifies a folder while it is there.
type folderID struct{ dev, ino uint64 }

func folderIDOf(st *unix.Stat_t) folderID { return folderID{uint64(st.Dev), st.Ino} }

// folderAt identifies the folder that a path without links names; zero where it is none, or leads
// through a link by now. What lies there may be another folder at any time.
func folderAt(root *hostfs.Root, path string) folderID {
	if path == "" {
		return folderID{}
	}
	h, err := root.HoldInPlace(path)
	if err != nil {
		return folderID{}
	}
	defer unix.Close(h.FD)
	return folderIDOf(&h.Stat)
}

// claimant finds out who a process is that was found in a checkout; nil where that cannot be read.
func (f *files) claimant(pid int, checkout folderID) *claimant {
	c, ok := f.credentials(pid)
	if !ok {
		return nil
	}
	claims := f.claims(c)
	if !c.host() && f.network.owned(f.path(pid, "ns/mnt")) {
		claims.checkout = checkout
	}
	claims.key = fmt.Sprint(c, claims.checkout)
	return claims
}

func (f *files) claims(c credentials) *claimant {
	owner := f.ownerOf(c.uid)
	return &claimant{credentials: c, payer: owner, subordinates: f.subordinatesOf(owner), key: fmt.Sprint(c)}
}

// May says whether an open folder below a root may be theirs. Where nobody is known it may.
func (l Claimants) May(root *hostfs.Root, h hostfs.Held) bool {
	if len(l) == 0 || serverDecides(root, &h.Stat) {
		return true
	}
	return slices.ContainsFunc(l, func(c *claimant) bool {
		return c.has(int(h.Stat.Uid)) || c.mayWrite(&h.Stat) || c.worksIn(h) || c.listedOn(h.FD)
	})
}

// has says that a user is the claimant himself, or one of those that he has.
func (c *claimant) has(uid int) bool {
	return uid == c.uid || uid == c.payer || slices.ContainsFunc(c.subordinates, func(r subordinateRange) bool {
		return uid >= r.first && uid < r.first+r.count
	})
}

// worksIn says that a folder lies in the very checkout that the process was found in, and was put
// there by its owner: a stranger is shown with the jobs of a checkout that nobody else uses.
func (c *claimant) worksIn(h hostfs.Held) bool {
	if c.checkout == (folderID{}) {
		return false
	}
	parent, err := unix.Openat(h.FD, "..", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(parent)
	var st unix.Stat_t
	const others = 0o022
	return unix.Fstat(parent, &st) == nil && folderIDOf(&st) == c.checkout && hostfs.SameMount(parent, h.FD) &&
		st.Mode&others == 0 && (st.Uid == 0 || st.Uid == h.Stat.Uid)
}

// listedOn says whether an access control list of an open folder lets the user write.
func (c *claimant) listedOn(fd int) bool {
	value := make([]byte, maxAccessList)
	n, err := unix.Getxattr(fmt.Sprintf("/proc/self/fd/%d", fd), accessList, value)
	return err == nil && c.allowedBy(value[:n])
}

// serverDecides says that modes and owners do not tell who may write: a server or a program
// decides, or the owner is one of a server's that this host has no name for.
func serverDecides(root *hostfs.Root, st *unix.Stat_t) bool {
	m, ok := hostfs.OfDevice(root.Mounts, uint64(st.Dev))
	return ok && (!m.KeepsModes() || m.IsShare() && st.Uid == unnamedOwner)
}

// unnamedOwner is what NFS gives for an owner without a name.
const unnamedOwner = 65_534

// claimantsOf are those of the live processes. A process that joined for its runs only may be
// anybody's, as cron or a shell.
func claimantsOf(live []*trackedProcess) (list Claimants) {
	for _, m := range live {
		known := func(c *claimant) bool { return c.key == m.claimant.key }
		if m.claimant != nil && !m.alone && !m.role.Child() && !slices.ContainsFunc(list, known) {
			list = append(list, m.claimant)
		}
	}
	return list
}

// groups are those of the user that made an instance known.
func (i *instanceState) groups() []int {
	for _, c := range i.claimants {
		if c.uid == i.uid {
			return c.groups
		}
	}
	return nil
}
