package process

import (
	"cmp"
	"path"
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

// faceFusion returns the script where a process looks like FaceFusion from outside.
func (f *files) faceFusion(g observation) (script, bool) {
	s, ok := scriptOf(g.argv)
	if !ok || s.kind() == noFaceFusion {
		return script{}, false
	}
	if isPython(path.Base(g.argv[0])) {
		return s, true
	}
	exe, err := f.link(g.pid, "exe") // started under another name
	return s, err == nil && isPython(path.Base(exe))
}

// examine looks at processes that are new or due, and takes in those that are FaceFusion or its children. The oldest come first, as a child is known by its
// parent.
func (t *Table) examine(l *pass, due []int) {
	seen := make([]observation, 0, len(due))
	for _, pid := range due {
		g, err := t.readProcess(pid)
		switch {
		case err == nil:
			seen = append(seen, g)
		case gone(err):
			t.cache.forget(pid)
		default:
			t.cache.set(pid, candidate)
		}
	}
	slices.SortFunc(seen, func(a, b observation) int {
		return cmp.Or(cmp.Compare(a.stat.start, b.stat.start), cmp.Compare(a.pid, b.pid))
	})
	members := len(t.members)
	for _, g := range seen {
		if !t.track(l, g) {
			t.cache.judge(g, l.at)
		}
	}
	if len(t.members) > members {
		t.adopt()
	}
}

// track takes in a process that is FaceFusion, or the child of a member.
//
// A process that has its parent's command line is a copy of it: between fork and exec every child of FaceFusion looks like FaceFusion. It is a child.
func (t *Table) track(l *pass, g observation) bool {
	if g.stat.kernel || g.stat.ended() {
		return false
	}
	parent := t.members[g.stat.ppid]
	if s, ok := t.files.faceFusion(g); ok && !t.copied(parent, g) && t.found(l, g, s) {
		return true
	}
	if parent == nil {
		return false
	}
	t.join(g, &trackedProcess{role: childRole(g.stat.comm, g.argv), instance: parent.instance})
	return true
}

// copied says whether a process is a copy of its parent. The parent is read anew, as conda makes FaceFusion exec itself with another argv[0] after it was found.
func (t *Table) copied(parent *trackedProcess, g observation) bool {
	if parent == nil {
		return false
	}
	if data, err := t.files.cmdline(parent.PID); err == nil && len(data) > 0 {
		parent.cmdline = string(data)
	}
	return parent.cmdline == g.cmdline
}

// found takes in a process that looks like FaceFusion, if it is.
func (t *Table) found(l *pass, g observation, s script) bool {
	p, ok := t.files.workdir(g.pid, s)
	if !ok {
		return false
	}
	role, ok := s.roleFor(p.version)
	if !ok {
		return false
	}
	// All that was read by pid was read of this process only if it is still there.
	if again, err := t.files.stat(g.pid); err != nil || again.start != g.stat.start {
		return false
	}
	m := &trackedProcess{role: role, instance: t.instances.of(p), readable: p.readable, pending: p.pending}
	if !p.complete {
		m.denied |= deniedCheckout
	}
	t.join(g, m)
	m.watch = t.watcher.add(m.ID)
	m.instance.settle(t.files, m, p)
	if t.primed {
		m.instance.totalsOf(role).starts++
		l.changes = append(l.changes, LifecycleEvent{Time: t.clock.started(m.StartTicks), Instance: m.instance.id, Role: role, PID: m.PID})
	}
	return true
}

// join makes a process a member.
func (t *Table) join(g observation, m *trackedProcess) {
	m.ID, m.comm, m.cmdline = ID{PID: g.pid, StartTicks: g.stat.start}, g.stat.comm, g.cmdline
	m.instance.totalsOf(m.role)
	if !m.role.Child() {
		m.instance.own++
	}
	t.members[g.pid] = m
	t.cache.set(g.pid, tracked)
	t.files.measure(m, g.stat)
}

// adopt takes in the descendants that were judged before their ancestor turned out to be FaceFusion: what an entry point's shell left running in the background
// before it exec'd FaceFusion.
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
			t.join(g, &trackedProcess{role: childRole(g.stat.comm, g.argv), instance: parent.instance})
			more = true
		}
	}
}
