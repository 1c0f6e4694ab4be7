package jobqueue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// Settings say how a Watcher looks. Zero values mean the defaults.
type Settings struct {
	// OnHint is called, from any goroutine, when a pass would find something: files changed, or the
	// last pass left work. It must not block. May be nil, and then nothing is noticed between
	// passes.
	OnHint func()
	// StallAfter is for how long a running job may show no progress before it is stalled; 5 minutes
	// by default.
	StallAfter time.Duration
	// KeepPaths puts the target and the output of steps into their runs.
	KeepPaths bool
	// Exponential keeps exponential histograms of all durations beside those with explicit buckets.
	Exponential bool
	// Gate runs what may hang; a new one by default.
	Gate *hostfs.Gate
	// Load fetches what Export returned to an earlier process; nil where nothing is kept.
	Load Load
}

const (
	defaultStallAfter = 5 * time.Minute
	// passBudget is for how long one pass works, all folders together. What is left is continued in
	// the next.
	passBudget = 25 * time.Millisecond
	// leastBudget is what each folder gets of it at least.
	leastBudget = 2 * time.Millisecond
)

// Watcher remembers jobs folders from pass to pass. One goroutine at a time uses it.
type Watcher struct {
	settings  Settings
	gate      *hostfs.Gate
	newHinter func() *jobsdir.Hinter
	folders   []*jobsFolder
	room      *room
	retention retention
	loaded    map[string]*savedState // by instance, until there is a folder
	// permits are the folders that instances were found to may have.
	permits map[string]jobsdir.Claim
	closed  bool
}

// errClosed is returned by Observe after Close.
var errClosed = errors.New("the job watcher is closed")

// NewWatcher makes a Watcher that knows no folder yet; it reads nothing.
func NewWatcher(settings Settings) *Watcher {
	if settings.StallAfter <= 0 {
		settings.StallAfter = defaultStallAfter
	}
	if settings.OnHint == nil {
		settings.OnHint = func() {}
	}
	if settings.Gate == nil {
		settings.Gate = hostfs.NewGate(hostfs.Settings{})
	}
	return &Watcher{
		settings: settings, gate: settings.Gate, room: &room{}, loaded: make(map[string]*savedState), permits: make(map[string]jobsdir.Claim),
		newHinter: func() *jobsdir.Hinter { return jobsdir.NewHinter(settings.OnHint) },
	}
}

// Close ends the waiting for hints, and returns when nothing runs any more but passes that wait for
// a share. It may be called twice.
func (w *Watcher) Close() {
	if w.closed {
		return
	}
	w.closed = true
	for _, f := range w.folders {
		release(f)
	}
}

// Observe takes one pass at all folders. A folder that is not among them any more is forgotten. The
// evidence must have been gathered before the call.
//
// What is wrong with a folder or a job is a state of the snapshot: the only errors are that of the
// context, those of Settings.Load, and a closed Watcher. After an error nothing has changed.
func (w *Watcher) Observe(ctx context.Context, folders []Folder, evidence Evidence) (*Snapshot, error) {
	return w.observeAt(ctx, folders, evidence, time.Now())
}

func (w *Watcher) observeAt(ctx context.Context, folders []Folder, evidence Evidence, now time.Time) (*Snapshot, error) {
	if w.closed {
		return nil, errClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("observe jobs: %w", err)
	}
	if err := w.load(ctx, folders, now); err != nil {
		return nil, err
	}
	folders = w.appendSessions(folders, now)
	w.bind(folders, now)
	clear(w.loaded)
	s := &Snapshot{Time: now}
	begin, unfinished := time.Now(), false
	for i, f := range w.folders {
		share := passBudget * time.Duration(i+1) / time.Duration(len(w.folders))
		p := pass{now: now, evidence: evidence, deadline: later(begin.Add(share), time.Now().Add(leastBudget))}
		left := w.observeFolder(f, p, s)
		unfinished = unfinished || left
	}
	s.joinRuns(folders)
	slices.SortStableFunc(s.Changes, func(a, b Change) int { return cmp.Compare(a.Job, b.Job) })
	slices.SortFunc(s.Queues, func(a, b Queue) int { return cmp.Compare(a.Instances[0], b.Instances[0]) })
	if unfinished {
		w.settings.OnHint()
	}
	return s, nil
}
