package webui

import (
	"cmp"
	"slices"
	"time"
)

// registry holds the entries, and decides which target is which.
type registry struct {
	servers map[key]*trackedServer
	// arrivals remembers each living process, by instance and process.
	arrivals map[[2]string]arrival
	// over is how many servers had no place at the last look.
	over int
	pass uint64
}

// maxServers is how many servers of an instance are known: each has series of its own.
const maxServers = 32

// arrival is how a process was first seen.
type arrival struct {
	pass uint64
	// serving says that it may have served others before.
	serving bool
}

func newRegistry() registry {
	return registry{servers: make(map[key]*trackedServer), arrivals: make(map[[2]string]arrival)}
}

// reconcile brings the entries in line with the targets.
func (r *registry) reconcile(targets []Target, instances []string, pass uint64, now time.Time) {
	gone := slices.DeleteFunc(slices.Clone(targets), func(t Target) bool { return !t.Gone })
	targets = slices.DeleteFunc(slices.Clone(targets), func(t Target) bool { return t.Gone })
	slices.SortFunc(targets, compareTargets)
	r.noteArrivals(targets, pass)
	r.forget(targets, instances)

	r.over, r.pass = 0, pass
	p := placement{now: now, placed: make(map[*trackedServer]bool, len(targets)), missed: make(map[*trackedServer]bool, len(gone))}
	arrivals, waiting := r.followAll(targets, &p)
	for _, t := range arrivals {
		p.assign(r.arrive(t, now), t)
	}
	waiting = slices.DeleteFunc(waiting, func(t Target) bool { return p.assign(r.serving(t), t) })
	for k, e := range r.servers {
		if e.configured() && !p.placed[e] {
			delete(r.servers, k) // it is not asked for any more
		}
	}
	r.missAll(gone, &p)
	for _, t := range waiting {
		p.assign(cmp.Or(r.succeed(t, &p), r.arrive(t, now)), t)
	}
	for k, e := range r.servers {
		if !p.placed[e] && !p.missed[e] {
			// Its process lives, and has left the instance; or it ended, and another has its place.
			delete(r.servers, k)
		}
	}
}

// placement is what one look has found of the entries.
type placement struct {
	now            time.Time
	placed, missed map[*trackedServer]bool
}

// assign has an entry take what is said of its process. An entry takes one target.
func (p *placement) assign(e *trackedServer, t Target) bool {
	if e == nil {
		return false
	}
	if !p.placed[e] {
		p.placed[e] = true
		e.see(t)
	}
	return true
}

// followAll places the processes that have an entry. Those that arrive are the rest: first come
// those that listen, and what is configured. Who does not listen yet waits until it is known what
// is missed, also if it was placed at an earlier look: another may have opened the port by now.
func (r *registry) followAll(targets []Target, p *placement) (arrivals, waiting []Target) {
	for _, t := range targets {
		switch e := r.serving(t); {
		case e == nil && (t.Port != 0 || t.Process == "" || t.Unknown):
			arrivals = append(arrivals, t)
		case e == nil, e.awaited && t.Port == 0:
			waiting = append(waiting, t)
		default:
			p.assign(r.follow(e, t, p.now), t)
		}
	}
	return arrivals, waiting
}

// missAll puts down what is gone and has no other in its place.
func (r *registry) missAll(gone []Target, p *placement) {
	for _, t := range gone {
		e := r.missed(t)
		if p.placed[e] {
			continue // another serves there, or the configured endpoint answers for it
		}
		if e == nil {
			e = r.addMissed(t, p.now)
		}
		e.stopped = t.Stopped && (e.stopped || !p.missed[e])
		e.goDown(p.now)
		p.missed[e] = true
	}
}

// succeed gives a process that does not listen yet the place of the server that has been down for
// longest, and that it did not run beside: it is what was started in its stead, and there is
// nothing to be done but to wait. If it opens another port it moves there, and if another process
// opens this one, it has to go.
func (r *registry) succeed(t Target, p *placement) *trackedServer {
	s := r.arrivalOf(t)
	e := r.oldestOf(func(e *trackedServer) bool {
		return e.instance == t.Instance && p.missed[e] && !e.configured() && e.firstSeen < s.pass
	})
	if e == nil {
		return nil
	}
	delete(p.missed, e)
	e.begin(t.Process, s.pass, processState{old: s.serving})
	e.awaited = e.port != 0
	return e
}

