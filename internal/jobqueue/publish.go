package jobqueue

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// publish builds the folder's part of a snapshot; nothing of it is shared with the folder.
func (f *jobsFolder) publish(p *pass) Queue {
	q := Queue{
		Instances: slices.Clone(f.instances),
		Access:    f.access,
		Scanning:  !f.scanned && f.access == AccessOpen,
		Hinted:    true,
		Jobs:      f.counts,
		Start:     f.start,
		Restored:  f.restored,
	}
	for i := range f.dirs {
		d := &f.dirs[i]
		q.Hinted = q.Hinted && d.Watched != ""
		q.Irregular += d.irregular.count()
		if d.Terminal() && d.Stat.Ino != 0 {
			q.Jobs[index(d.state())] += d.finished.count
		}
	}
	for j := range f.suspects {
		if j.settling() {
			q.AwaitsCalls = true
			q.Open = append(q.Open, j.attempt.publish())
			continue
		}
		if !j.open() || j.attempt == nil {
			continue
		}
		q.AwaitsCalls = q.AwaitsCalls || f.fellSilent(p, j)
		if j.state == StateRunning && j.attempt.current() >= 0 {
			q.ActiveTasks++
		}
		if j.attempt.run.Contended {
			q.Contended++
		}
		since := timeOr(j.attempt.run.Started, j.since)
		if f.shared() {
			since = j.attempt.claim.seen // the dates in the file are of another clock
		}
		if !q.OldestRunning.Known || since.Before(q.OldestRunning.V) {
			q.OldestRunning = reading.Known(since)
		}
		q.Open = append(q.Open, j.attempt.publish())
	}
	slices.SortFunc(q.Open, func(a, b *Run) int { return compareRuns(&a.RunID, &b.RunID) })
	q.OldestWaiting = f.oldest.find(f, p)
	q.Runs, q.Steps = f.totals.publish()
	for _, s := range f.served {
		q.StopsKnown = q.StopsKnown || s.instant.Known || s.queue.Known
	}
	q.DeclinesKnown = f.declinesKnown
	f.publishOversized(&q)
	q.ModelsOver = f.totals.modelsOver()
	q.Orphans = f.totals.lost()
	if f.absent(p.now) {
		hide(&q)
	}
	return q
}

// hide takes out of what is published what a folder holds now: one that is gone is remembered, and
// not shown. Totals stay, and so do the runs under way, which may go on elsewhere.
func hide(q *Queue) {
	if q.Access == AccessOpen {
		q.Access, q.Scanning = AccessAbsent, false
	}
	q.Jobs, q.ActiveTasks, q.Contended = [len(States)]int{}, 0, 0
	q.OldestWaiting, q.OldestRunning = reading.Value[time.Time]{}, reading.Value[time.Time]{}
}
