package jobqueue

import (
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"golang.org/x/sys/unix"
)

// jobsFolder is a jobs folder, and all that is known of it. It belongs to the goroutine that
// observes, and to its pass while one is in flight: see flight.go.
type jobsFolder struct {
	settings *Settings
	reader   jobsdir.Reader
	hinter   *jobsdir.Hinter
	flight   *flight
	// hanging says why the folder was not asked for; last is what was published last. Both belong
	// to the Watcher.
	hanging error
	last    *Queue
	// throughAt is when it was last looked at to the end, or first of all; the Watcher's, too.
	throughAt time.Time

	// of is the instance of whose runs it is; empty for an instance's own.
	of string
	// sessions are the folders of sessions in it, and sessionsSeen is when one was looked at last:
	// the Watcher's; sessionsListed is the pass's.
	sessions       []session
	sessionsSeen   map[string]time.Time
	sessionsListed sessionList
	// identity is the folder's own; zero before it was first there. at is the instance through
	// which it is looked at.
	identity  jobsdir.FileStat
	at        Folder
	instances []string
	access    Access
	// absentSince is since when it, or each of its status folders, is not there; zero for what is.
	absentSince [1 + len(jobsdir.Names)]time.Time
	// reachable says that this pass can look at it.
	reachable bool

	// start is when it was first looked at, by the wall clock, as that is what files have: what was
	// written before is history.
	start time.Time
	// scanned says that all that lay there then is known.
	scanned bool
	// sweptAt is when files were last looked at for which there was no hint.
	sweptAt time.Time

	dirs [len(jobsdir.Names)]statusDir
	jobs map[fileKey]*job
	// usedUp are processes that have, or had, the only run of their life, by the name of its job.
	usedUp map[ProcessID]processUse
	// ownEnds are when jobs of such processes ended lately.
	ownEnds []time.Time
	// served is by live process of a web UI.
	served map[ProcessID]*served
	// suspects are those jobs that need a pass at every tick.
	suspects map[*job]struct{}
	// turn are those that have not had theirs since the last time that all had.
	turn []*job
	// unmade are those of which it is not known yet who made them.
	unmade   map[*job]struct{}
	worklist worklist
	// recheck are those to look at in the next pass: what was read was too fresh to be the last
	// word.
	recheck []fileKey
	// tombstones are finished jobs whose file went, for as long as they may still turn up as a
	// retry.
	tombstones map[uint64]tombstone

	// concluded are the runs that were counted.
	concluded concluded

	// share is what it has of the room for all, kept what the files of its jobs say; oversized are
	// the jobs over a limit.
	share     *folderShare
	kept      int64
	oversized map[*job]oversize

	counts [len(States)]int // of jobs
	oldest oldest
	// failedImages are those that failed lately, and of which the log said nothing.
	failedImages []silentImage
	// declinesKnown says that a log was read.
	declinesKnown bool
	totals        *totals

	// key names the records of the folder, restored says what there was of them. dirty and
	// dirtyJobs say what differs from them.
	key       string
	restored  RestoreState
	dirty     bool
	dirtyJobs shards
}

type tombstone struct {
	finished
	state JobState
	gone  time.Time
}

// tombstoneTTL is how long a rename may take to be seen at both ends.
const tombstoneTTL = 10 * time.Second

func newFolder(key string, settings *Settings, h *jobsdir.Hinter, own *folderShare, now time.Time) *jobsFolder {
	f := &jobsFolder{
		key: key, share: own, throughAt: now, restored: RestoreNone, settings: settings, hinter: h, start: now.Round(0), totals: newTotals(settings.Exponential),
		jobs: make(map[fileKey]*job), oversized: make(map[*job]oversize), suspects: make(map[*job]struct{}), unmade: make(map[*job]struct{}), tombstones: make(map[uint64]tombstone),
		usedUp: make(map[ProcessID]processUse), served: make(map[ProcessID]*served),
	}
	for i := range f.dirs {
		f.dirs[i] = statusDir{Dir: jobsdir.NewDir(i), irregular: irregulars{known: make(map[uint64]uint32)}}
	}
	return f
}

// pass is one observation under way.
type pass struct {
	now time.Time
	// deadline ends work that can be continued in the next pass; it is in real time.
	deadline time.Time
	hints    jobsdir.Hints
	watching map[string]bool
	evidence Evidence
	changes  []Change
	// sweeping says that files are looked at for which there is no hint.
	sweeping bool
	// answered says that what the pass waited for has come: its time is its own again.
	answered func()
}

// step is called between what is done one by one.
func (p *pass) step() {
	if p.answered != nil {
		p.answered()
	}
}

func (p *pass) overdue() bool { return time.Now().After(p.deadline) }

