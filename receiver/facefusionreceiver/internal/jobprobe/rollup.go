package jobprobe

import (
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
)

// The attributes by which the metrics of runs and steps can be split.
const (
	outcome    = "facefusion.outcome"
	origin     = "facefusion.origin"
	media      = "facefusion.media"
	processors = "facefusion.processors"
	model      = "facefusion.model"
)

// labels are the values of these attributes; one by which a metric is not split is empty.
type labels struct {
	outcome, origin, media, processors, model string
}

func labelsOfRun(k *jobqueue.RunKey) labels {
	return labels{outcome: string(k.Outcome), origin: string(k.Origin), media: string(k.Media)}
}

func labelsOfStep(k *jobqueue.StepKey) labels {
	return labels{outcome: string(k.Outcome), media: string(k.Media), processors: k.Processors, model: k.Models}
}

func (l *labels) value(attribute string) *string {
	switch attribute {
	case outcome:
		return &l.outcome
	case origin:
		return &l.origin
	case media:
		return &l.media
	case processors:
		return &l.processors
	default:
		return &l.model
	}
}

// only keeps the values of the given attributes.
func (l labels) only(attributes []string) labels {
	var kept labels
	for _, name := range attributes {
		*kept.value(name) = *l.value(name)
	}
	return kept
}

func (l labels) put(to pcommon.Map, attributes []string) {
	for _, name := range attributes {
		to.PutStr(name, *l.value(name))
	}
}

// rollUp adds up what the attributes of a histogram do not distinguish, in the order in which it
// comes.
type rollUp struct {
	cfg    *HistogramConfig
	order  []labels
	points map[labels]jobqueue.Durations
}

func newRollUp(cfg *HistogramConfig) *rollUp {
	return &rollUp{cfg: cfg, points: map[labels]jobqueue.Durations{}}
}

func (r *rollUp) add(of labels, d *jobqueue.Durations) {
	key := of.only(r.cfg.Attributes)
	known, there := r.points[key]
	if !there {
		r.order = append(r.order, key)
		r.points[key] = *d
		return
	}
	known.Snapshot = known.Merge(d.Snapshot)
	if d.Exponential != nil && known.Exponential != nil {
		sum := known.Exponential.Merge(*d.Exponential)
		known.Exponential = &sum
	}
	known.Exemplars = slices.Concat(known.Exemplars, d.Exemplars)
	r.points[key] = known
}

// appendTo makes a point of each sum.
func (r *rollUp) appendTo(s *histogramSeries) {
	for _, key := range r.order {
		d := r.points[key]
		d.Snapshot = d.Coarser(r.cfg.Bounds)
		d.Exemplars = lastOfEach(d.Exemplars, d.Bounds)
		key.put(s.append(&d), r.cfg.Attributes)
	}
}

// lastOfEach keeps one exemplar of each bucket, in the order of the buckets.
func lastOfEach(exemplars []jobqueue.Exemplar, bounds []float64) []jobqueue.Exemplar {
	kept := make([]jobqueue.Exemplar, len(bounds)+1)
	for _, e := range exemplars {
		bucket, _ := slices.BinarySearch(bounds, e.Value)
		if !e.Time.Before(kept[bucket].Time) {
			kept[bucket] = e
		}
	}
	return slices.DeleteFunc(kept, func(e jobqueue.Exemplar) bool { return e.Time.IsZero() })
}
