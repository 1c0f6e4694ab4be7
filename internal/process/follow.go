package process

import "time"

// follow reads the processes that are known, and returns due with the pids that turned out to mean
// another process now.
func (t *Table) follow(l *pass, due []int) []int {
	for pid, m := range t.members {
		s, err := t.files.stat(pid)
		switch {
		case gone(err):
			t.end(l, m, nil)
			t.cache.forget(pid)
		case err != nil:
			// It cannot be read at the moment, so it stays what it was.
		case s.start != m.StartTicks:
			t.end(l, m, nil)
			t.cache.set(pid, candidate)
			due = append(due, pid)
		case s.ended():
			m.used.cpu(s)
			t.end(l, m, &s)
			t.cache.set(pid, dismissed)
		case t.turned(m, s):
			t.drop(m)
			m.watch.stop()
			t.cache.set(pid, candidate)
			due = append(due, pid)
		default:
			t.files.measure(m, s)
		}
	}
	return due
}

// turned notices a child's exec. It takes the role of its new program; where that is FaceFusion
// itself, it is no longer a child, and turned is true. A young child is looked at even though its
// name is the same: a copy of a python that becomes another python.
func (t *Table) turned(m *trackedProcess, s stat) bool {
	if !m.role.Child() || s.comm == m.comm && t.clock.age(s.start) >= settleAge {
		return false
	}
	g, err := t.readProcess(m.PID)
	if err != nil || len(g.argv) == 0 || g.cmdline == m.cmdline && g.stat.comm == m.comm {
		return false // a command line that cannot be read for the moment says nothing
	}
	if _, ok, _ := t.files.findScript(g); ok && g.cmdline != m.cmdline {
		return true
	}
	m.comm, m.cmdline = g.stat.comm, g.cmdline
	role := childRole(m.comm, g.argv)
	if m.served && len(g.argv) > 0 && t.files.interpreter(g) {
		role = RoleWorker
	}
	m.become(role)
	m.paths = pathsIn(role, g.argv)
	return false
}

// drop takes a process out of its instance; what it had used stays there.
func (t *Table) drop(m *trackedProcess) {
	delete(t.members, m.PID)
	if m.role.Child() {
		t.dismissDescendant(m.payer)
	} else {
		m.instance.leave(m, t.at)
		t.freed = t.freed || m.instance.own == 0
	}
	m.instance.totalsOf(m.role).retire(m.used.since(m.before))
}

// end is called once for each process that is over. Zombie is its last stat, where it still has
// one.
func (t *Table) end(l *pass, m *trackedProcess, zombie *stat) {
	t.drop(m)
	if m.watch == nil {
		return
	}
	if m.role.Child() && m.role != RoleWorker {
		m.watch.stop() // a worker that became another program
		return
	}
	m.ended = l.at
	if !m.provisional {
		m.instance.lose(m, l.now)
	}
	if e, ok := t.endingOf(m, zombie); ok {
		t.report(l, m, e)
		return
	}
	t.exited = append(t.exited, m)
}

// endingOf returns false while the kernel may still report it.
func (t *Table) endingOf(m *trackedProcess, zombie *stat) (ending, bool) {
	if e, ok := m.watch.ending(); ok {
		return e, true
	}
	if zombie == nil {
		zombie = m.watch.zombie.Load()
	}
	switch {
	case zombie == nil:
		return ending{reason: ExitUnknown}, true
	case m.readable || zombie.exitCode != 0:
		return endingOf(zombie.exitCode), true
	case m.watch.pidfd == nil:
		return ending{reason: ExitUnknown}, true
	default:
		return ending{}, false
	}
}

// patience is for how long a zombie's exit is held back in the hope that its parent fetches it,
// which makes the kernel report how it ended.
const patience = 2 * time.Second

// reapExited reports those of the dying whose end is known by now.
func (t *Table) reapExited(l *pass) {
	still := t.exited[:0]
	for _, m := range t.exited {
		if e, ok := m.watch.ending(); ok {
			t.report(l, m, e)
		} else if l.at-m.ended >= patience {
			t.report(l, m, ending{reason: ExitUnknown})
		} else {
			still = append(still, m)
		}
	}
	clear(t.exited[len(still):])
	t.exited = still
}

func (t *Table) report(l *pass, m *trackedProcess, e ending) {
	m.watch.stop()
	if t.oomKilled(m, e) {
		e.reason = ExitOOMKilled
	}
	if m.provisional {
		if !e.reason.Failure() {
			t.instances.discard(m.instance)
			return
		}
		t.settled(l, m)
		m.instance.lose(m, l.now)
	}
	m.instance.conclude(m.ID, e)
	m.instance.totalsOf(m.role).exits[e.reason]++
	if m.role == RoleWorker {
		return // a pool has many, and its service tells what that means
	}
	l.changes = append(l.changes, LifecycleEvent{
		Time: l.now, Instance: m.instance.id, Role: m.role, PID: m.PID,
		Exited: true, Reason: e.reason, ExitCode: e.code, Signal: e.signal,
	})
}
