package jobprobe

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
)

// recentFor is for how long a run that ended is published: its last lines may still be read.
const recentFor = 30 * time.Second

// recentRuns are the runs that ended lately, as the processor of the log knows them. They are owned
// by the goroutine that observes.
type recentRuns struct {
	runs []endedRun
}

type endedRun struct {
	noticed time.Time
	runs    []runlog.KnownRun
}

// publishRuns gives the processor of the log the runs that lines may belong to.
func (p *Probe) publishRuns(snapshot *jobqueue.Snapshot) {
	p.recent.add(snapshot)
	if !p.env.Log.Attached() {
		return
	}
	var runs []runlog.KnownRun
	for i := range snapshot.Queues {
		queue := &snapshot.Queues[i]
		for _, run := range queue.Open {
			runs = append(runs, runsOf(run, queue.Instances, time.Time{})...)
		}
	}
	for _, ended := range p.recent.runs {
		runs = append(runs, ended.runs...)
	}
	p.env.Log.PublishRuns(runs)
}

// add keeps the runs that ended with a snapshot, and forgets those that ended long ago.
func (r *recentRuns) add(snapshot *jobqueue.Snapshot) {
	r.runs = slices.DeleteFunc(r.runs, func(e endedRun) bool { return snapshot.Time.Sub(e.noticed) > recentFor })
	for i := range snapshot.Changes {
		c := &snapshot.Changes[i]
		if c.Ended && c.Run != nil {
			r.runs = append(r.runs, endedRun{snapshot.Time, runsOf(c.Run, sharing(snapshot, c.Instance), ending(c))})
		}
	}
}

// sharing are the instances that share the jobs folder of one.
func sharing(snapshot *jobqueue.Snapshot, instance string) []string {
	for i := range snapshot.Queues {
		if slices.Contains(snapshot.Queues[i].Instances, instance) {
			return snapshot.Queues[i].Instances
		}
	}
	return []string{instance}
}

// runsOf is a run as each instance has it that shares its jobs folder: nothing says which of them
// runs it, but each has a log of its own.
func runsOf(run *jobqueue.Run, instances []string, ended time.Time) []runlog.KnownRun {
	to := runlog.KnownRun{
		Job: run.Job, Attempt: run.Attempt, Trace: run.Trace.ID, Root: run.Span(jobqueue.RootSpan),
		Started: first(run.Started, run.Queued, reading.Known(run.Created)).V, Ended: ended,
	}
	for i := range run.Steps {
		step := &run.Steps[i]
		to.Steps = append(to.Steps, runlog.KnownStep{Started: step.Started.V, Ended: step.Ended.V, Span: run.Span(i)})
	}
	list := make([]runlog.KnownRun, len(instances))
	for i, instance := range instances {
		list[i] = to
		list[i].Instance = instance
	}
	return list
}
