package jobqueue

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// bind finds which folders belong together: several instances may share one, and the path of one
// may change or lead nowhere for a while.
func (w *Watcher) bind(folders []Folder, now time.Time) {
	former := make(map[string]*jobsFolder)
	for _, f := range w.folders {
		for _, id := range f.instances {
			former[id] = f
		}
	}
	bound := make(map[*jobsFolder][]string)
	var next []*jobsFolder
	take := func(f *jobsFolder, at Folder, access Access, hanging error) {
		if bound[f] == nil {
			next = append(next, f)
			if f.hanging = hanging; f.flight == nil {
				f.at = at
				if hanging == nil {
					f.access = access
				}
			}
		}
		bound[f] = append(bound[f], at.Instance)
	}
	// Those that are known by who they are come first, then those that are another than they were,
	// then those that cannot be reached.
	var others, unreached []Folder
	identities := make(map[string]jobsdir.FileStat)
	accesses, errs := make(map[string]Access), make(map[string]error)
	for _, at := range folders {
		if at.Files == nil {
			at.Files = &hostfs.Root{Gate: w.gate, Dir: "/", Owner: at.Instance}
		}
		st, access, err := w.identify(&at)
		if access != AccessOpen {
			accesses[at.Instance], errs[at.Instance] = access, err
			unreached = append(unreached, at)
		} else if f := find(w.folders, &st); f != nil {
			if f.flight == nil {
				f.absentSince[0] = time.Time{}
			}
			take(f, at, access, nil)
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
		if f.flight == nil {
			f.identity = st
			f.absentSince[0] = time.Time{}
		}
		take(f, at, AccessOpen, nil)
	}
	for _, at := range unreached {
		f := former[at.Instance]
		if f == nil {
			f = w.newFolder(at.Instance, now)
		}
		// where another way leads to it, that one is taken
		take(f, at, accesses[at.Instance], errs[at.Instance])
	}
	for _, f := range w.folders {
		if bound[f] == nil {
			release(f)
		}
	}
	for f, ids := range bound {
		if f.flight == nil {
			slices.Sort(ids)
			f.instances = slices.Compact(ids)
		}
	}
	w.folders = next
}

// newFolder makes a folder, with what was kept of it.
func (w *Watcher) newFolder(instance string, now time.Time) *jobsFolder {
	f := newFolder(instance, &w.settings, w.newHinter(), now)
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