const (
	// sweepEvery is how often files are looked at for which there is no hint. It is below a tick.
	sweepEvery = 500 * time.Millisecond
	// maxSweep bounds how many are looked at in one go; those of a longer queue take turns.
	maxSweep = 2000
	// fewSuspects may be looked at in every pass, however often those are.
	fewSuspects = 64
	// absentFor is for how long a folder must be gone before its jobs are: a checkout may be moved,
	// and /proc/<pid>/root ends with its process.
	absentFor = 5 * time.Second
)

// pass looks once. What it leaves for later is in f.worklist, or a listing under way.
func (f *jobsFolder) pass(p *pass) {
	if !f.reachable {
		return
	}
	f.takeHints(p)
	if since := p.now.Sub(f.sweptAt); since >= sweepEvery || since < 0 {
		f.sweptAt = p.now
		f.keepWatching(p)
		f.sweep()
		p.sweeping = true
	}
	f.list(p)
	for _, at := range f.recheck {
		f.worklist.push(at)
	}
	f.recheck = f.recheck[:0]
	for first := true; first || !p.overdue(); first = false {
		at, ok := f.worklist.pop()
		if !ok {
			break
		}
		f.check(p, at)
		p.step()
	}
	f.scanned = f.scanned || f.worklist.len() == 0 && f.listed()
	if p.sweeping || len(f.suspects) <= fewSuspects {
		f.evaluateSuspects(p)
	}
	for hash, g := range f.tombstones {
		if p.now.Sub(g.gone) > tombstoneTTL {
			f.dropTombstone(hash)
		}
	}
	_ = f.share.fits(f.bytes(), 0) // for the others
}

// probe sees whether the folder can be looked at, and where names came or went. That comes before
// the hints are taken, which then explain it.
func (f *jobsFolder) probe(p *pass) {
	f.reachable = false
	if wall := p.now.Round(0); wall.Before(f.start) {
		f.start, f.dirty = wall, true // the clock was set back: what is written now is no history
	}
	switch f.access {
	case AccessOpen:
	case AccessAbsent:
		f.markAbsent(p, -1)
		return
	default:
		return
	}
	for i := range f.dirs {
		d := &f.dirs[i]
		replaced, err := d.Open(f.at.jobs)
		switch {
		case err == nil:
			f.absentSince[1+i], d.parent = time.Time{}, f.identity
			if replaced && d.Watched != "" {
				f.hinter.Unwatch(d.Watched)
				d.Watched, d.TriedAt = "", time.Time{}
			}
		case absent(err):
			f.markAbsent(p, i)
		default:
			f.access = accessOf(err)
			return
		}
	}
	f.reachable = true
}

// markAbsent notes that a status folder is not there, or with -1 that none is.
//
// Absence is not deletion: a share that is unmounted for a moment takes its jobs with it and brings
// them back. So jobs are deleted when a listing does not name them any more, or when their status
// folder was removed from the very jobs folder in which it was; else they stay what they were, and
// are not published.
func (f *jobsFolder) markAbsent(p *pass, index int) {
	since := &f.absentSince[1+index]
	switch {
	case since.IsZero():
		*since = p.now
		return
	case p.now.Sub(*since) < absentFor:
		return
	}
	for i := range f.dirs {
		if index < 0 || index == i {
			d := &f.dirs[i]
			d.Abandon()
			// but not what is finished: a share that is mounted late brings it back
			d.irregular.forget()
			d.Forget()
			removed := index == i && d.parent.Same(&f.identity)
			for at, j := range f.jobs {
				if removed && at.dir == i {
					f.deleted(p, j)
				}
			}
		}
	}
	if index < 0 {
		f.scanned = true
	}
}

// absent says that the folder, or each of its status folders, has been gone for a while.
func (f *jobsFolder) absent(now time.Time) bool {
	gone := func(since time.Time) bool { return !since.IsZero() && now.Sub(since) >= absentFor }
	return gone(f.absentSince[0]) || !slices.ContainsFunc(f.absentSince[1:], func(since time.Time) bool { return !gone(since) })
}

// unfinished says that there is work that did not fit into this pass. What cannot be reached is no
// work.
func (f *jobsFolder) unfinished() bool {
	if !f.reachable {
		return false
	}
	if f.worklist.len() > 0 {
		return true
	}
	for i := range f.dirs {
		if f.dirs[i].Listing() {
			return true
		}
	}
	return false
}

// land ends a pass.
func (f *jobsFolder) land() {
	for i := range f.dirs {
		f.dirs[i].Close()
	}
	f.at.close()
}

// close lets go of what is open.
func (f *jobsFolder) close() {
	for i := range f.dirs {
		f.dirs[i].Abandon()
	}
	f.hinter.Close()
	f.share.end()
}

// watchPath is the folder as the hinter names it.
func (f *jobsFolder) watchPath() string { return filepath.Join(f.at.Files.Dir, f.at.Path) }

func absent(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) }

func accessOf(err error) Access {
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		return AccessDenied
	}
	return AccessError
}
