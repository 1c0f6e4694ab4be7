package process

import (
	"cmp"
	"slices"
	"time"
)

// observation is what everybody may see of a process.
type observation struct {
	pid     int
	stat    stat
	cmdline string
	argv    []string
	age     time.Duration
}

// readProcess reads a process. A command line that cannot be read is empty.
func (t *Table) readProcess(pid int) (observation, error) {
	s, err := t.files.stat(pid)
	if err != nil {
		return observation{}, err
	}
	g := observation{pid: pid, stat: s, age: t.clock.age(s.start)}
	if s.kernel || s.ended() {
		return g, nil
	}
	data, err := t.files.cmdline(pid)
	if gone(err) {
		return g, err
	}
	if err == nil {
		g.cmdline, g.argv = string(data), splitArgv(data)
	}
	return g, nil
}

// examine looks at processes that are new or due, and takes in those that are FaceFusion or its
// children. The oldest come first, as a child is known by its parent.
func (t *Table) examine(l *pass, due []int) {
	seen := make([]observation, 0, len(due))
	for _, pid := range due {
		g, err := t.readProcess(pid)
		switch {
		case err == nil:
			seen = append(seen, g)
		case gone(err):
			t.cache.forget(pid)
		default: // hidepid=1, for one
			t.cache.set(pid, candidate)
			t.cache.later(pid, l.at+maxPause/4)
		}
	}
	slices.SortFunc(seen, func(a, b observation) int {
		return cmp.Or(cmp.Compare(a.stat.start, b.stat.start), cmp.Compare(a.pid, b.pid))
	})
	members := len(t.members)
	for _, g := range seen {
		if !t.track(l, g) {
			t.cache.judge(g, l.at)
			if u := cmp.Or(t.unconfirmed[g.pid], t.suspects[g.pid]); u != nil && !u.mapped {
				t.cache.set(g.pid, candidate)
				// its runtime is looked for then
				t.cache.later(g.pid, l.at+max(0, serviceAge-g.age))
			}
		}
	}
	if len(t.members) > members {
		t.adopt()
	}
}

// track takes in a process that a rule fits, or the descendant of one.
//
// A process that has its parent's command line is a copy of it: between fork and exec every child
// of FaceFusion looks like FaceFusion. It is a child, once it has been one for a while: what it
// becomes is seen next.
func (t *Table) track(p *pass, o observation) bool {
	// What was said of the pid may have been of another process, or of its program before.
	delete(t.refused, o.pid)
	blind := t.unlooked[o.pid]
	delete(t.unlooked, o.pid)
	if o.stat.kernel || o.stat.ended() {
		return false
	}
	parent := t.members[o.stat.ppid]
	if parent != nil && parent.alone {
		parent = nil
	}
	copied := t.copied(parent, o)
	if copied && o.age < copyAge {
		return false
	}
	if !copied {
		if found, ok := t.find(o, parent, blind); ok && t.found(p, o, found, parent) {
			return true
		}
	}
	if parent == nil {
		if parent = t.confirmByChild(p, o); parent == nil {
			return false
		}
	}
	if t.crowded(o.pid) {
		return false
	}
	t.join(o, &trackedProcess{role: t.childRole(o, parent), instance: parent.instance, served: parent.serves()})
	return true
}

// find asks the configuration, then the rules. Below a member only FaceFusion's own script is a
// match, whatever folder its descendants work in. The rules of folders are asked once for a
// command line, and again of a process that could not be looked into.
func (t *Table) find(o observation, parent *trackedProcess, blind Visibility) (ruleMatch, bool) {
	if found, ok := t.match(o, parent); ok {
		return found, true
	}
	found, ok, decided := t.files.findScript(o)
	if decided || parent != nil {
		return found, ok
	}
	if known := t.unconfirmed[o.pid]; known != nil && known.cmdline == o.cmdline {
		return t.confirmByRuntime(known, o)
	}
	if known := t.suspects[o.pid]; known != nil && known.cmdline == o.cmdline {
		t.suspect(known, o)
		return ruleMatch{}, false
	}
	if !t.cache.changed(o) && blind == "" {
		return ruleMatch{}, false
	}
	if !t.maySearch(o) {
		if blind != "" {
			t.unlooked[o.pid] = blind
		}
		return ruleMatch{}, false
	}
	found, ok, blind = t.findFolder(o)
	t.charge(o)
	if blind == visibilityPending {
		t.cache.ask(o.pid)
		return ruleMatch{}, false
	}
	if blind != "" {
		t.unlooked[o.pid] = blind
	}
	if !ok && blind == "" {
		if reason := t.files.suspect(o); reason != "" {
			t.hint(o, reason)
		}
	}
	if ok && found.unconfirmed {
		noted := t.unconfirmed
		if found.hint != "" {
			noted = t.suspects
		}
		noted[o.pid] = &unconfirmed{ruleMatch: found, cmdline: o.cmdline, start: o.stat.start}
		return ruleMatch{}, false
	}
	return found, ok
}

