package process

import (
	"cmp"
	"slices"
	"time"
)

// SavedInstance is what is known of a discovered instance beyond the process that discovered it. Its paths hold names of people and projects: they are for opening
// files, and never exported.
type SavedInstance struct {
	ID       string
	Version  string
	LastSeen time.Time
	Checkout Location
	Jobs     Location
	// JobsPath opens the jobs folder; empty where that took a process.
	JobsPath string
	// Served says that a service of it has listened.
	Served bool
	// Roles are those that were seen, sorted.
	Roles []Role
}

// Location is a folder as its process names it, as the host does, and as everybody may who means this very folder.
type Location struct{ Inner, Host, Key string }

// Restore makes instances known that an earlier Table remembered. It is called once, before the first pass.
func (t *Table) Restore(list []SavedInstance) { t.saved = list }

// restoreSaved takes in what is to be restored, after those that the configuration names: they may be the same.
func (t *Table) restoreSaved() {
	for n := range t.saved {
		t.instances.restoreOne(&t.saved[n])
	}
	t.saved = nil
}

func (s *instanceSet) restoreOne(r *SavedInstance) {
	if r.ID == "" || r.Jobs.Key == "" || s.byKey[r.Jobs.Key] != nil || s.taken(r.ID) {
		return
	}
	i := &instanceState{
		id: r.ID, version: r.Version, checkout: r.Checkout.folder(), jobs: r.Jobs.folder(), jobsPath: r.JobsPath,
		lastSeen: r.LastSeen, settled: true, served: r.Served, totals: map[Role]*roleTotals{},
	}
	for _, role := range r.Roles {
		i.totalsOf(role)
	}
	s.byKey[r.Jobs.Key] = i
}

func (l Location) folder() folder { return folder{inner: l.Inner, host: l.Host, key: l.Key} }

// Export lists the discovered instances, sorted by ID. Only the goroutine that observes may call it.
func (t *Table) Export() []SavedInstance {
	list := make([]SavedInstance, 0, len(t.instances.byKey))
	for key, i := range t.instances.byKey {
		if i.conf != nil || !i.settled {
			continue
		}
		r := SavedInstance{
			ID: i.id, Version: i.version, LastSeen: i.lastSeen, Served: i.served,
			Checkout: Location{i.checkout.inner, i.checkout.host, i.checkout.key}, Jobs: Location{i.jobs.inner, i.jobs.host, key},
		}
		if i.jobsVia == 0 {
			r.JobsPath = i.jobsPath
		}
		for role := range i.totals {
			r.Roles = append(r.Roles, role)
		}
		slices.Sort(r.Roles)
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b SavedInstance) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
