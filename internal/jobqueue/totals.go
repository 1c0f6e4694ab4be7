package jobqueue

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/histogram"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// DurationBounds are the bounds of all histograms in seconds: an image takes one, a video takes
// hours.
var DurationBounds = []float64{0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200}

// RunKey is by what runs are counted.
type RunKey struct {
	Outcome Outcome
	Origin  jobfile.Origin
	Media   jobfile.Media
}

// RunTotals are the runs that ended with one key.
type RunTotals struct {
	RunKey
	// Count is all of them, also those whose times are not known.
	Count uint64
	// Duration and Wait are in seconds.
	Duration, Wait Durations
}

// StepKey is by what steps are counted.
type StepKey struct {
	Outcome            Outcome
	Media              jobfile.Media
	Processors, Models string
}

// StepTotals are the steps that ended with one key.
type StepTotals struct {
	StepKey
	Duration Durations
}

// Durations is a histogram with the last run that fell into each of its buckets.
type Durations struct {
	histogram.Snapshot
	// Exponential is the same in exponential buckets; nil unless Settings.Exponential.
	Exponential *histogram.ExponentialSnapshot
	// Exemplars are in the order of the buckets; a bucket without one is left out.
	Exemplars []Exemplar
}

// Exemplar is one observation.
type Exemplar struct {
	Value float64
	// Time is when what was measured ended.
	Time time.Time
	Run  RunID
	// Step is the index of the step; RootSpan for a run.
	Step int
	// Trace and Span are those of the run or step.
	Trace TraceID
	Span  SpanID
}

// totals count what ended. The folders of runs add to those of their instance, and each may have a
// pass under way.
type totals struct {
	exponential bool

	mu sync.Mutex // guards what follows
	// dirty says that they differ from what was saved.
	dirty bool

	orphans map[LossReason]uint64
	runs    map[RunKey]*runAggregate
	steps   map[StepKey]*durationHistogram
	models  modelNames
	// foreignKeys counts the steps' keys in which a model is not FaceFusion's own.
	foreignKeys int
	// What was published last; nil when something has been added since.
	publishedRuns  []RunTotals
	publishedSteps []StepTotals
}

type runAggregate struct {
	count          uint64
	duration, wait *durationHistogram
}

type durationHistogram struct {
	histogram   *histogram.Histogram
	exponential *histogram.Exponential // nil unless wanted
	exemplars   []Exemplar             // by bucket; without a Time, none
}

func newTotals(exponential bool) *totals {
	return &totals{exponential: exponential, orphans: make(map[LossReason]uint64), runs: make(map[RunKey]*runAggregate), steps: make(map[StepKey]*durationHistogram)}
}

func (t *totals) newDurations() *durationHistogram {
	d := &durationHistogram{histogram: histogram.New(DurationBounds), exemplars: make([]Exemplar, len(DurationBounds)+1)}
	if t.exponential {
		d.exponential = histogram.NewExponential()
	}
	return d
}

// addRun counts a run that ended. at is for exemplars of what ended at an unknown time.
func (t *totals) addRun(r *Run, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.publishedRuns, t.dirty = nil, true
	key := RunKey{r.Outcome, r.Origin, r.Media}
	k := t.runs[key]
	if k == nil {
		k = &runAggregate{duration: t.newDurations(), wait: t.newDurations()}
		t.runs[key] = k
	}
	k.count++
	if r.Outcome == OutcomeOrphaned {
		t.orphans[r.Reason]++
	}
	k.duration.observe(r.Duration(), Exemplar{Time: timeOr(r.Ended, at), Run: r.RunID, Step: RootSpan, Trace: r.Trace.ID})
	k.wait.observe(r.Wait(), Exemplar{Time: timeOr(r.Started, at), Run: r.RunID, Step: RootSpan, Trace: r.Trace.ID})
}

