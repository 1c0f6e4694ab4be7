package proctest

import (
	"fmt"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// ProcEntry is the content of /proc for one process. The zero value of a field stands for what is
// usual.
type ProcEntry struct {
	PID, PPID int
	Argv      []string
	// Comm is the name of the program in Argv by default.
	Comm string
	// State is "S" by default; "Z" is a zombie, which has no command line and no links.
	State string
	// StartTicks is when it started, in ticks after boot.
	StartTicks uint64
	// Flags of the kernel, for example PF_KTHREAD.
	Flags uint
	// Cwd and Exe are paths of the process, RootDir is where its root is on the host: "/" by
	// default.
	Cwd, Exe, RootDir string
	UID               int
	UserTicks         uint64
	SystemTicks       uint64
	Threads           int
	ResidentPages     int
	ReadBytes         int64
	WriteBytes        int64
	// ExitCode is in the form of waitpid, for a zombie.
	ExitCode int
	// Files are targets of open descriptors, besides those of Listens.
	Files []string
	// Listens are its sockets, and all of its network namespace unless Sockets has more.
	Listens []Socket
	// Sockets are listening sockets of others in the namespace.
	Sockets []Socket
	// Local are the addresses of the namespace.
	Local []netip.Addr
	// NetNS is the link of the namespace; by default that of the test's own process, so that what
	// listens here can be reached there.
	NetNS string
	// MountInfo is the content of that file; by default one device at the root.
	MountInfo string
	// Cgroup is the content of that file; by default the root of version 2.
	Cgroup string
	// Environ is what it was started with: "TMPDIR=/scratch".
	Environ []string
	// NetDev is the content of net/dev.
	NetDev string
}

// Socket is a listening TCP socket.
type Socket struct {
	Address netip.AddrPort
	UID     int
	Inode   uint64
}

// DefaultMountInfo is that of a process with the mounts of the host.
const DefaultMountInfo = "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"

// Put starts a process, or changes what one shows. With another start time it is another process: a
// reused pid.
func (h *ProcRoot) Put(p ProcEntry) error {
	p = p.withDefaults()
	dir := h.dir(p.PID)
	fresh := filepath.Join(h.root, "graves", "next")
	if err := h.build(fresh, p); err != nil {
		return fmt.Errorf("put process %d: %w", p.PID, err)
	}
	old, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err == nil && startOf(string(old)) == strconv.FormatUint(p.StartTicks, 10) {
		return h.replace(fresh, dir)
	}
	if err == nil {
		if err := h.Remove(p.PID); err != nil {
			return err
		}
	}
	if err := os.Rename(fresh, dir); err != nil {
		return fmt.Errorf("put process %d: %w", p.PID, err)
	}
	h.started++
	return h.WriteFile("/proc/loadavg", fmt.Sprintf("0.00 0.01 0.05 1/%d %d\n", h.started, h.started))
}

func startOf(stat string) string {
	_, rest, _ := strings.Cut(stat, ") ")
	if fields := strings.Fields(rest); len(fields) > 19 {
		return fields[19]
	}
	return ""
}

// replace moves the files of one process folder into another, which stays the same folder. The
// descriptors are a folder of their own and are swapped whole.
func (h *ProcRoot) replace(fresh, dir string) error {
	entries, err := os.ReadDir(fresh)
	if err != nil {
		return fmt.Errorf("replace: %w", err)
	}
	for _, e := range entries {
		from, to := filepath.Join(fresh, e.Name()), filepath.Join(dir, e.Name())
		if e.IsDir() {
			h.graves++
			grave := filepath.Join(h.root, "graves", strconv.Itoa(h.graves))
			if err := os.Rename(to, grave); err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("replace: %w", err)
			}
		}
		if err := os.Rename(from, to); err != nil {
			return fmt.Errorf("replace: %w", err)
		}
	}
	if err := os.Remove(fresh); err != nil {
		return fmt.Errorf("replace: %w", err)
	}
	return nil
}

func (p ProcEntry) withDefaults() ProcEntry {
	if p.Comm == "" && len(p.Argv) > 0 {
		p.Comm = path.Base(p.Argv[0])
		p.Comm = p.Comm[:min(len(p.Comm), 15)]
	}
	if p.State == "" {
		p.State = "S"
	}
	if p.RootDir == "" {
		p.RootDir = "/"
	}
	if p.Exe == "" && len(p.Argv) > 0 {
		p.Exe = "/usr/bin/" + path.Base(p.Argv[0])
	}
	if p.Threads == 0 {
		p.Threads = 1
	}
	if p.NetNS == "" {
		p.NetNS, _ = os.Readlink("/proc/self/ns/net")
	}
	if p.MountInfo == "" {
		p.MountInfo = DefaultMountInfo
	}
	return p
}
