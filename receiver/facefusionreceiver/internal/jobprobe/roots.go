package jobprobe

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// roots finds the root directories below which the paths of instances are opened. The goroutine
// that observes uses it.
type roots struct {
	gate *hostfs.Gate
	// host is where the host's root is mounted.
	host string
	// tables are the mount tables by process; pid 1 has that of the host.
	tables map[process.ID]*mountTable
}

type mountTable struct {
	mounts []hostfs.Mount
	read   time.Time
	used   bool
}

// mountsEvery is how often a mount table is read: 60 microseconds and more, a hundred times as much
// on a host with many containers. Until a share that was mounted meanwhile is known as one, only
// its own instance would wait for it.
const mountsEvery = 30 * time.Second

func newRoots(gate *hostfs.Gate, host string) *roots {
	return &roots{gate: gate, host: host, tables: make(map[process.ID]*mountTable)}
}

// folders are the jobs folders of all known instances, and how their processes see the host.
func (r *roots) folders(snapshot *process.Snapshot) []jobqueue.Folder {
	list := make([]jobqueue.Folder, 0, len(snapshot.Instances))
	for i := range snapshot.Instances {
		list = append(list, r.folder(&snapshot.Instances[i]))
	}
	for i := range snapshot.Instances {
		list = r.appendRunFolders(list, &snapshot.Instances[i])
	}
	for id, table := range r.tables {
		if !table.used {
			delete(r.tables, id)
		}
		table.used = false
	}
	return list
}

func (r *roots) folder(instance *process.Instance) jobqueue.Folder {
	path := instance.JobsHostPath
	if instance.ClaimRefused {
		path = ""
	}
	folder := jobqueue.Folder{Instance: instance.ID, Dir: instance.Checkout, NoPath: noPath(instance), Payer: payer(instance), Sessions: instance.HasSessions()}
	folder = r.find(instance, folder, path)
	if !instance.JobsNamed {
		folder.May = mayHave(instance, folder.Files)
	}
	return folder
}

// mayHave says whether a folder that was opened below a root may be an instance's; nil where any
// may, as nobody is known who has it.
func mayHave(instance *process.Instance, root *hostfs.Root) func(hostfs.Held) bool {
	claimants := instance.Claimants
	if len(claimants) == 0 {
		return nil
	}
	return func(held hostfs.Held) bool { return claimants.May(root, held) }
}

// appendRunFolders adds the folders that only runs of an instance use.
func (r *roots) appendRunFolders(list []jobqueue.Folder, instance *process.Instance) []jobqueue.Folder {
	for i := range instance.RunFolders {
		f := &instance.RunFolders[i]
		folder := jobqueue.Folder{Instance: runFolderName(instance, f), Of: instance.ID, Dir: instance.Checkout, Payer: payer(instance), Since: f.Since}
		folder = r.find(instance, folder, f.HostPath)
		folder.May = mayHave(instance, folder.Files)
		list = append(list, folder)
	}
	return list
}

// payer is who pays for what is kept of an instance's jobs.
func payer(instance *process.Instance) string { return "user " + strconv.Itoa(instance.UID) }

// runFolderName is no ID of an instance.
func runFolderName(instance *process.Instance, f *process.RunFolder) string {
	return instance.ID + "\x00" + f.Key
}

// find finds the root below which a path is opened.
func (r *roots) find(instance *process.Instance, folder jobqueue.Folder, path string) jobqueue.Folder {
	for _, p := range instance.Processes {
		root := r.process(instance, p.ID)
		if folder.Process == nil && !p.Role.Child() {
			folder.Process = root
		}
		if strings.HasPrefix(path, root.Dir+"/") { // the way leads through this process
			folder.Files, folder.Path = root, strings.TrimPrefix(path, root.Dir)
		}
	}
	if folder.Files != nil {
		return folder
	}
	folder.Files = &hostfs.Root{Gate: r.gate, Dir: r.host, Mounts: r.mounts(process.ID{PID: 1}), Owner: instance.ID}
	if inner, ok := hostfs.Below(path, filepath.Clean(r.host)); ok && !strings.HasPrefix(inner, "/proc/") {
		folder.Path = inner
	}
	return folder
}

// noPath says why no way leads to a jobs folder, where none does.
func noPath(instance *process.Instance) jobqueue.Access {
	switch {
	case instance.ClaimRefused:
		return jobqueue.AccessClaimRefused
	case instance.JobsHostPath != "":
		return ""
	case instance.Unseen || instance.Up() && instance.Restricted:
		return jobqueue.AccessNotVisible
	case instance.Up(), instance.Checkout == "":
		return jobqueue.AccessUnknown
	default:
		return jobqueue.AccessUnreachable
	}
}

// process is the root of a process.
func (r *roots) process(instance *process.Instance, id process.ID) *hostfs.Root {
	return &hostfs.Root{Gate: r.gate, Dir: r.proc(id.PID) + "/root", Mounts: r.mounts(id), Owner: instance.ID}
}

func (r *roots) proc(pid int) string { return filepath.Join(r.host, "proc", strconv.Itoa(pid)) }

// mounts of a process; none where they cannot be had.
func (r *roots) mounts(id process.ID) []hostfs.Mount {
	table := r.tables[id]
	if table == nil {
		table = &mountTable{}
		r.tables[id] = table
	}
	table.used = true
	if now := time.Now(); table.read.IsZero() || now.Sub(table.read) >= mountsEvery {
		if mounts, err := hostfs.ReadMounts(r.proc(id.PID)); err == nil {
			table.mounts = mounts
		}
		table.read = now
	}
	return table.mounts
}
