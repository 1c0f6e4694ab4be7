package process

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// Visibility is how much of the host's processes can be seen. The set is fixed, so that it may
// become an attribute.
type Visibility string

// The visibilities. Several may hold at once, but for the first.
const (
	VisibilityComplete Visibility = "complete"
	// VisibilityHidden: proc is mounted with hidepid, and shows no processes of other users.
	VisibilityHidden Visibility = "processes_hidden"
	// VisibilityDenied: a Python program, or FaceFusion itself, may not be looked into.
	VisibilityDenied Visibility = "processes_denied"
	// VisibilityFoldersDenied: the folder that one works in may not be entered.
	VisibilityFoldersDenied Visibility = "folders_denied"
)

// visibilityPending: the file system of the folder that a program works in does not answer. It is
// never published: what FaceFusion's jobs are on says so of itself.
const visibilityPending Visibility = "pending"

// Blindness is a reason for which FaceFusion may run unseen.
type Blindness struct {
	Visibility Visibility
	// Processes is how many it is about; 0 where that cannot be known.
	Processes int
	// Lost is what is not known for that reason, Capability what ends it, Remedy what to do.
	Lost, Capability, Remedy string
}

var blindnesses = []Blindness{
	{
		Visibility: VisibilityHidden, Capability: "CAP_SYS_PTRACE",
		Lost:   "every process of another user: whether FaceFusion runs, and all that is read of it",
		Remedy: "give the collector CAP_SYS_PTRACE, put it into the group that the option gid= of the proc mount names, or mount proc without hidepid",
	},
	{
		Visibility: VisibilityDenied, Capability: "CAP_SYS_PTRACE",
		Lost:   "services around FaceFusion; of FaceFusion itself the version, the jobs, the port, disk I/O and which instance it is",
		Remedy: "give the collector CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, or run it as the user and group of FaceFusion; a collector that has them is kept out by a security module or a user namespace",
	},
	{
		Visibility: VisibilityFoldersDenied, Capability: "CAP_DAC_READ_SEARCH",
		Lost:   "services around FaceFusion in folders of their users alone; of FaceFusion itself the version and the jobs",
		Remedy: "give the collector CAP_DAC_READ_SEARCH, or put it into a group that may enter the folder",
	},
}

// blindness lists the reasons that hold now.
func (t *Table) blindness() []Blindness {
	count := map[Visibility]int{}
	for pid, v := range t.unlooked {
		if !t.outside(pid) {
			delete(t.unlooked, pid)
			continue
		}
		count[v]++
	}
	for _, m := range t.members {
		switch {
		case m.role.Child() || m.denied&deniedCheckout == 0:
		case m.readable:
			count[VisibilityFoldersDenied]++
		default:
			count[VisibilityDenied]++
		}
	}
	var list []Blindness
	for _, b := range blindnesses {
		b.Processes = count[b.Visibility]
		if b.Processes > 0 || b.Visibility == VisibilityHidden && t.hidden {
			list = append(list, b)
		}
	}
	return list
}

// unseen says that an instance without a process may run all the same. One whose process was seen
// has ended; one that was known before would be seen as it was then, unless processes are hidden.
func (t *Table) unseen(i *instanceState, blind []Blindness) bool {
	switch {
	case len(blind) == 0 || i.seen:
		return false
	case t.hidden:
		return true
	case i.conf == nil:
		return false
	case i.conf.Match != nil:
		return i.conf.Match.Exe != nil || i.conf.Match.Port != 0
	default:
		return true
	}
}

// capSysPtrace is the number of the capability, see capabilities(7) and linux/capability.h.
const capSysPtrace = 19

// hidesProcesses says whether proc shows this process only those of its own user: it is mounted
// with hidepid (proc(5)), and this process is not exempt by the group of the option gid=, which is
// root's by default, or by the capability. In a user namespace of its own the capability is of no
// use, which the first process shows.
func (f *files) hidesProcesses() bool {
	if !f.kernel {
		return false
	}
	mounts, err := hostfs.ReadMounts("/proc/self")
	if err != nil {
		return false
	}
	path := f.proc
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	m, _, ok := hostfs.Covering(mounts, path)
	if !ok {
		return false
	}
	mode, group := hidepid(m.Options)
	if mode == "" {
		return false
	}
	if _, err := f.stat(1); err != nil {
		return true
	}
	if mode != "4" && mode != "ptraceable" && memberOf(group) {
		return false
	}
	return !f.hasCapability(capSysPtrace)
}

// hidepid reads the options of a proc file system: numbers before Linux 5.8, words since.
func hidepid(options string) (mode string, group int) {
	for option := range strings.SplitSeq(options, ",") {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "hidepid":
			if value != "0" && value != "off" {
				mode = value
			}
		case "gid":
			group, _ = strconv.Atoi(value)
		}
	}
	return mode, group
}

func memberOf(group int) bool {
	if os.Getegid() == group {
		return true
	}
	groups, err := os.Getgroups()
	return err == nil && slices.Contains(groups, group)
}

// hasCapability reads the effective capabilities of this process.
func (f *files) hasCapability(number int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[number/32].Effective&(1<<(number%32)) != 0
}
