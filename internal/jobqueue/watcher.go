package jobqueue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Settings say how a Watcher looks. Zero values mean the defaults.
type Settings struct {
	// Hint is called, from any goroutine, when a look would find something: files changed, or the last look left work. It must not block. May be nil, and
	// then nothing is noticed between looks.
	Hint func()
	// StallAfter is for how long a running job may show no progress before it is stalled; 5 minutes by default.
	StallAfter time.Duration
	// KeepPaths puts the target and the output of steps into their runs.
	KeepPaths bool
	// Exponential keeps exponential histograms of all durations beside those with explicit buckets.
	Exponential bool
	// Recall fetches what Unsaved returned to an earlier process; nil where nothing is kept.
	Recall Recall
}

const (
	defaultStallAfter = 5 * time.Minute
	// lookBudget is for how long one look works, all folders together. What is left is continued in the next.
	lookBudget = 25 * time.Millisecond
	// leastBudget is what each folder gets of it at least.
	leastBudget = 2 * time.Millisecond
)

// Watcher remembers jobs folders from look to look. One goroutine at a time uses it.
type Watcher struct {
	settings Settings
	hinter   *hinter
	reader   reader
	folders  []*folder
	shelf    shelf
	recalled map[string]*remembered // by instance, until there is a folder
	closed   bool
}

// errClosed is returned by Observe after Close.
var errClosed = errors.New("the job watcher is closed")

// NewWatcher makes a Watcher that knows no folder yet; it reads nothing.
func NewWatcher(settings Settings) *Watcher {
	if settings.StallAfter <= 0 {
		settings.StallAfter = defaultStallAfter
	}
	if settings.Hint == nil {
		settings.Hint = func() {}
	}
	return &Watcher{settings: settings, hinter: newHinter(settings.Hint), recalled: make(map[string]*remembered)}
}

// Close ends the waiting for hints, and returns when nothing runs any more. It may be called twice.
func (w *Watcher) Close() {
	if w.closed {
		return
	}
	w.closed = true
	for _, f := range w.folders {
		f.close()
	}
	w.hinter.close()
}

// Observe takes one look at all folders. A folder that is not among them any more is forgotten. The evidence must have been gathered before the call.
//
// What is wrong with a folder or a job is a state of the snapshot: the only errors are that of the context, those of Settings.Recall, and a closed Watcher. After
// an error nothing has changed.
func (w *Watcher) Observe(ctx context.Context, folders []Folder, evidence Evidence) (*Snapshot, error) {
	return w.observe(ctx, folders, evidence, time.Now())
}

func (w *Watcher) observe(ctx context.Context, folders []Folder, evidence Evidence, now time.Time) (*Snapshot, error) {
	if w.closed {
		return nil, errClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("observe jobs: %w", err)
	}
	if err := w.recall(ctx, folders, now); err != nil {
		return nil, err
	}
	w.bind(folders, now)
	clear(w.recalled)
	l := look{now: now, evidence: evidence, watching: make(map[string]bool)}
	for _, f := range w.folders {
		f.reach(&l)
	}
	l.hints = w.hinter.take()
	for _, path := range w.hinter.watching() {
		l.watching[path] = true
	}
	s := &Snapshot{Time: now}
	begin, unfinished := time.Now(), false
	for i, f := range w.folders {
		share := lookBudget * time.Duration(i+1) / time.Duration(len(w.folders))
		l.deadline = later(begin.Add(share), time.Now().Add(leastBudget))
		l.swept = false
		f.look(&l)
		s.Queues = append(s.Queues, f.publish(&l))
		unfinished = unfinished || f.unfinished()
	}
	s.Changes = l.changes
	slices.SortStableFunc(s.Changes, func(a, b Change) int { return cmp.Compare(a.Job, b.Job) })
	slices.SortFunc(s.Queues, func(a, b Queue) int { return cmp.Compare(a.Instances[0], b.Instances[0]) })
	if unfinished {
		w.settings.Hint()
	}
	return s, nil
}
