package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// Settings of a Table.
type Settings struct {
	// RootPath is where the host's root is mounted; "/" by default. Only files below it are read,
	// but for one exception: a pidfd is opened where the host's processes turn out to be those of
	// this process's own /proc.
	RootPath string
	// Gate runs what may hang; a new one by default.
	Gate *hostfs.Gate
	// ForgetAfter is for how long a discovered instance is remembered after its last process; 24
	// hours by default.
	ForgetAfter time.Duration
	// Instances are reported also while they do not run.
	Instances []Configured
	// OnExit is called, from any goroutine, as soon as a FaceFusion process ended, so that the
	// owner can observe at once. It must not block, and it may be called twice for one process:
	// when it ended, and when its parent fetched it and the kernel therefore reports how it ended.
	// May be nil.
	OnExit func()
}

const defaultForgetAfter = 24 * time.Hour

// Table observes the FaceFusion processes of a host.
type Table struct {
	forgetAfter time.Duration
	files       *files
	pids        pidLister
	cache       processCache
	clock       clock
	descriptors budget
	// findFolder are the rules of folders.
	findFolder func(observation) (ruleMatch, bool, Visibility)
	// searches are the folder rules asked; followed counts the descendants that are followed, by
	// payer.
	searches  budget
	followed  map[string]int
	watcher   *watcher
	listening listening
	instances *instanceSet
	groups    *container.Groups
	// saved are to be made known by the first pass.
	saved []SavedInstance
	// members are the live processes of all instances by pid.
	members map[int]*trackedProcess
	// exited have ended, but are not reported yet, as their parent did not fetch them.
	exited []*trackedProcess
	// unconfirmed are processes that may be services, suspects those that the log alone names.
	unconfirmed, suspects map[int]*unconfirmed
	// runFolders counts the jobs folders of runs.
	runFolders int
	// awaited are processes that fit what is configured, but for what comes with time.
	awaited map[int]*awaited
	// refused are processes for which there are too many instances.
	refused refused
	// freed says that an instance has no process any more.
	freed bool
	// unlooked are the processes that could not be looked at, and why; hidden says that there may
	// be others that are not even listed.
	unlooked map[int]Visibility
	// hints are processes that look like FaceFusion's, by pid.
	hints  map[int]Hint
	hidden bool
	// at is when the pass under way began.
	at time.Duration
	// boot names the boot of the host; empty where that cannot be known.
	boot string
	// epoch is the moment from which the Table counts its own time.
	epoch time.Time
	// primed says that there was a pass before: what is found from now on was started.
	primed bool
	closed bool
}

// errClosed is returned by Observe after Close.
var errClosed = errors.New("the process table is closed")

// pass is one observation under way.
type pass struct {
	now     time.Time
	at      time.Duration // since the Table's epoch, for what is scheduled
	changes []LifecycleEvent
}

// NewTable makes a Table; it reads nothing yet.
func NewTable(s Settings) *Table {
	if s.Gate == nil {
		s.Gate = hostfs.NewGate(hostfs.Settings{})
	}
	f := newFiles(s.RootPath, s.Gate)
	t := &Table{
		forgetAfter: s.ForgetAfter,
		files:       f,
		findFolder:  f.findFolder,
		pids:        pidLister{files: f, listing: pidListing{path: f.proc}},
		cache:       newProcessCache(),
		watcher:     &watcher{files: f, notify: s.OnExit},
		listening:   listening{files: f},
		instances:   newInstances(f, s.Instances),
		groups:      container.NewGroups(f.root),
		members:     make(map[int]*trackedProcess),
		unconfirmed: make(map[int]*unconfirmed),
		suspects:    make(map[int]*unconfirmed),
		awaited:     make(map[int]*awaited),
		refused:     make(refused),
		unlooked:    make(map[int]Visibility),
		hints:       make(map[int]Hint),
		descriptors: budget{perSecond: descriptorsPerSecond},
		searches:    budget{perSecond: triesPerSecond},
		followed:    make(map[string]int),
		epoch:       time.Now(),
	}
	if t.forgetAfter <= 0 {
		t.forgetAfter = defaultForgetAfter
	}
	return t
}

