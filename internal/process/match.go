package process

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Match names the processes of a configured instance. All that is given must hold; of several
// instances that a process fits, the first has it. Patterns are searched for: they hold anywhere in
// the text, unless they are anchored.
type Match struct {
	// Cmdline is searched for in the arguments, joined by blanks.
	Cmdline *regexp.Regexp
	// Exe is searched for in the path of the executable, links resolved, Comm in the process's name
	// of 15 characters, Cgroup in the path of each of its control groups.
	Exe, Comm, Cgroup *regexp.Regexp
	// User is the name of its effective user in the host's /etc/passwd, or the number.
	User string
	// PIDFile is a file of the host that holds the pid.
	PIDFile string
	// Port is one that it listens on.
	Port uint16
}

// vague says that only the place of a process is configured, not what it runs.
func (m *Match) vague() bool {
	return m.Cmdline == nil && m.Exe == nil && m.Comm == nil && m.PIDFile == "" && m.Port == 0
}

// fit is how far a process fits a Match.
type fit uint8

const (
	fitsNot fit = iota
	// fitsLater: all holds but what comes with time, a port or the age of a program that is no
	// Python.
	fitsLater
	fitsNow
)

// match asks the configuration. A descendant of a member of the instance joins as such.
func (t *Table) match(o observation, parent *trackedProcess) (ruleMatch, bool) {
	for _, i := range t.instances.configured {
		if i.conf.Match == nil {
			continue
		}
		switch t.fits(i, o) {
		case fitsNow:
			if parent != nil && parent.instance == i {
				return ruleMatch{}, false
			}
			found := t.configured(i, o)
			// Anybody can run something that fits. With a checkout it must be somebody who may, or
			// the user that is named.
			if found.stranger != "" && i.conf.Match.User == "" {
				continue
			}
			return found, true
		case fitsLater:
			t.await(o)
		case fitsNot:
		}
	}
	return ruleMatch{}, false
}

// fits compares a process with what is configured, the cheapest first.
func (t *Table) fits(i *instanceState, o observation) fit {
	m := i.conf.Match
	if m.Comm != nil && !m.Comm.MatchString(o.stat.comm) ||
		m.Cmdline != nil && !m.Cmdline.MatchString(strings.Join(o.argv, " ")) ||
		m.Exe == nil && m.Comm == nil && m.PIDFile == "" && t.leadsTo(o) {
		return fitsNot
	}
	if m.User != "" && !t.files.runsAs(o.pid, m.User) ||
		m.Exe != nil && !t.files.runs(o.pid, m.Exe) ||
		m.Cgroup != nil && !t.files.within(o.pid, m.Cgroup) ||
		m.PIDFile != "" && !t.named(m.PIDFile, o) {
		return fitsNot
	}
	switch {
	case m.Port != 0:
		return t.fitsPort(m, o)
	case m.vague():
		return t.heads(i, o)
	default:
		return fitsNow
	}
}

// leadsTo says whether a program only starts another one, which has the words of that one in its
// own command line: a shell, a launcher, a client of a container runtime, an editor.
func (t *Table) leadsTo(o observation) bool {
	if len(o.argv) == 0 || startsForOthers(o.stat.comm, o.argv) || passesOn(o.argv) {
		return true
	}
	return mayBecome(o.stat.comm, o.argv) && !t.files.interpreter(o)
}

// heads says whether a process is the one that all others in the same place belong to: of a unit, a
// container or a user whose only processes are those of the instance. It is the first Python
// program, or, in a unit or container, another one that has come to stay.
func (t *Table) heads(i *instanceState, o observation) fit {
	if t.hasConfigured(i) {
		return fitsNot // what else is there: health checks, and what somebody runs by hand
	}
	_, title := retitled(o.argv)
	if t.files.interpreter(o) {
		if title || !programOf(o.argv).isTool() {
			return fitsNow
		}
		return fitsNot
	}
	switch {
	case i.conf.Match.Cgroup == nil:
		return fitsNot
	case o.age < serviceAge:
		return fitsLater
	default:
		return fitsNow
	}
}

// configured is a process that the configuration names, with the checkout that it names too, or
// that the rules find for the process.
func (t *Table) configured(i *instanceState, o observation) ruleMatch {
	found, ok, _ := t.files.findScript(o)
	if !ok {
		if found, ok, _ = t.files.findFolder(o); !ok {
			_, err := t.files.cwd(o.pid)
			found = ruleMatch{role: RoleService, workdir: workdir{readable: err == nil, complete: !isDenied(err)}}
		}
	}
	if path := i.conf.Path; path != "" && (!ok || found.checkout.inner != filepath.Clean(path) && found.checkout.host != filepath.Clean(path)) {
		readable, complete := found.readable, found.complete
		s := surroundings{pid: o.pid, root: t.files.rootOf(o.pid)}
		role := found.role
		found = t.files.service(s, ruleConfigured, filepath.Clean(path), false)
		found.role, found.readable, found.complete = role, readable, complete
	}
	if jobs := i.conf.JobsPath; jobs != "" {
		found.jobs = t.files.locate(o.pid, resolve(t.files.rootOf(o.pid), absolute(found.checkout.inner, jobs)))
	}
	found.rule, found.unconfirmed, found.configured = ruleConfigured, false, i
	return found
}

// runsAs says whether the effective user of a process is the one that is named.
func (f *files) runsAs(pid int, name string) bool {
	uid, err := strconv.Atoi(name)
	if err != nil {
		var ok bool
		if uid, ok = f.uid(name); !ok {
			return false
		}
	}
	c, ok := f.credentials(pid)
	return ok && c.uid == uid
}

// maxPasswd bounds what is read of /etc/passwd: some ten thousand users.
const maxPasswd = 1 << 20

// uid looks a user up in the host's /etc/passwd. No other database is asked, as that may take a
// server of its own, and would be the one of the collector's container.
func (f *files) uid(name string) (int, bool) {
	if f.uids == nil || time.Since(f.uidsRead) > uidsEvery {
		f.uids, f.uidsRead = map[string]int{}, time.Now()
		data, _ := f.hostRoot().ReadFile("/etc/passwd", maxPasswd)
		for line := range bytes.Lines(data) {
			fields := bytes.SplitN(line, []byte{':'}, 4)
			if len(fields) < 4 {
				continue
			}
			if uid, err := strconv.Atoi(string(fields[2])); err == nil {
				f.uids[string(fields[0])] = uid
			}
		}
	}
	uid, ok := f.uids[name]
	return uid, ok
}

// uidsEvery is how often /etc/passwd is read where a name is configured.
const uidsEvery = time.Minute

// runs compares the executable of a process, also where it was replaced since.
func (f *files) runs(pid int, pattern *regexp.Regexp) bool {
	exe, err := f.link(pid, "exe")
	if isDenied(err) {
		f.matchDenied = true
	}
	return err == nil && pattern.MatchString(strings.TrimSuffix(exe, deleted))
}

// deleted is what the kernel appends to the name of a file that is gone.
const deleted = " (deleted)"

// within compares the control groups of a process. A line of the file has the number, the
// controllers and the path.
func (f *files) within(pid int, pattern *regexp.Regexp) bool {
	data, err := f.read(f.path(pid, "cgroup"), maxConfig)
	if err != nil {
		return false
	}
	for line := range bytes.Lines(data) {
		if fields := bytes.SplitN(bytes.TrimSuffix(line, []byte{'\n'}), []byte{':'}, 3); len(fields) == 3 && pattern.Match(fields[2]) {
			return true
		}
	}
	return false
}