// goneProcess stands for the process of a server that was gone before it was ever seen. No process
// has it as its name.
const goneProcess = "gone"

// addMissed makes an instance's server known that is gone: a collector that starts while FaceFusion
// is down says so from its first page on.
func (r *registry) addMissed(t Target, now time.Time) *trackedServer {
	e := newServer(key{instance: t.Instance, port: t.Port}, now)
	e.begin(cmp.Or(t.Process, goneProcess), 0, processState{}) // it ran before all that is seen
	r.servers[e.key] = e
	return e
}

func newServer(k key, now time.Time) *trackedServer {
	return &trackedServer{key: k, start: now, functions: newFunctions(), probes: make(probeHistograms)}
}

// missed finds the entry of a server that is gone: that of its process, else of its port. Where
// that is not known either, a configured endpoint stands in for it; where the process is not, any
// of the instance does. An endpoint on another port is another server, such as a reverse proxy.
func (r *registry) missed(t Target) *trackedServer {
	var atPort, other *trackedServer
	for _, e := range r.sorted() {
		switch {
		case e.instance != t.Instance:
		case t.Process != "" && e.process == t.Process:
			return e
		case e.port == t.Port:
			atPort = e
		case t.Port != 0:
		case e.configured(), t.Process == "" && other == nil:
			other = e
		}
	}
	return cmp.Or(atPort, other)
}

// noteArrivals notes the processes that are new and forgets those that are gone.
func (r *registry) noteArrivals(targets []Target, pass uint64) {
	living := make(map[[2]string]arrival, len(targets))
	for _, t := range targets {
		id := [2]string{t.Instance, t.Process}
		s, seen := r.arrivals[id]
		if !seen {
			// whoever was there before our first look, and had its port open as far as we know, has
			// a past
			s = arrival{pass: pass, serving: t.Process == "" || pass == 1 && (t.Port != 0 || t.Unknown)}
		}
		living[id] = s
	}
	r.arrivals = living
}

func (r *registry) arrivalOf(t Target) arrival {
	return r.arrivals[[2]string{t.Instance, t.Process}]
}

// forget drops the entries of instances that nobody knows any more.
func (r *registry) forget(targets []Target, instances []string) {
	known := make(map[string]bool, len(instances))
	for _, id := range instances {
		known[id] = true
	}
	for _, t := range targets {
		known[t.Instance] = true
	}
	for k := range r.servers {
		if !known[k.instance] {
			delete(r.servers, k)
		}
	}
}

// serving finds the entry that the process of a target has. A configured endpoint has the one of
// its port.
func (r *registry) serving(t Target) *trackedServer {
	if t.Process == "" {
		if e := r.servers[keyOf(t)]; e != nil && e.configured() {
			return e
		}
		return nil
	}
	for _, e := range r.servers {
		if e.instance == t.Instance && e.process == t.Process {
			return e
		}
	}
	return nil
}

// follow keeps a process in its entry, unless it now listens elsewhere. One that stops listening
// stays where it was.
func (r *registry) follow(e *trackedServer, t Target, now time.Time) *trackedServer {
	k := keyOf(t)
	if k.port == 0 || k.port == e.port {
		return e
	}
	m := e.current
	if m.elsewhere != 0 {
		m = processState{old: m.old} // another server of the process: all is to be found out anew
	}
	to := r.claim(t, m, now)
	if to == nil {
		return e
	}
	to.state, to.lastReported = e.state, cmp.Or(to.lastReported, e.lastReported)
	to.shown, to.checked = e.shown, e.checked
	delete(r.servers, e.key)
	return to
}

// arrive finds a place for a process that has none.
func (r *registry) arrive(t Target, now time.Time) *trackedServer {
	return r.claim(t, processState{old: r.arrivalOf(t).serving}, now)
}

