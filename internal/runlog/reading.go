package runlog

import (
	"slices"
	"strings"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
)

// Log is what the lines of an instance say in all.
type Log struct {
	Instance string
	// Since is when its first line was read, Updated its last.
	Since, Updated time.Time
	Totals         logstream.Totals
	// Open are the bars that are open in all its streams, the one that moved last at the end.
	Open []logstream.PhaseRun
}

// Logs of all instances, sorted.
func (e *Exchange) Logs() []Log {
	e.mu.Lock()
	defer e.mu.Unlock()
	logs := make([]Log, 0, len(e.logs))
	for instance, l := range e.logs {
		o := Log{Instance: instance, Since: l.since, Updated: l.since, Totals: l.ended}
		for _, s := range e.streams {
			if s.Instance != instance {
				continue
			}
			o.Totals.Add(&s.Totals)
			o.Open = append(o.Open, s.Open...)
			if s.Updated.After(o.Updated) {
				o.Updated = s.Updated
			}
		}
		slices.SortStableFunc(o.Open, func(a, b logstream.PhaseRun) int { return a.Updated.Compare(b.Updated) })
		logs = append(logs, o)
	}
	slices.SortFunc(logs, func(a, b Log) int { return strings.Compare(a.Instance, b.Instance) })
	return logs
}

// Report notes that the totals of an instance are reported now, and says whether that is the first
// time. Like them, that outlives a receiver whose configuration is read anew.
func (e *Exchange) Report(instance string) (first bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.logs[instance]
	if l == nil {
		return false
	}
	first, l.reported = !l.reported, true
	return first
}

// Heard says that the instance has a stream: only then can its lines be waited for.
func (e *Exchange) Heard(instance string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.streams {
		if s.Instance == instance {
			return true
		}
	}
	return false
}

// Findings of an instance since a time.
func (e *Exchange) Findings(instance string, since time.Time) []Finding {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.logs[instance]
	if l == nil {
		return nil
	}
	var list []Finding
	for _, f := range l.findings {
		if !f.Time.Before(since) {
			list = append(list, f)
		}
	}
	return list
}

// Quiet are the steps of an instance of which nothing was said but that they began.
func (e *Exchange) Quiet(instance string) (list []logstream.QuietStep) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.streams {
		if s.Instance == instance {
			list = append(list, s.Quiet...)
		}
	}
	return list
}

// Account is what the lines say about one run.
type Account struct {
	// Phases in the order in which they ended; one that was under way when the run ended is among
	// them, and has not ended.
	Phases []EndedPhase
	// Causes in the order in which they were reported, the same one once for each step.
	Causes []Finding
}

// Cause that explains the most; nil without one. A fallback to another provider explains no end.
func (a *Account) Cause() *Finding {
	var best *Finding
	for i := range a.Causes {
		f := &a.Causes[i]
		if f.Cause == logstream.CauseProvider {
			continue
		}
		if best == nil || f.Cause.Outranks(best.Cause) {
			best = f
		}
	}
	return best
}

// Account of a run: lines that were joined with its job, and those that were joined with none and
// were written meanwhile. A line about the end may be read some seconds later.
func (e *Exchange) Account(instance, job string, from, to time.Time) Account {
	e.mu.Lock()
	defer e.mu.Unlock()
	var a Account
	l := e.logs[instance]
	if l == nil {
		return a
	}
	within := func(of string, at time.Time) bool {
		return (of == "" || of == job) && !at.Before(from.Add(-early)) && !at.After(to.Add(late))
	}
	for _, p := range l.phases {
		if within(p.Job, p.Updated) {
			a.Phases = append(a.Phases, p)
		}
	}
	for _, s := range e.streams {
		for _, p := range s.Open {
			if s.Instance == instance && within("", p.Updated) {
				a.Phases = append(a.Phases, EndedPhase{PhaseRun: p})
			}
		}
	}
	for _, f := range l.findings {
		if within(f.Job, f.Time) && !slices.ContainsFunc(a.Causes, func(o Finding) bool { return o.Cause == f.Cause && o.Step == f.Step }) {
			a.Causes = append(a.Causes, f)
		}
	}
	return a
}
