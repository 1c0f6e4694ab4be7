package webui

import (
	"cmp"
	"slices"
	"time"
)

// registry holds the entries, and decides which target is which.
type registry struct {
	entries map[key]*entry
	// sightings remembers each living process, by instance and process.
	sightings map[[2]string]sighting
}

// sighting is how a process was first seen.
type sighting struct {
	look uint64
	// serving says that it may have served others before.
	serving bool
}

func newRegistry() registry {
	return registry{entries: make(map[key]*entry), sightings: make(map[[2]string]sighting)}
}

// place brings the entries in line with the targets.
func (r *registry) place(targets []Target, instances []string, look uint64, now time.Time) {
	targets = slices.Clone(targets)
	slices.SortFunc(targets, compareTargets)
	r.sight(targets, look)
	r.forget(targets, instances)

	placed := make(map[*entry]bool, len(targets))
	var arrivals []Target
	for _, t := range targets {
		e := r.serving(t)
		if e == nil {
			arrivals = append(arrivals, t)
			continue
		}
		if e = r.follow(e, t, now); e != nil && !placed[e] {
			placed[e] = true
			e.see(t)
		}
	}
	for _, t := range arrivals {
		if e := r.arrive(t, now); e != nil && !placed[e] {
			placed[e] = true
			e.see(t)
		}
	}
	for k, e := range r.entries {
		switch {
		case placed[e]:
		case e.configured(), e.told == StateUnknown && e.state == StateUnknown:
			delete(r.entries, k) // it is not asked for any more, or nothing was ever said of it
		default:
			e.goDown(now)
		}
	}
}

// sight notes the processes that are new and forgets those that are gone.
func (r *registry) sight(targets []Target, look uint64) {
	living := make(map[[2]string]sighting, len(targets))
	for _, t := range targets {
		id := [2]string{t.Instance, t.Process}
		s, seen := r.sightings[id]
		if !seen {
			// whoever was there before our first look, and had its port open as far as we know, has a past
			s = sighting{look: look, serving: t.Process == "" || look == 1 && (t.Port != 0 || t.Unknown)}
		}
		living[id] = s
	}
	r.sightings = living
}

func (r *registry) sighting(t Target) sighting { return r.sightings[[2]string{t.Instance, t.Process}] }

// forget drops the entries of instances that nobody knows any more.
func (r *registry) forget(targets []Target, instances []string) {
	known := make(map[string]bool, len(instances))
	for _, id := range instances {
		known[id] = true
	}
	for _, t := range targets {
		known[t.Instance] = true
	}
	for k := range r.entries {
		if !known[k.instance] {
			delete(r.entries, k)
		}
	}
}

// serving finds the entry that the process of a target has. A configured endpoint has the one of its port.
func (r *registry) serving(t Target) *entry {
	if t.Process == "" {
		if e := r.entries[keyOf(t)]; e != nil && e.configured() {
			return e
		}
		return nil
	}
	for _, e := range r.entries {
		if e.instance == t.Instance && e.process == t.Process {
			return e
		}
	}
	return nil
}

// follow keeps a process in its entry, unless it now listens elsewhere. One that stops listening stays where it was.
func (r *registry) follow(e *entry, t Target, now time.Time) *entry {
	k := keyOf(t)
	if k.port == 0 || k.port == e.port {
		return e
	}
	m := e.memory
	to := r.claim(t, m, now)
	if to == nil {
		return e
	}
	to.told = cmp.Or(to.told, e.told)
	delete(r.entries, e.key)
	return to
}

// arrive finds a place for a process that has none.
func (r *registry) arrive(t Target, now time.Time) *entry {
	return r.claim(t, memory{old: r.sighting(t).serving}, now)
}

// claim gives a process the entry of its port. It gets none while another living process has it.
// When the entry is new, the process takes the place of the instance's server that has been down longest.
func (r *registry) claim(t Target, m memory, now time.Time) *entry {
	k, s := keyOf(t), r.sighting(t)
	e := r.entries[k]
	if e != nil {
		if _, lives := r.sightings[[2]string{e.instance, e.process}]; lives {
			return nil
		}
		e.begin(t.Process, s.look, m)
		return e
	}
	e = &entry{key: k, start: now, functions: newFunctions(), probes: make(probes)}
	r.entries[k] = e
	e.begin(t.Process, s.look, m)
	if t.Port == 0 || t.Process == "" {
		return e
	}
	if before := r.oldestDown(k.instance, s.look); before != nil {
		e.told = before.told
		delete(r.entries, before.key)
	}
	return e
}

// oldestDown is the server whose place a process takes that was first seen at the given look: one that ran before it.
func (r *registry) oldestDown(instance string, look uint64) *entry {
	var oldest *entry
	for _, e := range r.entries {
		if e.instance != instance || e.state != StateDown || e.configured() || e.firstSeen >= look {
			continue
		}
		if oldest == nil || cmp.Or(e.downFrom.Compare(oldest.downFrom), compareKeys(e.key, oldest.key)) < 0 {
			oldest = e
		}
	}
	return oldest
}

// toAsk lists the entries with something to ask.
func (r *registry) toAsk() []*entry {
	var list []*entry
	for _, e := range r.sorted() {
		if e.url != nil {
			list = append(list, e)
		}
	}
	return list
}

func (r *registry) sorted() []*entry {
	list := make([]*entry, 0, len(r.entries))
	for _, e := range r.entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *entry) int { return compareKeys(a.key, b.key) })
	return list
}

func (r *registry) servers() []Server {
	list := make([]Server, 0, len(r.entries))
	for _, e := range r.sorted() {
		list = append(list, e.server())
	}
	return list
}

// changes lists the states that differ from those last told. What the first look finds is no change.
func (r *registry) changes(now time.Time, first bool) []Change {
	var list []Change
	for _, e := range r.sorted() {
		if e.state == StateUnknown || e.state == e.told {
			continue
		}
		if !first {
			list = append(list, Change{Time: now, Instance: e.instance, Port: e.port, From: e.told, To: e.state})
		}
		e.told = e.state
	}
	return list
}
