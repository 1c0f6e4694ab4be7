package jobqueue

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"golang.org/x/sys/unix"
)

// bind finds which folders belong together: several instances may share one, and the path of one may change or lead nowhere for a while.
func (w *Watcher) bind(folders []Folder, now time.Time) {
	former := make(map[string]*jobsFolder)
	for _, f := range w.folders {
		for _, id := range f.instances {
			former[id] = f
		}
	}
	bound := make(map[*jobsFolder][]string)
	var next []*jobsFolder
	take := func(f *jobsFolder, at Folder, access Access) {
		if bound[f] == nil {
			next = append(next, f)
			f.at, f.access = at, access
		}
		bound[f] = append(bound[f], at.Instance)
	}
	// Those that are known by who they are come first, then those that are another than they were, then those that cannot be reached.
	var others, unreached []Folder
	identities := make(map[string]jobsdir.FileStat)
	for _, at := range folders {
		st, access := identify(at.Path)
		if access != AccessOpen {
			unreached = append(unreached, at)
		} else if f := find(w.folders, &st); f != nil {
			f.absentSince[0] = time.Time{}
			take(f, at, access)
		} else {
			identities[at.Instance] = st
			others = append(others, at)
		}
	}
	for _, at := range others {
		st := identities[at.Instance]
		f := find(next, &st)
		if f == nil {
			f = former[at.Instance]
		}
		if f == nil || bound[f] != nil && !f.identity.Same(&st) {
			f = w.newFolder(at.Instance, now)
		}
		f.identity = st
		f.absentSince[0] = time.Time{}
		take(f, at, AccessOpen)
	}
	for _, at := range unreached {
		_, access := identify(at.Path)
		f := former[at.Instance]
		if f == nil {
			f = w.newFolder(at.Instance, now)
		}
		take(f, at, access) // where another way leads to it, that one is taken
	}
	for _, f := range w.folders {
		if bound[f] == nil {
			f.close()
		}
	}
	for f, ids := range bound {
		slices.Sort(ids)
		f.instances = slices.Compact(ids)
	}
	w.folders = next
}

// newFolder makes a folder, with what was kept of it.
func (w *Watcher) newFolder(instance string, now time.Time) *jobsFolder {
	f := newFolder(instance, &w.settings, &w.reader, w.hinter, now)
	if r := w.loaded[instance]; r != nil {
		f.restore(r)
	}
	return f
}

func find(folders []*jobsFolder, identity *jobsdir.FileStat) *jobsFolder {
	for _, f := range folders {
		if f.identity.Ino != 0 && f.identity.Same(identity) {
			return f
		}
	}
	return nil
}

func identify(path string) (jobsdir.FileStat, Access) {
	if path == "" {
		return jobsdir.FileStat{}, AccessUnreachable
	}
	st, err := jobsdir.Stat(path)
	switch {
	case err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return st, AccessOpen
	case err == nil || absent(err):
		return jobsdir.FileStat{}, AccessAbsent
	default:
		return jobsdir.FileStat{}, accessOf(err)
	}
}