// copyAge is how long a copy may be about to become another program.
const copyAge = time.Second

// copied says whether a process is a copy of its parent. The parent is read anew, as conda makes
// FaceFusion exec itself with another argv[0] after it was found.
func (t *Table) copied(parent *trackedProcess, o observation) bool {
	if parent == nil {
		return false
	}
	if data, err := t.files.cmdline(parent.PID); err == nil && len(data) > 0 {
		parent.cmdline = string(data)
	}
	return parent.cmdline == o.cmdline
}

// found takes in a process that a rule fits. A run joins the instance of the program that started
// it.
func (t *Table) found(p *pass, o observation, found ruleMatch, parent *trackedProcess) bool {
	claimant := t.files.claimant(o.pid, found.foundIn)
	// All that was read by pid was read of this process only if it is still there.
	if again, err := t.files.stat(o.pid); err != nil || again.start != o.stat.start {
		return false
	}
	m := &trackedProcess{role: found.role, rule: found.rule, readable: found.readable, pending: found.pending, temp: found.temp, claimant: claimant, alone: found.rule == ruleParentOfRun}
	switch {
	case found.configured != nil:
		m.instance = t.instances.claim(found.configured, found.workdir)
	case parent != nil && found.role.short():
		m.instance = parent.instance
	default:
		m.instance = t.instances.of(found.workdir, found.role, func() (int, bool) { return t.admitted(o) })
		if m.instance != nil && !found.role.short() && parent == nil {
			m.instance, m.awaitsPort = t.instances.seat(m.instance)
		}
	}
	if m.instance == nil {
		return false
	}
	m.below, m.foundAt = parent != nil, t.at
	if !found.complete {
		m.denied |= deniedCheckout
	}
	if found.refused {
		m.denied |= deniedClaim
	}
	if m.instance.lastSeen.IsZero() && m.instance.born.IsZero() {
		m.instance.born = p.now
	}
	t.join(o, m)
	m.watch = t.watcher.add(m.ID)
	m.instance.locate(t.files, m, found.workdir)
	t.useFolder(m, &found.workdir)
	m.fresh = t.primed && found.moved.uncounted()
	if m.awaitsPort || found.role == RoleService && o.age < serviceAge {
		m.provisional = true
		return true
	}
	t.settled(p, m)
	if found.role == RoleRunner {
		t.confirmByRun(p, o, m)
	}
	return true
}

// settled counts the start of a process that has come to stay.
func (t *Table) settled(p *pass, m *trackedProcess) {
	m.provisional, m.awaitsPort = false, false
	m.instance.settled = true
	if m.role.lasting() {
		m.instance.refill(m)
	}
	if !m.fresh {
		return
	}
	m.instance.totalsOf(m.role).starts++
	p.changes = append(p.changes, LifecycleEvent{Time: t.clock.started(m.StartTicks), Instance: m.instance.id, Role: m.role, PID: m.PID})
}

// join makes a process a member.
func (t *Table) join(g observation, m *trackedProcess) {
	m.ID, m.comm, m.cmdline = ID{PID: g.pid, StartTicks: g.stat.start}, g.stat.comm, g.cmdline
	m.paths = pathsIn(m.role, g.argv)
	m.instance.totalsOf(m.role)
	m.payer = t.files.payer(g.pid)
	if m.role.Child() {
		t.followed[m.payer]++
	}
	if !m.role.Child() {
		m.instance.enter(m)
		m.joined = t.at
		m.instance.refound(m)
		m.instance.seen = true
	} else if m.role == RoleWorker && t.workersOf(m.instance) < maxWatchedWorkers {
		_, err := t.files.cwd(m.PID)
		m.watch, m.readable = t.watcher.addQuiet(m.ID), err == nil
	}
	t.members[g.pid] = m
	t.cache.set(g.pid, tracked)
	t.files.measure(m, g.stat)
}

// maxWatchedWorkers bounds the workers of an instance whose exits are reported: application servers
// have a few, a pool may have any number.
const maxWatchedWorkers = 32

func (t *Table) workersOf(i *instanceState) (n int) {
	for _, m := range t.members {
		if m.instance == i && m.watch != nil && m.role == RoleWorker {
			n++
		}
	}
	return n
}

// adopt takes in the descendants that were judged before their ancestor turned out to be
// FaceFusion: what an entry point's shell left running in the background before it exec'd
// FaceFusion.
func (t *Table) adopt() {
	for more := true; more; {
		more = false
		for pid, r := range t.cache.records {
			if r.state == tracked || t.members[r.ppid] == nil {
				continue
			}
			g, err := t.readProcess(pid)
			parent := t.members[g.stat.ppid]
			if err != nil || parent == nil || g.stat.kernel || g.stat.ended() {
				continue
			}
			if parent.alone || t.crowded(pid) {
				continue
			}
			t.join(g, &trackedProcess{role: t.childRole(g, parent), instance: parent.instance, served: parent.serves()})
			more = true
		}
	}
}
