package process

import (
	"cmp"
	"slices"
	"time"
)

// SavedInstance is what is known of a discovered instance beyond the process that discovered it.
// Its paths hold names of people and projects: they are for opening files, and never exported.
type SavedInstance struct {
	ID       string
	Version  string
	LastSeen time.Time
	Checkout FolderPaths
	Jobs     FolderPaths
	// JobsPath opens the jobs folder; empty where that took a process.
	JobsPath string
	// Served says that a service of it has listened. An earlier version saved it, and no Services.
	Served bool `json:",omitempty"`
	// Stranger is the user whose it is, where that is not the one of the checkout.
	Stranger string `json:",omitempty"`
	// UID is the user whose process made it known.
	UID int `json:",omitempty"`
	// Groups are those of that user.
	Groups []int `json:",omitempty"`
	// Key is what it is known by, where that is more than its jobs folder. The others say where it
	// runs: the name of its unit or container, the container's ID, and a folder that the host has
	// for as long as the container exists.
	Key, Who, Container, Layer string `json:",omitempty"`
	// Port is where its service listens.
	Port uint16 `json:",omitempty"`
	// Roles are those that were seen, sorted.
	Roles []Role
	// Boot is the boot that Services are of.
	Boot string `json:",omitempty"`
	// Services are those that run or are missed: whoever reads this finds out which of them live.
	Services []EndedService `json:",omitempty"`
}

// FolderPaths is a folder as its process names it, as the host does, and as everybody may who means
// this very folder.
type FolderPaths struct{ Inner, Host, Key string }

// Restore makes instances known that an earlier Table remembered. It is called once, before the
// first pass.
func (t *Table) Restore(list []SavedInstance) { t.saved = list }

// restoreSaved takes in what is to be restored, after those that the configuration names: they may
// be the same.
func (t *Table) restoreSaved(now time.Time) {
	// Those that were more than runs come first, then the latest: see restoreOne.
	slices.SortStableFunc(t.saved, func(a, b SavedInstance) int {
		if a.lasted() != b.lasted() {
			if a.lasted() {
				return -1
			}
			return 1
		}
		return b.LastSeen.Compare(a.LastSeen)
	})
	for n := range t.saved {
		t.instances.restoreOne(&t.saved[n], t.boot, now)
	}
	t.saved = nil
}

// lasted says that it was more than runs, which end.
func (r *SavedInstance) lasted() bool {
	return slices.ContainsFunc(r.Roles, func(role Role) bool { return !role.Child() && !role.short() })
}

// restoreOne makes one instance known. Earlier versions saved one for each jobs folder that a run
// had: those of one checkout are one, the others would be reported as down.
func (s *instanceSet) restoreOne(r *SavedInstance, boot string, now time.Time) {
	for _, i := range s.configured {
		if i.id == r.ID {
			i.ended = r.services(boot, i.expected(), now)
			return
		}
	}
	if !r.lasted() && r.Checkout.Key != "" {
		for _, i := range s.byKey {
			if i.checkout.key == r.Checkout.Key && i.stranger == r.Stranger {
				return
			}
		}
	}
	if own := s.ofUser(r.UID); own >= maxUserInstances || len(s.discovered()) >= maxInstances {
		return // the list is sorted, and these are its last
	}
	key := r.Key
	if key == "" {
		key = r.Jobs.Key + r.Stranger
	}
	if r.ID == "" || r.Jobs.Key == "" || s.byKey[key] != nil || s.taken(r.ID) {
		return
	}
	i := &instanceState{
		id: r.ID, version: r.Version, checkout: r.Checkout.folder(), jobs: r.Jobs.folder(), jobsPath: r.JobsPath,
		key: key, site: site{container: r.Container, who: r.Who, layer: r.Layer},
		port: r.Port, lastSeen: r.LastSeen, settled: true, stranger: r.Stranger, uid: r.UID, totals: map[Role]*roleTotals{},
		ended: r.services(boot, false, now), claimants: Claimants{s.files.claims(credentials{uid: r.UID, groups: r.Groups})},
	}
	for _, role := range r.Roles {
		i.totalsOf(role)
	}
	s.byKey[key] = i
}

func (l FolderPaths) folder() folder { return folder{inner: l.Inner, host: l.Host, key: l.Key} }

// services are those that are missed until they are found. A reboot ends everything with SIGTERM:
// what was stopped before it should run again, and no process of then lives.
func (r *SavedInstance) services(boot string, expected bool, now time.Time) []EndedService {
	list := slices.Clone(r.Services)
	if r.Boot == "" && len(list) == 0 && (r.Served || slices.Contains(r.Roles, RoleServer)) {
		list = []EndedService{{Serves: true}} // an earlier version saved it
	}
	for n := range list {
		if list[n].Since.IsZero() {
			list[n].Since = now
		}
		if boot == "" || boot != r.Boot {
			list[n].Stopped, list[n].ID = false, ID{}
		}
		list[n].Stopped = list[n].Stopped && !expected
	}
	return list
}

// Export lists the discovered instances, and what is known of the servers of those that are
// configured, sorted by ID. Only the goroutine that observes may call it.
func (t *Table) Export() []SavedInstance {
	list := make([]SavedInstance, 0, len(t.instances.byKey))
	services := t.services()
	for _, i := range t.instances.configured {
		if len(services[i]) > 0 {
			list = append(list, SavedInstance{ID: i.id, LastSeen: i.lastSeen, Boot: t.boot, Services: services[i]})
		}
	}
	for key, i := range t.instances.byKey {
		if i.conf != nil || !i.settled {
			continue
		}
		r := SavedInstance{
			ID: i.id, Version: i.version, LastSeen: i.lastSeen, UID: i.uid, Groups: i.groups(), Boot: t.boot, Services: services[i],
			Checkout: FolderPaths{i.checkout.inner, i.checkout.host, i.checkout.key}, Jobs: FolderPaths{i.jobs.inner, i.jobs.host, i.jobs.key}, Stranger: i.stranger,
			Port: i.port, Who: i.site.who, Container: i.site.container, Layer: i.site.layer,
		}
		if key != i.jobs.key+i.stranger {
			r.Key = key
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

// services are those of each instance that have ended, and those that live.
func (t *Table) services() map[*instanceState][]EndedService {
	all := make(map[*instanceState][]EndedService)
	for _, m := range t.members {
		if m.role.lasting() && !m.provisional {
			all[m.instance] = append(all[m.instance], m.asEnded())
		}
	}
	for i, list := range all {
		slices.SortFunc(list, func(a, b EndedService) int { return cmp.Compare(a.PID, b.PID) })
		all[i] = slices.Concat(i.ended, list)
	}
	for _, i := range t.instances.all() {
		if all[i] == nil {
			all[i] = i.ended
		}
	}
	return all
}