// claim gives a process the entry of its port. It gets none while another living process has it,
// unless that only waits there. When the entry is new, a process that had no place yet takes that
// of the instance's server that has been down longest.
func (r *registry) claim(t Target, m processState, now time.Time) *trackedServer {
	k, s := keyOf(t), r.arrivalOf(t)
	e := r.servers[k]
	if e != nil {
		if _, lives := r.arrivals[[2]string{e.instance, e.process}]; lives && !e.awaited {
			return nil
		}
		e.begin(t.Process, s.pass, m)
		return e
	}
	has := r.serving(t)
	before, ok := r.room(k.instance)
	if t.Process != "" && !ok {
		r.over++
		return nil
	}
	e = newServer(k, now)
	r.servers[k] = e
	e.begin(t.Process, s.pass, m)
	if before == nil && t.Port != 0 && t.Process != "" && (has == nil || has.port == 0) {
		before = r.oldestDown(k.instance, s.pass)
	}
	if before != nil {
		e.lastReported = before.lastReported
		delete(r.servers, before.key)
	}
	return e
}

// room says whether an instance may have another server. Where it has too many, it returns the one
// that has been down longest, whose place that is.
func (r *registry) room(instance string) (before *trackedServer, ok bool) {
	n := 0
	for _, e := range r.servers {
		if e.instance == instance {
			n++
		}
	}
	if n < maxServers {
		return nil, true
	}
	before = r.oldestDown(instance, r.pass)
	return before, before != nil
}

// oldestDown is the server whose place a process takes that was first seen at the given look: one
// that ran before it.
func (r *registry) oldestDown(instance string, pass uint64) *trackedServer {
	return r.oldestOf(func(e *trackedServer) bool {
		return e.instance == instance && e.isDown() && !e.configured() && e.firstSeen < pass
	})
}

// oldestOf is the one of some servers that went down first.
func (r *registry) oldestOf(fits func(*trackedServer) bool) (oldest *trackedServer) {
	for _, e := range r.servers {
		if fits(e) && (oldest == nil || cmp.Or(e.downFrom.Compare(oldest.downFrom), compareKeys(e.key, oldest.key)) < 0) {
			oldest = e
		}
	}
	return oldest
}

// toAsk lists the entries with something to ask that is due. Of a service with a health check there
// is nothing to ask besides.
func (r *registry) toAsk(now time.Time) []*trackedServer {
	var list []*trackedServer
	for _, e := range r.sorted() {
		judged := e.checked.check != nil && e.current.kind == KindHTTP
		if e.url != nil && !judged && !now.Before(e.current.nextExchange) {
			list = append(list, e)
		}
	}
	return list
}

// toCheck lists the entries whose health check is due.
func (r *registry) toCheck(now time.Time) []*trackedServer {
	return slices.DeleteFunc(r.sorted(), func(e *trackedServer) bool { return !e.checked.due(now) })
}

func (r *registry) sorted() []*trackedServer {
	list := make([]*trackedServer, 0, len(r.servers))
	for _, e := range r.servers {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *trackedServer) int { return compareKeys(a.key, b.key) })
	return list
}

func (r *registry) show() {
	for _, e := range r.servers {
		e.show()
	}
}

func (r *registry) export() []Server {
	list := make([]Server, 0, len(r.servers))
	for _, e := range r.sorted() {
		list = append(list, e.export())
	}
	return list
}

// changes lists the states that differ from those last reported. What the first look finds is no
// change.
func (r *registry) changes(now time.Time, first bool) []StateChange {
	var list []StateChange
	for _, e := range r.sorted() {
		if e.shown == StateUnknown || e.shown == e.lastReported {
			continue
		}
		if !first {
			list = append(list, StateChange{Time: now, Instance: e.instance, Port: e.port, From: e.lastReported, To: e.shown})
		}
		e.lastReported = e.shown
	}
	return list
}

// choices are the processes whose server is at another of their ports.
func (r *registry) choices() []Choice {
	var list []Choice
	for _, e := range r.sorted() {
		if e.current.elsewhere != 0 {
			list = append(list, Choice{Instance: e.instance, Process: e.process, Port: e.current.elsewhere})
		}
	}
	return list
}

// askStatistics makes the statistics due.
func (r *registry) askStatistics(now time.Time) {
	for _, e := range r.servers {
		if now.Sub(e.functions.asked) >= time.Second {
			e.current.nextSummary = time.Time{}
		}
	}
}
