package jobqueue

import (
	"cmp"
	"maps"
	"slices"
	"strings"
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
				f.at, at.jobs = at, nil
				f.share.move(payerOf(&at))
				if hanging == nil {
					f.access = access
				}
			}
		}
		at.close() // another way to the same folder, or one over which a pass is under way
		bound[f] = append(bound[f], at.Instance)
	}
	// Those that are known by who they are come first, then those that are another than they were,
	// then those that cannot be reached.
	var others, unreached []Folder
	named := make(map[string]bool, len(folders))
	identities := make(map[string]jobsdir.FileStat)
	accesses, errs := make(map[string]Access), make(map[string]error)
	for _, at := range folders {
		if at.Files == nil {
			at.Files = &hostfs.Root{Gate: w.gate, Dir: "/", Owner: at.Instance}
		}
		named[at.Instance] = true
		st, access, err := w.identify(&at)
		if access == AccessClaimRefused {
			identities[at.Instance] = st
		}
		if access != AccessOpen {
			accesses[at.Instance], errs[at.Instance] = access, err
			unreached = append(unreached, at)
		} else if f := w.find(&at, &st); f != nil {
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
		f := findOf(next, &at, &st)
		if f == nil {
			f = former[at.Instance]
		}
		if f == nil || bound[f] != nil && !f.identity.Same(&st) {
			f = w.newFolder(&at, now)
		}
		if f.flight == nil {
			f.identity = st
			f.absentSince[0] = time.Time{}
		}
		take(f, at, AccessOpen, nil)
	}
	for _, at := range unreached {
		f, refused := former[at.Instance], identities[at.Instance]
		if f == nil || accesses[at.Instance] == AccessClaimRefused && f.claimedBy(&at, bound[f], &refused) {
			f = w.newFolder(&at, now)
		}
		// where another way leads to it, that one is taken
		take(f, at, accesses[at.Instance], errs[at.Instance])
	}
	for _, f := range w.folders {
		if bound[f] == nil {
			release(f)
		}
	}
	maps.DeleteFunc(w.permits, func(id string, _ jobsdir.Claim) bool { return !named[id] })
	for f, ids := range bound {
		if f.flight == nil {
			slices.Sort(ids)
			f.instances = slices.Compact(ids)
		}
	}
	// What ends in the folders of runs is in the totals when their instance's are published.
	slices.SortStableFunc(next, func(a, b *jobsFolder) int { return strings.Compare(b.of, a.of) })
	w.folders = next
	w.shareTotals()
}

// claimedBy says that a folder is not the own one of an instance whose path leads to somebody
// else's: that instance is none of the folder's from then on.
func (f *jobsFolder) claimedBy(at *Folder, bound []string, refused *jobsdir.FileStat) bool {
	shared := slices.ContainsFunc(f.instances, func(id string) bool { return id != at.Instance })
	return shared || len(bound) > 0 || f.identity.Same(refused)
}

// payerOf is who pays for a folder.
func payerOf(at *Folder) string { return cmp.Or(at.Payer, at.Instance) }

// newFolder makes a folder, with what was kept of it.
func (w *Watcher) newFolder(at *Folder, now time.Time) *jobsFolder {
	seen := now
	if at.Of != "" && !at.Since.IsZero() {
		now = at.Since
	}
	f := newFolder(at.Instance, &w.settings, w.newHinter(), w.room.enter(payerOf(at)), now)
	f.of, f.throughAt = at.Of, seen
	if r := w.loaded[at.Instance]; r != nil {
		f.restore(r)
	}
	return f
}

func (w *Watcher) find(at *Folder, identity *jobsdir.FileStat) *jobsFolder {
	return findOf(w.folders, at, identity)
}

// findOf finds the folder by who it is. Runs may use the own folder of an instance, which is that
// instance's then; an own folder is never taken for one of runs.
func findOf(folders []*jobsFolder, at *Folder, identity *jobsdir.FileStat) *jobsFolder {
	own := slices.DeleteFunc(slices.Clone(folders), func(f *jobsFolder) bool { return f.of != "" })
	if f := find(own, identity); f != nil || at.Of == "" {
		return f
	}
	return find(slices.DeleteFunc(slices.Clone(folders), func(f *jobsFolder) bool { return f.of != at.Of }), identity)
}

func find(folders []*jobsFolder, identity *jobsdir.FileStat) *jobsFolder {
	for _, f := range folders {
		if f.identity.Ino != 0 && f.identity.Same(identity) {
			return f
		}
	}
	return nil
}
