package process

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// EndedService is a server or service whose process is gone, and whose place no other has taken.
type EndedService struct {
	// ID is that of the process; zero for one of an earlier boot.
	ID
	// Port is where it listened last; 0 for one that did not, or where that was not known.
	Port uint16
	// Serves says that it is missed as a server: it had a port, or should have had one.
	Serves bool
	// Stopped says that it was ended on purpose, and that the instance need not run. While it is
	// not known yet how it ended, it is false.
	Stopped bool
	// Caller says that it was known only for the runs that it had started.
	Caller bool `json:",omitempty"`
	// Since is when it was missed first; zero for one that ran when it was saved.
	Since time.Time `json:",omitzero"`
	// orphan is that of its process.
	orphan bool
	// at is the same by the Table's own time; 0 for one that an earlier collector saved.
	at time.Duration
}

// maxEnded bounds what is remembered of an instance: as many as have series of their own.
const maxEnded = 32

// onPurpose says that somebody wanted the end: an exit code of 0, SIGTERM by the supervisor, SIGINT
// by the user. SIGHUP is the end of a terminal, which also comes when a connection is lost.
func (e ending) onPurpose() bool {
	return e.reason == ExitCompleted || e.reason == ExitTerminated && e.signal.V != int(unix.SIGHUP)
}

// lasting says whether processes of the role are missed when they end.
func (r Role) lasting() bool { return r == RoleServer || r == RoleService }

// lose notes a service that has ended.
func (i *instanceState) lose(m *trackedProcess, now time.Time) {
	if !m.role.lasting() {
		return
	}
	e := m.asEnded()
	e.at, e.Since = m.ended, now
	i.ended = append(i.ended, e)
	i.ended = slices.Delete(i.ended, 0, max(0, len(i.ended)-maxEnded))
}

func (m *trackedProcess) asEnded() EndedService {
	return EndedService{ID: m.ID, Port: m.lastPort, Serves: m.role == RoleServer || m.listened, Caller: m.alone, orphan: m.orphan}
}

// conclude notes how it ended, which is known later than that it did.
func (i *instanceState) conclude(id ID, e ending) {
	for n := range i.ended {
		if i.ended[n].ID == id {
			i.ended[n].Stopped = e.onPurpose() && !i.expected() && !i.ended[n].orphan
		}
	}
}

// expected says that the instance should run whatever ended it.
func (i *instanceState) expected() bool { return i.conf != nil && i.conf.Expected }

// refound takes out one that lives: it was saved by an earlier collector, and has its place.
func (i *instanceState) refound(m *trackedProcess) {
	known := len(i.ended)
	i.ended = slices.DeleteFunc(i.ended, func(e EndedService) bool { return e.ID == m.ID })
	m.placed = len(i.ended) < known
}

// refill gives a place to a service that has come to stay: that of its port, else the one that is
// empty for the longest, but once only, and none that became empty after it came. What starts runs
// of a service that has ended does not take its place.
func (i *instanceState) refill(m *trackedProcess) {
	n := slices.IndexFunc(i.ended, func(e EndedService) bool { return e.Port == m.lastPort && e.Caller == m.alone })
	if n < 0 && !m.placed && m.lastPort != 0 {
		n = slices.IndexFunc(i.ended, func(e EndedService) bool { return e.at <= m.joined && e.Caller == m.alone })
	}
	if n >= 0 {
		i.ended = slices.Delete(i.ended, n, n+1)
	}
	m.placed = m.placed || n >= 0 || m.lastPort != 0
}

// stopped says that all services of an instance without a process were ended on purpose.
func (i *instanceState) stopped() bool {
	return i.own == i.bystanders() && len(i.ended) > 0 && !slices.ContainsFunc(i.ended, func(e EndedService) bool { return !e.Stopped })
}

// bystanders is how many of its processes do not keep an instance up: those that are known for the
// runs that they start only, where something else is what should run.
func (i *instanceState) bystanders() int {
	if i.conf != nil && i.conf.Match != nil || slices.ContainsFunc(i.ended, func(e EndedService) bool { return !e.Caller }) {
		return i.callers
	}
	return 0
}

// forgetEnded forgets services that nobody has started again for as long as an instance is
// remembered: they were retired. Of an instance that should run, the last one is missed for ever.
func (t *Table) forgetEnded(p *pass) {
	runs := make(map[*instanceState]bool)
	for _, m := range t.members {
		runs[m.instance] = runs[m.instance] || m.role.lasting()
	}
	for _, i := range t.instances.all() {
		known := len(i.ended)
		if known == 0 || i.expected() && !runs[i] {
			continue
		}
		i.ended = slices.DeleteFunc(i.ended, func(e EndedService) bool { return p.now.Sub(e.Since) > t.forgetAfter })
		if len(i.ended) < known {
			t.forgetRoles(i)
		}
	}
}

// forgetRoles ends the series of services of which the instance has none, and misses none.
func (t *Table) forgetRoles(i *instanceState) {
	if len(i.ended) > 0 {
		return
	}
	used := make(map[Role]bool)
	for _, m := range t.members {
		used[m.role] = used[m.role] || m.instance == i
	}
	for _, role := range []Role{RoleServer, RoleService} {
		if !used[role] {
			delete(i.totals, role)
		}
	}
}

// rejoin takes in the services that an earlier collector knew, that live, and that no rule has
// found: what made them known, a run or a child, need not be there now. One that another instance
// has by now is not missed where it was.
func (t *Table) rejoin(p *pass) {
	for _, i := range t.instances.all() {
		for _, e := range slices.Clone(i.ended) {
			if e.ID == (ID{}) {
				continue
			}
			o, err := t.readProcess(e.PID)
			if err != nil || o.stat.start != e.StartTicks || o.stat.ended() {
				continue
			}
			if t.members[e.PID] != nil {
				i.ended = slices.DeleteFunc(i.ended, func(other EndedService) bool { return other.ID == e.ID })
				t.forgetRoles(i)
				continue
			}
			t.rejoinOne(p, o, i)
		}
	}
	t.adopt()
}

func (t *Table) rejoinOne(p *pass, o observation, i *instanceState) {
	if u := t.unconfirmed[o.pid]; u != nil && u.start == o.stat.start {
		delete(t.unconfirmed, o.pid)
		t.found(p, o, u.ruleMatch, nil)
		return
	}
	if i.conf != nil && i.conf.Match != nil {
		return // the configuration names others by now
	}
	_, err := t.files.cwd(o.pid)
	t.joinForRuns(p, o, i, ruleMatch{rule: ruleParentOfRun, workdir: workdir{readable: err == nil}})
}
