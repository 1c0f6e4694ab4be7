package hostfs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Mount is one line of /proc/<pid>/mountinfo, which everybody may read.
type Mount struct {
	// Device is the major and minor number of the file system.
	Device string
	// Root is the folder of the file system that is mounted, Point where.
	Root, Point string
	// Type and Source of the file system.
	Type, Source string
	// Upper is the folder below an overlay that takes the writes: a container's own layer.
	Upper string
	// Options of the file system, joined by commas.
	Options string
}

// maxMounts bounds what is read: a host of 500 containers has about 5,000 mounts of 200 bytes.
const maxMounts = 4 << 20

var errMounts = errors.New("not in the form of /proc/<pid>/mountinfo")

// ReadMounts reads the mount table of a process from its folder in proc. No file system is asked
// for that: the kernel knows.
func ReadMounts(procPID string) ([]Mount, error) {
	file, err := os.Open(procPID + "/mountinfo")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := readAll(file, maxMounts)
	if err != nil {
		return nil, err
	}
	return parseMounts(text)
}

// parseMounts reads the form that proc_pid_mountinfo(5) describes: six fields, optional ones, a
// hyphen, three more.
func parseMounts(text []byte) ([]Mount, error) {
	mounts := make([]Mount, 0, bytes.Count(text, []byte("\n")))
	for line := range strings.Lines(string(text)) {
		before, after, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 6 || len(rest) < 2 {
			return nil, fmt.Errorf("%w: %q", errMounts, line)
		}
		m := Mount{Device: fields[2], Root: unescape(fields[3]), Point: unescape(fields[4]), Type: rest[0], Source: unescape(rest[1])}
		if len(rest) > 2 {
			m.Options = rest[2]
			for option := range strings.SplitSeq(rest[2], ",") {
				if upper, found := strings.CutPrefix(option, "upperdir="); found {
					m.Upper = unescape(upper)
				}
			}
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
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

// Covering returns the mount that holds a clean absolute path, and the path within the mount. A
// later mount hides an earlier one.
func Covering(mounts []Mount, path string) (m Mount, inner string, ok bool) {
	for _, candidate := range mounts {
		rest, under := Below(path, candidate.Point)
		if under && (!ok || len(candidate.Point) >= len(m.Point)) {
			m, inner, ok = candidate, rest, true
		}
	}
	return m, inner, ok
}

// OfDevice returns a mount of the file system with a device number, as stat tells that.
func OfDevice(mounts []Mount, device uint64) (Mount, bool) {
	name := fmt.Sprintf("%d:%d", unix.Major(device), unix.Minor(device))
	for _, m := range mounts {
		if m.Device == name {
			return m, true
		}
	}
	return Mount{}, false
}

// Below returns path as seen from root, when it lies below it. Both are clean and absolute.
func Below(path, root string) (string, bool) {
	if root == "/" {
		return path, strings.HasPrefix(path, "/")
	}
	rest, ok := strings.CutPrefix(path, root)
	switch {
	case !ok:
		return "", false
	case rest == "":
		return "/", true
	default:
		return rest, rest[0] == '/'
	}
}

// shares are the file systems for which a server or a program answers. Each may be a program of a
// user, or at the other end of a network.
var shares = []string{
	"9p", "afs", "autofs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse", "fuseblk", "gfs2", "glusterfs", "gpfs", "lustre", "nfs", "nfs4",
	"ncpfs", "ocfs2", "orangefs", "pvfs2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs",
}

// IsShare says whether a server or a program answers for the file system.
func (m Mount) IsShare() bool {
	return slices.Contains(shares, m.Type) || strings.HasPrefix(m.Type, "fuse.")
}

// KeepsModes says that the modes of its files decide who may use them. Where not, a server or a
// program decides that the kernel does not ask for the owner.
func (m Mount) KeepsModes() bool {
	switch m.Type {
	case "9p", "cifs", "davfs", "fuse", "fuseblk", "ncpfs", "smb3", "smbfs", "vboxsf", "vmhgfs":
		return false
	case "fuse.fuse-overlayfs", "fuse.glusterfs", "fuse.ceph":
		return true
	default:
		return !strings.HasPrefix(m.Type, "fuse.")
	}
}
