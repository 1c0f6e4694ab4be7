package process

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostnet"
)

// port is where a server listens.
type port struct {
	number  uint16
	address netip.AddrPort
	barrier Barrier
	// unknown says that the sockets of the process may not be looked at, and could not be guessed
	// either.
	unknown bool
	// others are further addresses, unless it is known which one is the server.
	others []netip.AddrPort
	ever   bool
	// searched is when it was last searched for, if ever, and version that of the sockets then.
	searched time.Duration
	version  uint64
	foreign  bool
}

// search is how long a port has been missing.
type search struct {
	on           bool
	since, asked time.Duration
}

// due says whether to ask again. A server that starts listens within a minute or so; a service that
// has none by then may never have one.
func (s *search) due(at time.Duration) bool {
	if !s.on {
		*s = search{on: true, since: at}
	} else if at-s.since >= eagerFor && at-s.asked < patientEvery {
		return false
	}
	s.asked = at
	return true
}

// verifyEvery is how often a port that was found is looked up again: it moves only with a restart
// of the server. While there is none, each pass searches for eagerFor, and then one in
// patientEvery. In another network namespace that takes files that are read slowly, so it is done
// less often.
const (
	eagerFor           = time.Minute
	patientEvery       = 5 * time.Second
	verifyEvery        = 10 * time.Second
	foreignVerifyEvery = time.Minute
	foreignSearchEvery = 5 * time.Second
)

// Gradio takes the first free port from 7860 on, out of 100.
const (
	gradioFirst = 7860
	gradioEnd   = 7960
)

func gradio(p uint16) bool { return p >= gradioFirst && p < gradioEnd }

func (p port) asServer(id ID) ServerProcess {
	return ServerProcess{ID: id, Port: p.number, Address: p.address, Barrier: p.barrier, PortUnknown: p.unknown, Others: p.others}
}

func (t *Table) findPorts(l *pass) {
	for _, m := range t.inTurn() {
		if m.role != RoleServer && m.role != RoleService || !m.port.due(l.at) {
			continue
		}
		if m.port.number != 0 {
			m.search = search{}
		} else if !m.port.foreign && !m.search.due(l.at) {
			continue
		}
		all, version, sockErr := t.listening.sockets(m.PID, l.at)
		if m.port.unchanged(l.at, version) {
			m.waiting, m.waitsSince = false, 0
			continue // the descriptors, which cost more, need not be read
		}
		// What that costs is up to the process: it opens as many descriptors as it likes.
		n, err := t.files.descriptors(m.PID)
		if err == nil && !t.descriptors.take(m.payer, n, l.at) {
			if !m.waiting {
				m.waiting, m.waitsSince = true, l.at
			}
			continue
		}
		m.waiting, m.waitsSince = false, 0
		m.port = t.findPort(m, all, sockErr)
		m.listenedAt(m.port.number)
		m.port.ever, m.port.searched, m.port.version, m.port.foreign = true, l.at, version, t.files.foreignNetwork(m.PID)
	}
}

// inTurn are all members, those first that wait, the one that has waited for longest before the
// others.
func (t *Table) inTurn() []*trackedProcess {
	list := slices.Collect(maps.Values(t.members))
	slices.SortFunc(list, func(a, b *trackedProcess) int {
		if a.waiting != b.waiting {
			if a.waiting {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.waitsSince, b.waitsSince), cmp.Compare(a.PID, b.PID))
	})
	return list
}

// waitsFor is how long a process waits before it is counted as one that does.
const waitsFor = 5 * time.Second

// waits is how many processes wait for their user's budget.
func (t *Table) waits(l *pass) (n int) {
	for _, m := range t.members {
		if m.waiting && l.at-m.waitsSince >= waitsFor {
			n++
		}
	}
	return n
}

// listenedAt notes where a service listens; 0 for nowhere.
func (m *trackedProcess) listenedAt(number uint16) {
	if number == 0 {
		return
	}
	m.listened, m.lastPort = true, number
	m.instance.refill(m)
}

