package process

import (
	"slices"
	"time"
)

// serviceAge is for how long a program around FaceFusion must live before it counts as a service.
// One that ends before leaves no trace, as a check or an installer does, unless it fails: a service
// that cannot import what it needs ends at once, again and again.
const serviceAge = 10 * time.Second

// unconfirmed is a process that a rule fits which needs a sign of FaceFusion.
type unconfirmed struct {
	ruleMatch
	cmdline string
	start   uint64
	// mapped says that its mappings were read.
	mapped bool
}

// confirmByRuntime looks for FaceFusion's runtime in the process, once, when it had the time to
// load it.
func (t *Table) confirmByRuntime(u *unconfirmed, o observation) (ruleMatch, bool) {
	if u.mapped || o.age < serviceAge || u.start != o.stat.start {
		return ruleMatch{}, false
	}
	u.mapped = true
	if !t.files.importsRuntime(o.pid) {
		t.hint(o, hintBeside)
		return ruleMatch{}, false
	}
	delete(t.unconfirmed, o.pid)
	if t.moved(u, o.pid) {
		return ruleMatch{}, false
	}
	return u.ruleMatch, true
}

// moved says that another folder lies where the checkout of an unconfirmed process was: what was
// found there is not confirmed, and the rules are asked anew.
func (t *Table) moved(u *unconfirmed, pid int) bool {
	if folderAt(t.files.rootOf(pid), u.checkout.inner) == u.foundIn {
		return false
	}
	t.cache.ask(pid)
	return true
}

// suspect names a process in the log once it had the time to load FaceFusion's runtime.
func (t *Table) suspect(u *unconfirmed, o observation) {
	if u.mapped || o.age < serviceAge || u.start != o.stat.start {
		return
	}
	u.mapped = true
	if t.files.importsRuntime(o.pid) || u.anyway {
		t.hint(o, u.hint)
	}
}

// confirmByRun takes in the program that started a run: one that a rule fits is confirmed by it,
// any other joins alone, in the instance of the run.
func (t *Table) confirmByRun(p *pass, o observation, run *trackedProcess) {
	starter, ok := t.starterOf(o)
	if !ok {
		return
	}
	if m := t.members[starter.pid]; m != nil {
		m.lastRun = p.at
		return
	}
	found := ruleMatch{rule: ruleParentOfRun, role: RoleService, workdir: workdir{readable: run.readable, complete: true}}
	if u := t.unconfirmed[starter.pid]; u != nil && u.start == starter.stat.start {
		if delete(t.unconfirmed, starter.pid); !t.moved(u, starter.pid) {
			found = u.ruleMatch
		}
	}
	t.joinForRuns(p, starter, run.instance, found)
}

// joinForRuns takes in a program that is known by a run of it.
func (t *Table) joinForRuns(p *pass, o observation, i *instanceState, found ruleMatch) {
	m := &trackedProcess{
		role: RoleService, rule: found.rule, instance: i, readable: found.readable, alone: found.rule == ruleParentOfRun,
		fresh: t.primed, lastRun: p.at,
	}
	t.join(o, m)
	m.watch = t.watcher.add(m.ID)
	if m.age(t) < serviceAge {
		m.provisional = true
		return
	}
	t.settled(p, m)
}

// confirmByChild takes in a program that has started another Python in the checkout that a rule
// found for it, however that runs FaceFusion there: "python -c 'runpy.run_path(…)'". It returns nil
// where there is none.
func (t *Table) confirmByChild(p *pass, o observation) *trackedProcess {
	if len(t.unconfirmed) == 0 || !t.files.interpreter(o) {
		return nil
	}
	starter, ok := t.starterOf(o)
	if !ok {
		return nil
	}
	u := t.unconfirmed[starter.pid]
	if u == nil || u.start != starter.stat.start {
		return nil
	}
	if cwd, err := t.files.cwd(o.pid); err != nil || cwd != u.checkout.inner {
		return nil
	}
	delete(t.unconfirmed, starter.pid)
	if t.moved(u, starter.pid) {
		return nil
	}
	if !t.found(p, starter, u.ruleMatch, nil) {
		return nil
	}
	return t.members[starter.pid]
}

func (m *trackedProcess) age(t *Table) time.Duration { return t.clock.age(m.StartTicks) }

// serves says whether the Python processes below it are workers of a service.
func (m *trackedProcess) serves() bool {
	return m.role == RoleService || m.role == RoleWorker || m.served
}

// childRole names a descendant.
func (t *Table) childRole(o observation, parent *trackedProcess) Role {
	if parent.serves() && len(o.argv) > 0 && t.files.interpreter(o) {
		return RoleWorker
	}
	return childRole(o.stat.comm, o.argv)
}

// attend goes through the services: one that has lived long enough counts, one that joined for its
// runs leaves when it has started none for as long as an instance is remembered.
func (t *Table) attend(p *pass) {
	for _, m := range t.members {
		switch {
		case m.provisional && m.awaitsPort && p.at-m.foundAt < serviceAge:
		case m.provisional && m.age(t) >= serviceAge:
			t.settled(p, m)
		case m.alone && p.at-m.lastRun > t.forgetAfter:
			t.drop(m)
			m.watch.stop()
			t.cache.set(m.PID, candidate)
			t.forgetRoles(m.instance)
			if m.instance.own == 0 {
				// it has not ended: there is nothing to report as down
				m.instance.lastSeen = p.now.Add(-2 * t.forgetAfter)
			}
		}
	}
	for _, noted := range []map[int]*unconfirmed{t.unconfirmed, t.suspects} {
		for pid := range noted {
			if t.cache.records[pid] == nil {
				delete(noted, pid)
			}
		}
	}
	for pid := range t.awaited {
		if t.cache.records[pid] == nil {
			delete(t.awaited, pid)
		}
	}
	t.promote(p)
	t.forgetEnded(p)
}

// promote makes a service of a Python process whose service has ended and left it: a start script
// that goes to the background. What follows its parent soon is left alone.
func (t *Table) promote(p *pass) {
	for _, m := range t.members {
		if m.role != RoleWorker || m.instance.own > 0 || p.at-m.instance.ownEnded < serviceAge {
			continue
		}
		o, err := t.readProcess(m.PID)
		if err != nil || o.stat.start != m.StartTicks || t.members[o.stat.ppid] != nil {
			continue
		}
		found, ok := t.match(o, nil)
		if !ok {
			found, ok, _ = t.files.findFolder(o)
		}
		if ok && !found.unconfirmed {
			missed := slices.ContainsFunc(m.instance.ended, func(e EndedService) bool { return !e.Stopped })
			t.drop(m)
			m.watch.stop()
			t.found(p, o, found, nil)
			if promoted := t.members[o.pid]; promoted != nil {
				promoted.orphan = missed
			}
		}
	}
}
