package jobqueue

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// The folders of runs: a service may start each run with a jobs folder of its own. Such a folder is
// looked at while the run lives. What is open in it is shown with the instance's own folder, and
// what ended in it stays in the instance's totals.

// shareTotals lets each folder of runs count where its instance does.
func (w *Watcher) shareTotals() {
	own := make(map[string]*jobsFolder)
	for _, f := range w.folders {
		if f.of == "" {
			for _, id := range f.instances {
				own[id] = f
			}
		}
	}
	for _, f := range w.folders {
		if o := own[f.of]; f.of != "" && o != nil && f.flight == nil {
			f.totals = o.totals
		}
	}
}

// joinRuns adds what was seen of the folders of runs to their instances.
func (s *Snapshot) joinRuns(folders []Folder) {
	of := make(map[string]string)
	for i := range folders {
		if folders[i].Of != "" {
			of[folders[i].Instance] = folders[i].Of
		}
	}
	if len(of) == 0 {
		return
	}
	for i := range s.Changes {
		if instance, ok := of[s.Changes[i].Instance]; ok {
			s.Changes[i].Instance = instance
		}
	}
	var own, runs []Queue
	for _, q := range s.Queues {
		instance := of[q.Instances[0]]
		q.Instances = slices.DeleteFunc(slices.Clone(q.Instances), func(id string) bool { return of[id] != "" })
		if len(q.Instances) > 0 {
			own = append(own, q)
			continue
		}
		q.Instances = []string{instance}
		runs = append(runs, q)
	}
	for i := range runs {
		n := slices.IndexFunc(own, func(q Queue) bool { return slices.Contains(q.Instances, runs[i].Instances[0]) })
		if n >= 0 {
			own[n].join(&runs[i])
		}
	}
	s.Queues = own
}

// join adds what is open in a folder of runs. Its totals are the same already.
func (q *Queue) join(run *Queue) {
	if run.Access != AccessOpen {
		return
	}
	if q.Access == AccessAbsent || q.Access == AccessUnreachable {
		q.Access, q.Scanning = AccessOpen, false
	}
	q.Hinted = q.Hinted && run.Hinted
	for i, n := range run.Jobs {
		q.Jobs[i] += n
	}
	q.ActiveTasks += run.ActiveTasks
	q.Contended += run.Contended
	q.Irregular += run.Irregular
	if q.Oversized == 0 {
		q.OversizedJob, q.OversizedReason = run.OversizedJob, run.OversizedReason
	}
	q.Oversized += run.Oversized
	q.OldestWaiting, q.OldestRunning = older(q.OldestWaiting, run.OldestWaiting), older(q.OldestRunning, run.OldestRunning)
	q.AwaitsCalls = q.AwaitsCalls || run.AwaitsCalls
	q.DeclinesKnown = q.DeclinesKnown || run.DeclinesKnown
	q.Open = append(slices.Clone(q.Open), run.Open...)
	slices.SortFunc(q.Open, func(a, b *Run) int { return compareRuns(&a.RunID, &b.RunID) })
}

func older(a, b reading.Value[time.Time]) reading.Value[time.Time] {
	if !a.Known || b.Known && b.V.Before(a.V) {
		return b
	}
	return a
}
