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
	// at is when it was missed first; 0 for one that an earlier collector saved.
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
func (i *instanceState) lose(m *trackedProcess) {
	if !m.role.lasting() {
		return
	}
	e := m.asEnded()
	e.at = m.ended
	i.ended = append(i.ended, e)
	i.ended = slices.Delete(i.ended, 0, max(0, len(i.ended)-maxEnded))
}

func (m *trackedProcess) asEnded() EndedService {
	return EndedService{ID: m.ID, Port: m.lastPort, Serves: m.role == RoleServer || m.listened}
}

// conclude notes how it ended, which is known later than that it did.
func (i *instanceState) conclude(id ID, e ending) {
	for n := range i.ended {
		if i.ended[n].ID == id {
			i.ended[n].Stopped = e.onPurpose() && !i.expected()
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
// empty for the longest, but once only, and none that became empty after it came.
func (i *instanceState) refill(m *trackedProcess) {
	n := slices.IndexFunc(i.ended, func(e EndedService) bool { return e.Port == m.lastPort })
	if n < 0 && !m.placed && m.lastPort != 0 {
		n = slices.IndexFunc(i.ended, func(e EndedService) bool { return e.at <= m.joined })
	}
	if n >= 0 {
		i.ended = slices.Delete(i.ended, n, n+1)
	}
	m.placed = m.placed || n >= 0 || m.lastPort != 0
}

// stopped says that all services of an instance without a process were ended on purpose.
func (i *instanceState) stopped() bool {
	return i.own == 0 && len(i.ended) > 0 && !slices.ContainsFunc(i.ended, func(e EndedService) bool { return !e.Stopped })
}
