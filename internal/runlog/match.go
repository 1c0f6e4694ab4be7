package runlog

import (
	"slices"
	"time"
)

// Writer is what is known of who writes a stream.
type Writer struct {
	// Instance as the configuration says; empty for none.
	Instance       string
	PID            int
	Container, Pod string
	// Files are the names of the file, where it is one.
	Files []string
}

// Resolve says which instance wrote the lines of a source; nil while that is not known. What the
// source names goes before the file that it is in. Where nothing is named it was the only instance
// that there is; what names another process, container or pod is never taken for it.
func (k *Known) Resolve(s Writer) *KnownInstance {
	if k == nil {
		return nil
	}
	if s.Instance != "" {
		return k.instance(s.Instance)
	}
	var greatest FileClaim
	for i := range k.Instances {
		greatest = max(greatest, k.Instances[i].claim(s.Files))
	}
	for _, is := range []func(*KnownInstance) bool{
		func(o *KnownInstance) bool { return s.PID != 0 && slices.Contains(o.PIDs, s.PID) },
		func(o *KnownInstance) bool { return s.Container != "" && slices.Contains(o.Containers, s.Container) },
		func(o *KnownInstance) bool { return s.Pod != "" && slices.Contains(o.Pods, s.Pod) },
		func(o *KnownInstance) bool { return greatest != 0 && o.claim(s.Files) == greatest },
	} {
		if o := k.only(is); o != nil {
			return o
		}
	}
	if len(k.Instances) == 1 && s.mayBe(&k.Instances[0]) {
		return &k.Instances[0]
	}
	return nil
}

// mayBe says that nothing that the source names speaks against an instance. Any program may run in
// a container, and its output is in a file of its own. A process without one is that of a unit that
// the operator chose: of an instance whose processes are not known it may be the last one, or one
// that ended before it was found.
func (s *Writer) mayBe(o *KnownInstance) bool {
	return s.Container == "" && s.Pod == "" && (s.PID == 0 || len(o.PIDs) == 0)
}

// only finds the one instance of which something holds; nil where it does of none or several.
func (k *Known) only(is func(*KnownInstance) bool) *KnownInstance {
	var found *KnownInstance
	for i := range k.Instances {
		o := &k.Instances[i]
		if !is(o) {
			continue
		}
		if found != nil {
			return nil
		}
		found = o
	}
	return found
}

const (
	// early is how long before its run a line may seem to have been written: FaceFusion says that
	// it runs a job before it starts it, and the receiver may date the start by the job's file, in
	// whole seconds.
	early = 3 * time.Second
	// late is how long after its run a line may be read: FaceFusion ends a job with a line after
	// the file has moved, and a reader takes its time.
	late = 5 * time.Second
	// lag is how long after the start of a run its first line may be read.
	lag = 3 * time.Second
)

// Line is what a record says about its run.
type Line struct {
	Instance string
	At       time.Time
	// Job is the id that the line names; Step is the step that runs, from 1. Empty and 0 for
	// unknown.
	Job  string
	Step int
	// Begins says that the line is the first of a run.
	Begins bool
	// Since is when the run of the line began, zero for unknown.
	Since time.Time
}

// Match finds the run of a line, nil where none or more than one could be it. before is the run of
// the lines before, which this one belongs to as well as long as nothing speaks against it. taken
// says that the lines of a run come from elsewhere; nil for nobody's.
func (k *Known) Match(l Line, before *KnownRun, taken func(*KnownRun) bool) *KnownRun {
	switch {
	case k == nil:
		return nil
	case l.Begins:
		return k.first(l, taken)
	}
	var best *KnownRun
	count := 0
	distance := time.Duration(1<<63 - 1)
	for i := range k.Runs {
		r := &k.Runs[i]
		d := r.distance(l)
		switch {
		case d < 0:
		case before != nil && r.same(before):
			return r
		case !l.Since.IsZero() && r.Started.Before(l.Since.Add(-lag)), taken != nil && taken(r):
		case d < distance:
			best, distance, count = r, d, 1
		case d == distance:
			count++
		}
	}
	if count != 1 {
		return nil
	}
	return best
}

// first finds the run that begins with a line: of those that began then and whose lines do not come
// from elsewhere the first, because one that is over in no time is read together with the one after
// it.
func (k *Known) first(l Line, taken func(*KnownRun) bool) *KnownRun {
	var best *KnownRun
	for i := range k.Runs {
		r := &k.Runs[i]
		age := l.At.Sub(r.Started)
		switch {
		case !r.may(l), r.Started.IsZero(), age < -early, age > lag, taken != nil && taken(r):
		case best == nil, r.Started.Before(best.Started):
			best = r
		}
	}
	return best
}

// may says that nothing that the line names speaks against the run.
func (r *KnownRun) may(l Line) bool {
	return r.Instance == l.Instance && (l.Job == "" || r.Job == l.Job) && l.Step <= len(r.Steps)
}

// distance is how far a line is outside of the run, 0 within it, negative for too far. A run whose
// step is another one is further.
func (r *KnownRun) distance(l Line) time.Duration {
	if !r.may(l) {
		return -1
	}
	var d time.Duration
	switch {
	case l.At.Before(r.Started):
		d = r.Started.Sub(l.At)
		if d > early {
			return -1
		}
	case !r.Ended.IsZero() && l.At.After(r.Ended):
		d = l.At.Sub(r.Ended)
		if d > late {
			return -1
		}
	}
	if l.Step > 0 && !r.at(l.Step, l.At) {
		d += late
	}
	return d
}

// at says that the step, from 1, may have run then.
func (r *KnownRun) at(step int, at time.Time) bool {
	s := &r.Steps[step-1]
	return !s.Started.IsZero() && !at.Before(s.Started.Add(-early)) && (s.Ended.IsZero() || !at.After(s.Ended.Add(late)))
}

// Span is the span of a line within the run.
func (r *KnownRun) Span(l Line) [8]byte { return r.spanOf(l.Step) }
