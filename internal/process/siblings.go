package process

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Several services may work in one checkout, one for each GPU and port, without a unit or a
// container of its own. While they live side by side each is an instance: when one dies, one is
// down. The first that is seen has the key of the checkout, the others that and the port which they
// had then.
//
// The port distinguishes them, and is not their identity. A service that is started again is the
// one of them that had its port, else one that has ended, else, where all of them run, another one.
// So a web UI that comes back on the next free port is the same instance, and there are never more
// of them than have run at once.

// keySeparator parts what a key is made of. Neither a path nor a name has it.
const keySeparator = "\x00"

// portKey is that of a sibling.
func portKey(key string, port uint16) string {
	return key + keySeparator + "port " + strconv.Itoa(int(port))
}

// familyKey is that of the first.
func (i *instanceState) familyKey() string {
	key, _, _ := strings.Cut(i.key, keySeparator+"port ")
	return key
}

// family lists an instance and its siblings, sorted by port.
func (s *instanceSet) family(i *instanceState) []*instanceState {
	key := i.familyKey()
	var list []*instanceState
	for _, other := range s.byKey {
		if other.conf == nil && other.familyKey() == key {
			list = append(list, other)
		}
	}
	slices.SortFunc(list, func(a, b *instanceState) int { return cmp.Or(cmp.Compare(a.port, b.port), cmp.Compare(a.id, b.id)) })
	return list
}

// seat is the sibling that a new service may be which does not listen yet: the one that has been
// without for longest. It is put right when its port is known; awaits says that it has to be.
func (s *instanceSet) seat(i *instanceState) (seat *instanceState, awaits bool) {
	if i.conf != nil {
		return i, false
	}
	family := s.family(i)
	awaits = i.services > 0 || len(family) > 1
	if i.services == 0 {
		return i, awaits
	}
	return cmp.Or(vacant(family), i), awaits
}

// vacant is the one that has been without a service for longest; nil where each has one.
func vacant(family []*instanceState) *instanceState {
	var found *instanceState
	for _, i := range family {
		if i.services == 0 && (found == nil || i.vacated < found.vacated) {
			found = i
		}
	}
	return found
}

// orphan is a sibling that does not run, where the first of the family was forgotten.
func (s *instanceSet) orphan(key string) *instanceState {
	return s.first(func(i *instanceState) bool {
		return i.conf == nil && i.services == 0 && i.key != key && i.familyKey() == key
	})
}

// ofPort returns the sibling of a service that listens on a port; nil where there are too many
// instances for another one.
func (s *instanceSet) ofPort(i *instanceState, port uint16) *instanceState {
	family := s.family(i)
	if n := slices.IndexFunc(family, func(sibling *instanceState) bool { return sibling.port == port }); n >= 0 {
		return family[n]
	}
	if sibling := vacant(family); sibling != nil {
		sibling.port = port
		return sibling
	}
	if len(s.discovered()) >= maxInstances || s.ofUser(i.uid) >= maxUserInstances {
		return nil
	}
	key := portKey(i.familyKey(), port)
	for n := 2; s.byKey[key] != nil; n++ { // that of a sibling which has another port by now
		key = portKey(i.familyKey(), port) + " " + strconv.Itoa(n)
	}
	sibling := &instanceState{
		id: name(cmp.Or(i.checkout.inner, "facefusion"), key, s.taken), key: key, site: i.site, uid: i.uid, port: port, version: i.version, versionOf: i.versionOf,
		checkout: i.checkout, jobs: i.jobs, stranger: i.stranger, settled: true, totals: map[Role]*roleTotals{},
	}
	s.byKey[key] = sibling
	return sibling
}

// lone says that a process is a service that may be an instance by itself, with a port that is
// known. What another member has started is of that one's instance.
func (m *trackedProcess) lone() bool {
	return (m.role == RoleServer || m.role == RoleService) && !m.below && !m.alone && m.instance.conf == nil && m.port.number != 0
}

// separate gives each service that has a port of its own an instance of its own.
func (t *Table) separate(p *pass) {
	services := make(map[*instanceState][]*trackedProcess)
	for _, m := range t.members {
		if m.lone() {
			services[m.instance] = append(services[m.instance], m)
		}
	}
	families := slices.SortedFunc(maps.Keys(services), func(a, b *instanceState) int { return cmp.Compare(a.key, b.key) })
	for _, i := range families {
		list := services[i]
		slices.SortFunc(list, func(a, b *trackedProcess) int {
			return cmp.Or(cmp.Compare(a.port.number, b.port.number), cmp.Compare(a.PID, b.PID))
		})
		t.separateIn(p, i, list)
	}
}

func (t *Table) separateIn(p *pass, i *instanceState, list []*trackedProcess) {
	has := func(port uint16) bool {
		return slices.ContainsFunc(list, func(m *trackedProcess) bool { return m.port.number == port })
	}
	if !has(i.port) {
		// The port has changed, unless that is a sibling's: this one may be started yet.
		own := slices.IndexFunc(list, func(m *trackedProcess) bool { return !t.instances.siblingHas(i, m.port.number) })
		if own >= 0 {
			i.port = list[own].port.number
		}
	}
	for _, m := range list {
		if m.port.number != i.port {
			if sibling := t.instances.ofPort(i, m.port.number); sibling != nil && sibling != i {
				t.move(m, sibling)
			}
		}
		if m.awaitsPort {
			t.settled(p, m)
		}
	}
}

func (s *instanceSet) siblingHas(i *instanceState, port uint16) bool {
	return slices.ContainsFunc(s.family(i), func(sibling *instanceState) bool { return sibling != i && sibling.port == port })
}

// move gives a service and its descendants to another instance. What it has used before it was
// known which instance it is stays where it was, unless it was found just now.
func (t *Table) move(service *trackedProcess, to *instanceState) {
	from := service.instance
	for _, m := range append(t.descendants(service), service) {
		if !m.role.Child() {
			from.leave(m, t.at)
			to.enter(m)
		}
		if m.foundAt != t.at {
			from.totalsOf(m.role).retire(m.used.since(m.before))
			m.before = m.used
		}
		m.instance = to
		to.totalsOf(m.role)
	}
	// What an earlier version knew together may miss a service that is this one.
	from.ended = slices.DeleteFunc(from.ended, func(e EndedService) bool { return e.Port == service.lastPort })
	to.refound(service)
	if to.jobsPath == "" {
		to.open(t.files, service.PID)
	}
}
