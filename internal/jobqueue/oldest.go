package jobqueue

import (
	"cmp"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// oldest remembers since when the oldest waiting job waits, because a long queue is not to be gone
// through in every pass.
type oldest struct {
	changed bool
	waiting reading.Value[time.Time]
}

// shortQueue may be gone through in every pass.
const shortQueue = 1000

func (o *oldest) find(f *jobsFolder, p *pass) reading.Value[time.Time] {
	if !o.changed || len(f.jobs) > shortQueue && !p.sweeping {
		return o.waiting
	}
	o.changed = false
	o.waiting = reading.Value[time.Time]{}
	for _, j := range f.jobs {
		if j.state == StateWaiting && (!o.waiting.Known || j.since.Before(o.waiting.V)) {
			o.waiting = reading.Known(j.since)
		}
	}
	return o.waiting
}

func compareRuns(a, b *RunID) int {
	return cmp.Or(cmp.Compare(a.Job, b.Job), a.Created.Compare(b.Created), cmp.Compare(a.Attempt, b.Attempt))
}
