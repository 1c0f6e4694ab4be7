package process

import "time"

// trackedProcess is a live process of an instance: FaceFusion's own, or a child.
type trackedProcess struct {
	ID
	role     Role
	rule     rule
	instance *instanceState
	// claimant is who it is; nil for children, and where that is unknown.
	claimant *claimant
	// payer pays for what it makes us read.
	payer   string
	comm    string
	cmdline string
	// paths are those in the arguments of an ffmpeg.
	paths []string
	// temp is its folder for temporary files; empty for the default.
	temp string
	// ppid is its parent's pid as of the last time when that was asked for.
	ppid int
	// readable says whether the process may be looked into; without, the kernel shows an exit code
	// of 0 whatever it is.
	readable bool
	denied   denial
	used     resourceUsage
	// before is what the process had used in an earlier role: a child is forked as a copy of its
	// parent and becomes ffmpeg by exec.
	before resourceUsage
	port   port
	search search
	// waiting says that its descriptors are due, and since when, as its user has no budget left.
	waiting    bool
	waitsSince time.Duration
	// lastPort is the last one that was known, and placed says that it has taken the place of a
	// service that ended, or needs none.
	lastPort uint16
	// chosen is the port that is its server, 0 where unknown; see Choose.
	chosen uint16
	placed bool
	// joined is when it was found.
	joined time.Duration
	// listened says that it has had a port. A service without is a worker or a bot, not a server
	// that starts.
	listened bool
	// pending says that the file system of its checkout did not answer when the process was found,
	// or since.
	pending bool
	// watch is nil for children, but for workers.
	watch *watch
	// served says that it descends from a service.
	served bool
	// alone says that it is a member for its runs only, without its descendants; lastRun is when it
	// started one.
	alone   bool
	lastRun time.Duration
	// below says that a member has started it. foundAt is the pass that found it.
	below   bool
	foundAt time.Duration
	// awaitsPort says that it counts when its port is known, which shows whose it is.
	awaitsPort bool
	// orphan says that it is what a service left that crashed or was killed: that it ends, too, is
	// no purpose of anybody's.
	orphan bool
	// fresh says that it started while the Table looked; provisional that it is too young to count.
	fresh, provisional bool
	// ended is when the process was seen to have ended, while it is not known how.
	ended time.Duration
}

// deny notes that a field may not be read, or may be read again.
func (m *trackedProcess) deny(field denial, err error) {
	if isDenied(err) {
		m.denied |= field
	} else if err == nil {
		m.denied &^= field
	}
}

// uncounted says whether the start of a process that moves to another instance is still to be
// counted: that of a child is not, nor that of a service which is too young. It is true of a new
// process, which was nowhere.
func (m *trackedProcess) uncounted() bool {
	return m == nil || m.role.Child() || m.provisional && m.fresh
}

// become changes the role of a child.
func (m *trackedProcess) become(r Role) {
	if r == m.role {
		return
	}
	m.instance.totalsOf(m.role).retire(m.used.since(m.before))
	m.before = m.used
	m.role = r
	m.instance.totalsOf(r)
}