// Observe takes one pass. One goroutine at a time may call it. After an error nothing has changed:
// what was known stays known, and the next pass that succeeds goes on from there.
func (t *Table) Observe(ctx context.Context) (*Snapshot, error) {
	if t.closed {
		return nil, errClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("observe processes: %w", err)
	}
	if err := t.files.open(); err != nil {
		return nil, fmt.Errorf("observe processes: %w", err)
	}
	l := &pass{now: time.Now()}
	l.at = l.now.Sub(t.epoch)
	t.at = l.at
	clear(t.files.mountTables)
	if err := t.clock.read(t.files, l.now); err != nil {
		return nil, fmt.Errorf("observe processes: %w", err)
	}
	entries, complete, err := t.pids.read(l.at)
	if err != nil {
		return nil, fmt.Errorf("observe processes: %w", err)
	}
	if t.boot == "" {
		t.boot = t.files.bootID()
	}
	if complete {
		t.hidden = t.files.hidesProcesses()
	}
	t.instances.expect()
	t.restoreSaved(l.now)
	due := t.cache.update(entries, complete, l.at)
	due = t.follow(l, due)
	t.examine(l, due)
	t.matchLater(l)
	if !t.primed {
		t.rejoin(l)
	}
	t.placePending()
	t.reapExited(l)
	t.attend(l)
	t.findPorts(l)
	t.separate(l)
	t.checkConfiguration()
	t.readContainers()
	t.primed = true
	return t.publish(l), nil
}

// publish builds the snapshot; nothing of it is shared with the Table.
func (t *Table) publish(l *pass) *Snapshot {
	live := make(map[*instanceState][]*trackedProcess)
	var blind denial
	for _, m := range t.members {
		m.instance.lastSeen = l.now
		live[m.instance] = append(live[m.instance], m)
		blind |= m.denied
	}
	t.instances.forget(l.now, t.forgetAfter)
	s := &Snapshot{Time: l.now, Waiting: t.waits(l), Changes: l.changes, Denied: blind.list(), Over: t.overLimit(), Blind: t.blindness(), Hints: t.currentHints()}
	all := t.instances.all()
	owners := owned(all)
	for _, i := range all {
		slices.SortFunc(live[i], func(a, b *trackedProcess) int { return cmp.Compare(a.PID, b.PID) })
		t.reopen(i, live[i])
		published := i.publish(live[i], &t.clock)
		published.ClaimRefused = published.ClaimRefused || i.usesOwners(owners)
		published.RunFolders = t.nameFolders(i, live[i])
		published.Unseen = len(live[i]) == 0 && t.unseen(i, s.Blind)
		s.Instances = append(s.Instances, published)
	}
	slices.SortFunc(s.Instances, func(a, b Instance) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(s.Changes, func(a, b LifecycleEvent) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.PID, b.PID)) })
	return s
}

// reopen finds another way to the jobs folder when the process is gone through which it was opened:
// the way would lead nowhere, or into the next process with that pid.
func (t *Table) reopen(i *instanceState, live []*trackedProcess) {
	if i.jobsVia == 0 && i.jobsPath != "" {
		return
	}
	for _, m := range live {
		if m.role.Child() {
			continue
		}
		if m.PID != i.jobsVia {
			i.open(t.files, m.PID)
		}
		return
	}
	i.jobsPath, i.jobsVia = "", 0
}

// Close ends the waiting for exits. The owner must not observe any more.
func (t *Table) Close() error {
	if t.closed {
		return nil
	}
	t.closed = true
	for _, m := range t.members {
		m.watch.stop()
	}
	for _, m := range t.exited {
		m.watch.stop()
	}
	t.watcher.wait()
	return nil
}
