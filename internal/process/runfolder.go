package process

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RunFolder is a jobs folder that runs of an instance use beside its own: a service may start each
// run with a --jobs-path of its own. It is named while such a run lives, and for a moment longer,
// so that the last word in it is read. Its path is never exported.
type RunFolder struct {
	// Key is the same for as long as the folder is named, and holds nothing of its path.
	Key string
	// Path is the folder as the runs name it, HostPath opens it from this process.
	Path, HostPath string
	// Since is when its first run started, where that was seen; zero where it ran before.
	Since time.Time
	// Processes are the live ones that use it.
	Processes []ID
}

// namedFolder is what a Table knows of one.
type namedFolder struct {
	number int
	jobs   folder
	path   string
	via    int
	since  time.Time
	users  []ID
	// ended is when the last of its runs did.
	ended time.Duration
}

const (
	// runFolderKept is for how long a folder is named after its last run: until it is known how the
	// run ended.
	runFolderKept = 10 * time.Second
	// maxRunFolders bounds those of one instance. Whoever starts a run may name a folder.
	maxRunFolders = 128
)

// useFolder notes that a process works in another jobs folder than its instance.
func (t *Table) useFolder(m *trackedProcess, p *workdir) {
	i := m.instance
	if !filepath.IsAbs(p.jobs.inner) || p.jobs.key == i.jobs.key || m.role.Child() {
		return
	}
	f := i.runFolders[p.jobs.key]
	if f == nil {
		if len(i.runFolders) >= maxRunFolders {
			return
		}
		if i.runFolders == nil {
			i.runFolders = make(map[string]*namedFolder)
		}
		t.runFolders++
		f = &namedFolder{number: t.runFolders, jobs: p.jobs}
		if t.primed {
			f.since = t.clock.started(m.StartTicks)
		}
		i.runFolders[p.jobs.key] = f
	}
	f.users = append(f.users, m.ID)
	f.open(t.files, m.PID)
}

// open finds a way to the folder for as long as the process lives, or for longer.
func (f *namedFolder) open(files *files, pid int) {
	opened, lasting := files.openable(f.jobs, pid)
	f.path, f.via = opened, pid
	if lasting || opened == "" {
		f.via = 0
	}
}

// nameFolders drops the folders whose runs have ended, and names the others. Live are the processes
// of the instance.
func (t *Table) nameFolders(i *instanceState, live []*trackedProcess) []RunFolder {
	var list []RunFolder
	for key, f := range i.runFolders {
		had := len(f.users)
		f.users = slices.DeleteFunc(f.users, func(id ID) bool {
			m := t.members[id.PID]
			return m == nil || m.ID != id
		})
		if had > 0 && len(f.users) == 0 {
			f.ended = t.at
		}
		if len(f.users) == 0 && t.at-f.ended >= runFolderKept || f.jobs.key == i.jobs.key {
			delete(i.runFolders, key)
			continue
		}
		if f.via != 0 && !slices.ContainsFunc(f.users, func(id ID) bool { return id.PID == f.via }) {
			t.reopenFolder(f, live)
		}
		if f.path == "" {
			continue
		}
		list = append(list, RunFolder{Key: strconv.Itoa(f.number), Path: f.jobs.inner, HostPath: f.path, Since: f.since, Processes: slices.Clone(f.users)})
	}
	slices.SortFunc(list, func(a, b RunFolder) int { return strings.Compare(a.Key, b.Key) })
	return list
}

// reopenFolder finds another way when the process is gone through which a folder was opened:
// another of its runs, or any process of the same container.
func (t *Table) reopenFolder(f *namedFolder, live []*trackedProcess) {
	f.path, f.via = "", 0
	for _, m := range live {
		if slices.Contains(f.users, m.ID) || !m.role.Child() && t.files.locate(m.PID, f.jobs.inner).key == f.jobs.key {
			f.open(t.files, m.PID)
			return
		}
	}
}
