package jobprobe

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// histogramSeries are the points of one histogram, in explicit or in exponential buckets.
type histogramSeries struct {
	explicit    pmetric.HistogramDataPointSlice
	exponential pmetric.ExponentialHistogramDataPointSlice
	start, now  time.Time
	wanted      bool // exponential
}

func newSeries(h probe.HistogramSpec, cfg *HistogramConfig, metrics pmetric.MetricSlice, start, now time.Time) *histogramSeries {
	s := &histogramSeries{start: start, now: now, wanted: cfg.Exponential}
	if s.wanted {
		s.exponential = h.AppendExponential(metrics)
	} else {
		s.explicit = h.Append(metrics)
	}
	return s
}

// append adds a point with its exemplars, and returns where its attributes belong.
func (s *histogramSeries) append(d *jobqueue.Durations) pcommon.Map {
	if s.wanted {
		point := probe.AppendExponentialPoint(s.exponential, d.Exponential, s.start, s.now)
		appendExemplars(point.Exemplars(), d.Exemplars)
		return point.Attributes()
	}
	point := probe.AppendPoint(s.explicit, d.Snapshot, s.start, s.now)
	appendExemplars(point.Exemplars(), d.Exemplars)
	return point.Attributes()
}

// appendExemplars has each name the trace and the span of what was measured.
func appendExemplars(to pmetric.ExemplarSlice, exemplars []jobqueue.Exemplar) {
	for i := range exemplars {
		e := &exemplars[i]
		exemplar := to.AppendEmpty()
		exemplar.SetTimestamp(pcommon.NewTimestampFromTime(e.Time))
		exemplar.SetDoubleValue(e.Value)
		exemplar.SetTraceID(pcommon.TraceID(e.Trace))
		exemplar.SetSpanID(pcommon.SpanID(e.Span))
	}
}