// due says whether the port is to be searched for at a pass.
func (p port) due(at time.Duration) bool {
	age := at - p.searched
	switch {
	case !p.ever:
		return true
	case p.foreign && p.number == 0:
		return age >= foreignSearchEvery
	case p.foreign:
		return age >= foreignVerifyEvery
	default:
		return p.number == 0 || age >= verifyEvery
	}
}

// unchanged says that nobody has begun to listen since the last search, which was not long ago.
func (p port) unchanged(at time.Duration, version uint64) bool {
	return p.ever && version != 0 && version == p.version && at-p.searched < verifyEvery
}

func (t *Table) findPort(m *trackedProcess, all []listener, err error) port {
	if err != nil && len(all) == 0 {
		m.deny(deniedPort, err)
		return port{unknown: isDenied(err)}
	}
	sockets, err := t.files.sockets(m.PID)
	m.deny(deniedPort, err)
	own := slices.DeleteFunc(slices.Clone(all), func(s listener) bool { return !sockets[s.inode] })
	if isDenied(err) {
		if own = t.guessPort(m, all); len(own) == 0 {
			return port{unknown: true}
		}
		m.denied &^= deniedPort
	}
	own = onPort(onPort(own, m.instance.configuredPort()), m.chosen)
	s, ok := preferred(own)
	if !ok {
		return port{}
	}
	p := port{number: s.address.Port()}
	p.address, p.barrier = t.files.reachable(m.PID, s)
	p.others = t.otherAddresses(m, own, p.number)
	return p
}

// maxOthers is how many further ports of a process are candidates for its server.
const maxOthers = 3

// otherAddresses are where else a process listens and can be reached, each port once.
func (t *Table) otherAddresses(m *trackedProcess, own []listener, number uint16) (others []netip.AddrPort) {
	known := map[uint16]bool{number: true}
	own = slices.SortedFunc(slices.Values(own), func(a, b listener) int { return cmp.Compare(a.address.Port(), b.address.Port()) })
	for _, s := range own {
		if known[s.address.Port()] || len(others) == maxOthers {
			continue
		}
		known[s.address.Port()] = true
		if address, barrier := t.files.reachable(m.PID, s); barrier == "" && address.IsValid() {
			others = append(others, address)
		}
	}
	return others
}

// Choose sets which port of a process is its server, where it has several: one that answers as a
// server does. Only the goroutine that observes may call it.
func (t *Table) Choose(id ID, number uint16) {
	if m := t.members[id.PID]; m != nil && m.ID == id && m.chosen != number {
		m.chosen = number
		m.port.ever = false // it is searched for in the next pass
	}
}

// configuredPort is the port that the configuration names; 0 where it names none.
func (i *instanceState) configuredPort() uint16 {
	if i.conf == nil || i.conf.Match == nil {
		return 0
	}
	return i.conf.Match.Port
}

// onPort keeps the sockets on a port, where there are any.
func onPort(own []listener, number uint16) []listener {
	found := slices.DeleteFunc(slices.Clone(own), func(s listener) bool { return s.address.Port() != number })
	if len(found) == 0 {
		return own
	}
	return found
}

// preferred picks Gradio's range, else the lowest port; and of one port IPv4, which stands first.
func preferred(list []listener) (listener, bool) {
	if len(list) == 0 {
		return listener{}, false
	}
	return slices.MinFunc(list, func(a, b listener) int {
		p, q := int(a.address.Port()), int(b.address.Port())
		if gradio(uint16(p)) != gradio(uint16(q)) {
			if gradio(uint16(p)) {
				return -1
			}
			return 1
		}
		return p - q
	}), true
}

// guessPort is for a server whose sockets may not be looked at: a socket of its user in Gradio's
// range is its own, if there is only one such socket and only one such server.
func (t *Table) guessPort(m *trackedProcess, all []listener) []listener {
	uid := t.files.user(m.PID)
	for _, other := range t.members {
		if other != m && other.role == RoleServer && t.files.user(other.PID) == uid {
			return nil
		}
	}
	var found []listener
	for _, s := range all {
		if s.uid == uid && gradio(s.address.Port()) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found
}

// sockets returns the inodes of the sockets that a process holds.
func (f *files) sockets(pid int) (map[uint64]bool, error) {
	return hostnet.HeldSockets(f.path(pid, "fd")) //nolint:wrapcheck // it names the file
}
