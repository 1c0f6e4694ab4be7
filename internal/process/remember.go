package process

import (
	"cmp"
	"slices"
	"time"
)

// Remembered is what is known of a discovered instance beyond the process that discovered it. Its paths hold names of people and projects: they are for opening
// files, and never exported.
type Remembered struct {
	ID       string
	Version  string
	LastSeen time.Time
	Checkout Location
	Jobs     Location
	// JobsPath opens the jobs folder; empty where that took a process.
	JobsPath string
	// Roles are those that were seen, sorted.
	Roles []Role
}

// Location is a folder as its process names it, as the host does, and as everybody may who means this very folder.
type Location struct{ Inner, Host, Key string }

// Restore makes instances known that an earlier Table remembered. It is called once, before the first look.
func (t *Table) Restore(list []Remembered) { t.remembered = list }

// recall takes in what is to be restored, after those that the configuration names: they may be the same.
func (t *Table) recall() {
	for n := range t.remembered {
		t.instances.restore(&t.remembered[n])
	}
	t.remembered = nil
}

func (s *instances) restore(r *Remembered) {
	if r.ID == "" || r.Jobs.Key == "" || s.byKey[r.Jobs.Key] != nil || s.taken(r.ID) {
		return
	}
	i := &instance{
		id: r.ID, version: r.Version, checkout: r.Checkout.view(), jobs: r.Jobs.view(), jobsPath: r.JobsPath,
		lastSeen: r.LastSeen, tallies: map[Role]*tally{},
	}
	for _, role := range r.Roles {
		i.tally(role)
	}
	s.byKey[r.Jobs.Key] = i
}

func (l Location) view() location { return location{inner: l.Inner, host: l.Host, key: l.Key} }

// Remember lists the discovered instances, sorted by ID. Only the goroutine that observes may call it.
func (t *Table) Remember() []Remembered {
	list := make([]Remembered, 0, len(t.instances.byKey))
	for key, i := range t.instances.byKey {
		if i.conf != nil {
			continue
		}
		r := Remembered{
			ID: i.id, Version: i.version, LastSeen: i.lastSeen,
			Checkout: Location{i.checkout.inner, i.checkout.host, i.checkout.key}, Jobs: Location{i.jobs.inner, i.jobs.host, key},
		}
		if i.jobsVia == 0 {
			r.JobsPath = i.jobsPath
		}
		for role := range i.tallies {
			r.Roles = append(r.Roles, role)
		}
		slices.Sort(r.Roles)
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Remembered) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