// addSteps counts the steps that ended since the last call: hours may pass before the run of a
// batch ends.
func (t *totals) addSteps(a *attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range a.run.Steps {
		s := &a.run.Steps[i]
		if a.counted[i] || s.Outcome == "" {
			continue
		}
		a.counted[i] = true
		if d := s.Duration(); d.Known {
			t.publishedSteps, t.dirty = nil, true
			t.step(s).observe(d, Exemplar{Time: s.Ended.V, Run: a.run.RunID, Step: i, Trace: a.run.Trace.ID})
		}
	}
}

func (t *totals) step(s *Step) *durationHistogram {
	key := StepKey{s.Outcome, s.Media, s.Processors, t.models.bounded(s.Models)}
	if t.steps[key] == nil && t.foreignKeys >= maxForeignKeys && isForeign(key.Models) {
		key.Models = withoutForeign(key.Models)
		t.models.over++
	}
	if t.steps[key] == nil && len(t.steps) >= maxStepKeys {
		key.Processors, key.Models = jobfile.Other, jobfile.Other
		t.models.over++
	}
	if t.steps[key] == nil {
		t.keep(key, t.newDurations())
	}
	return t.steps[key]
}

func (t *totals) keep(key StepKey, d *durationHistogram) {
	if t.steps[key] == nil && isForeign(key.Models) {
		t.foreignKeys++
	}
	t.steps[key] = d
}

func (d *durationHistogram) observe(v reading.Value[time.Duration], e Exemplar) {
	if !v.Known {
		return
	}
	e.Value = v.V.Seconds()
	d.histogram.Observe(e.Value)
	if d.exponential != nil {
		d.exponential.Observe(e.Value)
	}
	bucket, _ := slices.BinarySearch(DurationBounds, e.Value)
	// Runs end in another order than they began in, and Prometheus refuses an exemplar that is
	// older than the one before it.
	if !e.Time.Before(d.exemplars[bucket].Time) {
		e.Span = e.Run.Span(e.Step)
		d.exemplars[bucket] = e
	}
}

func (d *durationHistogram) publish() Durations {
	p := Durations{Snapshot: d.histogram.Snapshot()}
	if d.exponential != nil {
		exponential := d.exponential.Snapshot()
		p.Exponential = &exponential
	}
	for _, e := range d.exemplars {
		if !e.Time.IsZero() {
			p.Exemplars = append(p.Exemplars, e)
		}
	}
	return p
}

// changed says that they differ from what was saved.
func (t *totals) changed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dirty
}

func (t *totals) markSaved() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dirty = false
}

// modelsOver counts the steps whose model is reported as "other", because the number of names is
// bounded.
func (t *totals) modelsOver() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.models.over
}

// lost counts the runs that were, by reason.
func (t *totals) lost() map[LossReason]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.orphans)
}

func (t *totals) publish() ([]RunTotals, []StepTotals) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.publishedRuns == nil {
		t.publishedRuns = make([]RunTotals, 0, len(t.runs))
		for key, k := range t.runs {
			t.publishedRuns = append(t.publishedRuns, RunTotals{key, k.count, k.duration.publish(), k.wait.publish()})
		}
		slices.SortFunc(t.publishedRuns, func(a, b RunTotals) int {
			return cmp.Or(cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Media, b.Media))
		})
	}
	if t.publishedSteps == nil {
		t.publishedSteps = make([]StepTotals, 0, len(t.steps))
		for key, d := range t.steps {
			t.publishedSteps = append(t.publishedSteps, StepTotals{key, d.publish()})
		}
		slices.SortFunc(t.publishedSteps, func(a, b StepTotals) int {
			return cmp.Or(cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Media, b.Media), cmp.Compare(a.Processors, b.Processors), cmp.Compare(a.Models, b.Models))
		})
	}
	return t.publishedRuns, t.publishedSteps
}

func timeOr(v reading.Value[time.Time], or time.Time) time.Time {
	if v.Known {
		return v.V
	}
	return or
}
