package jobsdir

import (
	"slices"

	"golang.org/x/sys/unix"
)

// remote are the filesystems that others may change as well: inotify reports what this kernel does,
// and of nothing else.
var remote = []uint32{
	unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC, unix.V9FS_MAGIC, unix.CEPH_SUPER_MAGIC,
	unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC, unix.CODA_SUPER_MAGIC, unix.OCFS2_SUPER_MAGIC, lustre, gfs2, vboxsf,
}

// Those that <linux/magic.h> leaves to the modules.
const (
	lustre = 0x0bd00bd0
	gfs2   = 0x01161970
	vboxsf = 0x786f4256
)

// isRemote says whether hints about an open folder are not all there is. Where that cannot be known
// it is thought so.
func isRemote(dir int) bool {
	var st unix.Statfs_t
	if err := unix.Fstatfs(dir, &st); err != nil {
		return true
	}
	return slices.Contains(remote, uint32(st.Type))
}
