package jobqueue

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// folder is a jobs folder, and all that is known of it. It belongs to the goroutine that observes.
type folder struct {
	settings *Settings
	reader   *reader
	hinter   *hinter

	// identity is the folder's own; zero before it was first there. at is the instance through which it is looked at.
	identity  stamp
	at        Folder
	instances []string
	access    Access
	// absentSince is since when it, or each of its parts, is not there; zero for what is.
	absentSince [1 + len(partNames)]time.Time
	// reached says that this look can look at it.
	reached bool

	// start is when it was first looked at, by the wall clock, as that is what files have: what was written before is history.
	start time.Time
	// scanned says that all that lay there then is known.
	scanned bool
	// sweptAt is when files were last looked at for which there was no hint.
	sweptAt time.Time

	parts [len(partNames)]part
	jobs  map[place]*job
	// suspects are those jobs that need a look at every tick.
	suspects map[*job]struct{}
	todo     queue
	// again are those to look at in the next look: what was read was too fresh to be the last word.
	again []place
	// ghosts are finished jobs whose file went, for as long as they may still turn up as a retry.
	ghosts map[uint64]ghost

	counts [len(States)]int // of jobs
	oldest oldest
	totals totals

	// key names the records of the folder, memory says what there was of them. changed and changedJobs say what differs from them.
	key         string
	memory      Memory
	changed     bool
	changedJobs shards
}

type ghost struct {
	finished
	state State
	gone  time.Time
}

// ghostsFor is how long a rename may take to be seen at both ends.
const ghostsFor = 10 * time.Second

func newFolder(key string, settings *Settings, r *reader, h *hinter, now time.Time) *folder {
	f := &folder{
		key: key, memory: MemoryNone, settings: settings, reader: r, hinter: h, start: now.Round(0), totals: newTotals(settings.Exponential),
		jobs: make(map[place]*job), suspects: make(map[*job]struct{}), ghosts: make(map[uint64]ghost),
	}
	for i := range f.parts {
		f.parts[i] = part{index: i, odd: make(map[uint64]uint32)}
	}
	return f
}

// look is one observation under way.
type look struct {
	now time.Time
	// deadline ends work that can be continued in the next look; it is in real time.
	deadline time.Time
	hints    hints
	watching map[string]bool
	evidence Evidence
	changes  []Change
	// swept says that files are looked at for which there is no hint.
	swept bool
}

func (l *look) late() bool { return time.Now().After(l.deadline) }

const (
	// sweepEvery is how often files are looked at for which there is no hint. It is below a tick.
	sweepEvery = 500 * time.Millisecond
	// maxSweep bounds how many are looked at in one go; those of a longer queue take turns.
	maxSweep = 2000
	// fewSuspects may be looked at in every look, however often those are.
	fewSuspects = 64
	// absentFor is for how long a folder must be gone before its jobs are: a checkout may be moved, and /proc/<pid>/root ends with its process.
	absentFor = 5 * time.Second
)

// look looks once. What it leaves for later is in f.todo, or a listing under way.
func (f *folder) look(l *look) {
	if !f.reached {
		return
	}
	f.takeHints(l)
	if since := l.now.Sub(f.sweptAt); since >= sweepEvery || since < 0 {
		f.sweptAt = l.now
		f.keepWatching(l)
		f.sweep()
		l.swept = true
	}
	f.list(l)
	for _, at := range f.again {
		f.todo.push(at)
	}
	f.again = f.again[:0]
	for first := true; first || !l.late(); first = false {
		at, ok := f.todo.pop()
		if !ok {
			f.scanned = f.scanned || f.listed()
			break
		}
		f.check(l, at)
	}
	if l.swept || len(f.suspects) <= fewSuspects {
		f.judge(l)
	}
	for hash, g := range f.ghosts {
		if l.now.Sub(g.gone) > ghostsFor {
			f.exorcise(hash)
		}
	}
}

// reach sees whether the folder can be looked at, and where names came or went. That comes before the hints are taken, which then explain it.
func (f *folder) reach(l *look) {
	f.reached = false
	if wall := l.now.Round(0); wall.Before(f.start) {
		f.start, f.changed = wall, true // the clock was set back: what is written now is no history
	}
	switch f.access {
	case AccessOpen:
	case AccessAbsent:
		f.lose(l, -1)
		return
	default:
		return
	}
	for i := range f.parts {
		p := &f.parts[i]
		replaced, err := p.stat(f.at.Path)
		switch {
		case err == nil:
			f.absentSince[1+i] = time.Time{}
			if replaced && p.watched != "" {
				f.hinter.unwatch(p.watched)
				p.watched, p.triedAt = "", time.Time{}
			}
		case absent(err):
			f.lose(l, i)
		default:
			f.access = accessOf(err)
			return
		}
	}
	f.reached = true
}

// lose notes that a part is not there, or with -1 that none is, and after a while that its jobs are not either.
func (f *folder) lose(l *look, index int) {
	since := &f.absentSince[1+index]
	switch {
	case since.IsZero():
		*since = l.now
		return
	case l.now.Sub(*since) < absentFor:
		return
	}
	for i := range f.parts {
		if index < 0 || index == i {
			p := &f.parts[i]
			p.abandon()
			clear(p.odd) // but not what is finished: a share that is mounted late brings it back
			p.dir, p.mtime = stamp{}, 0
			for at, j := range f.jobs {
				if at.part == i {
					f.deleted(l, j)
				}
			}
		}
	}
	if index < 0 {
		f.scanned = true
	}
}

// unfinished says that there is work that did not fit into this look. What cannot be reached is no work.
func (f *folder) unfinished() bool {
	if !f.reached {
		return false
	}
	if f.todo.len() > 0 {
		return true
	}
	for i := range f.parts {
		if f.parts[i].listing != nil {
			return true
		}
	}
	return false
}

// close lets go of what is open.
func (f *folder) close() {
	for i := range f.parts {
		p := &f.parts[i]
		p.abandon()
		if p.watched != "" {
			f.hinter.unwatch(p.watched)
		}
	}
}

func absent(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) }

func accessOf(err error) Access {
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		return AccessDenied
	}
	return AccessUnreachable
}
