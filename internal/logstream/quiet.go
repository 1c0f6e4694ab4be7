package logstream

import (
	"strings"
	"time"
)

// QuietStep is a step that began, and of which FaceFusion has said nothing since. Of an image that
// the content filter refuses there is no more: it has no bar, and each other way to fail has a
// line.
type QuietStep struct {
	Begun time.Time
	// Ended is when the next step or job began; zero for neither.
	Ended time.Time
}

const (
	// quietFor is for how long a quiet step is kept: by then it is known how its run ended.
	quietFor = 2 * time.Minute
	// maxQuiet is how many are kept: steps follow each other as fast as somebody writes lines.
	maxQuiet = 100
)

// quietSteps are those of a stream, in their order. Only the last one may still be at hand.
type quietSteps struct {
	list []QuietStep
	open bool
}

// hear takes a record. What is said at level debug, and by others than FaceFusion, leaves a step
// quiet: models are loaded before the filter looks at the target.
func (q *quietSteps) hear(r *Record) {
	switch {
	case r.Event == EventStepStarted:
		q.end(r.Time)
		for len(q.list) >= maxQuiet || len(q.list) > 0 && r.Time.Sub(q.list[0].Begun) > quietFor {
			q.list = q.list[1:]
		}
		q.list, q.open = append(q.list, QuietStep{Begun: r.Time}), true
	case !q.open || r.Severity == SeverityDebug:
	case r.Event == EventJobStarted || r.Event == EventJobRetried || r.Event == EventJobFailed || r.Event == "jobs_failed":
		q.end(r.Time)
	case strings.HasPrefix(r.Module, "FACEFUSION"), r.Phase != nil, r.Cause != "" && r.Cause != CauseProvider, r.Event == EventException:
		q.list, q.open = q.list[:len(q.list)-1], false
	}
}

func (q *quietSteps) end(at time.Time) {
	if q.open {
		q.list[len(q.list)-1].Ended, q.open = at, false
	}
}

// Quiet are the steps of the last minutes of which nothing was said but that they began.
func (s *Stream) Quiet() []QuietStep { return append([]QuietStep(nil), s.quiet.list...) }
