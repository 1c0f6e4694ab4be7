package process

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// awaited is a process that fits a configured match but for what comes with time.
type awaited struct {
	start uint64
	// foreign says that it has another network than this one; version is that of our own listening
	// sockets when it was compared last.
	foreign bool
	version uint64
	// due is when it is compared again whatever happens.
	due time.Duration
}

// Pauses between comparisons of a process whose sockets must be read to know that they changed.
const (
	awaitAtLeast = time.Second
	awaitAtMost  = time.Minute
)

// await remembers a process that fits but for what comes with time.
func (t *Table) await(o observation) {
	if a := t.awaited[o.pid]; a == nil || a.start != o.stat.start {
		t.awaited[o.pid] = &awaited{start: o.stat.start, foreign: t.files.foreignNetwork(o.pid), due: t.at + awaitAtLeast}
	}
}

// matchLater compares again what may fit by now: the processes that are awaited, and those that pid
// files name. It costs nothing while each instance has its process.
func (t *Table) matchLater(p *pass) {
	var ports []uint16
	missing := false
	for _, i := range t.instances.configured {
		if i.conf.Match == nil || t.hasConfigured(i) {
			continue
		}
		missing = true
		ports = append(ports, i.conf.Match.Port)
		if file := i.conf.Match.PIDFile; file != "" {
			if pid := t.files.pidIn(file); pid > 0 {
				t.compare(p, pid, 0)
			}
		}
	}
	if !missing || len(t.awaited) == 0 {
		return
	}
	version := t.listening.versionOf(ports, t.at)
	for pid, a := range t.awaited {
		began := !a.foreign && version != 0 && version != a.version
		if !began && t.at < a.due {
			continue
		}
		pause := max(t.clock.age(a.start), awaitAtLeast)
		a.version, a.due = version, t.at+min(pause, awaitAtMost)
		if t.compare(p, pid, a.start) {
			delete(t.awaited, pid)
		}
	}
}

// hasConfigured says whether a process that fits the match of an instance lives.
func (t *Table) hasConfigured(i *instanceState) bool {
	for _, m := range t.members {
		if m.instance == i && m.rule == ruleConfigured {
			return true
		}
	}
	return false
}

// compare asks the configuration about a process anew, and moves it to the instance that it fits;
// true where it does, or where it is gone. Start is 0 where any process with the pid is meant.
func (t *Table) compare(p *pass, pid int, start uint64) bool {
	o, err := t.readProcess(pid)
	if err != nil || o.stat.kernel || o.stat.ended() || start != 0 && o.stat.start != start {
		return true
	}
	parent := t.members[o.stat.ppid]
	found, ok := t.match(o, parent)
	if !ok {
		return false
	}
	old := t.members[pid]
	if old != nil && old.instance == found.configured && !old.role.Child() {
		return true
	}
	if old != nil {
		t.release(p, old)
	}
	found.moved = old
	if !t.found(p, o, found, nil) {
		return true
	}
	if m := t.members[pid]; old != nil && m != nil {
		m.before = old.used
	}
	t.adopt()
	return true
}

// release takes a process and its descendants out of their instance, as another one has it. A
// discovered instance that is left without a process was a mistake: it is not reported as down.
func (t *Table) release(p *pass, released *trackedProcess) {
	i := released.instance
	for _, m := range append(t.descendants(released), released) {
		t.drop(m)
		m.watch.stop()
		t.cache.set(m.PID, candidate)
		if r := t.cache.records[m.PID]; r != nil {
			r.ppid = m.ppid
		}
	}
	if i.conf == nil && i.own == 0 {
		i.lastSeen = p.now.Add(-2 * t.forgetAfter)
	}
}

// descendants are the members below another one.
func (t *Table) descendants(of *trackedProcess) []*trackedProcess {
	var list []*trackedProcess
	for _, m := range t.members {
		if s, err := t.files.stat(m.PID); err == nil && s.start == m.StartTicks {
			m.ppid = s.ppid
		}
		if m.ppid == of.PID && m.instance == of.instance {
			list = append(list, m)
		}
	}
	for _, m := range list {
		list = append(list, t.descendants(m)...)
	}
	return list
}

// fitsPort says whether a process listens on the port of a match. Alone, a port is that of a Python
// program.
func (t *Table) fitsPort(m *Match, o observation) fit {
	if m.Cmdline == nil && m.Exe == nil && m.Comm == nil && m.PIDFile == "" && !t.files.interpreter(o) {
		return fitsNot
	}
	all, _, err := t.listening.sockets(o.pid, t.at)
	if err != nil && len(all) == 0 {
		return fitsLater
	}
	all = slices.DeleteFunc(slices.Clone(all), func(s listener) bool { return s.address.Port() != m.Port })
	if len(all) == 0 {
		return fitsLater
	}
	if n, err := t.files.descriptors(o.pid); err == nil && !t.descriptors.take(t.files.payer(o.pid), n, t.at) {
		return fitsLater
	}
	sockets, err := t.files.sockets(o.pid)
	if isDenied(err) {
		t.files.matchDenied = true
	}
	if slices.ContainsFunc(all, func(s listener) bool { return sockets[s.inode] }) {
		return fitsNow
	}
	return fitsLater
}

// named says whether a pid file names a process.
func (t *Table) named(file string, o observation) bool {
	return t.files.pidIn(file) == o.pid && !t.staleFor(file, o)
}

// staleFor says that a pid file is older than the process with that pid: its daemon is gone, and
// the kernel gave the pid to another program.
func (t *Table) staleFor(file string, o observation) bool {
	st, err := t.files.hostRoot().Stat(file)
	if err != nil {
		return true
	}
	return time.Unix(st.Mtim.Unix()).Before(t.clock.started(o.stat.start).Add(-pidFileSlack))
}

// pidFileSlack is how exactly the start of a process is known as a time of day.
const pidFileSlack = 2 * time.Second

// pidIn reads a pid file: a number, and what may follow in a line of its own.
func (f *files) pidIn(file string) int {
	data, err := f.hostRoot().ReadFile(file, 64)
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid < 1 {
		return 0
	}
	return pid
}
