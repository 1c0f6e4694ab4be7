package probe

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/histogram"
)

// HistogramSpec declares a histogram, as metadata.yaml declares the other metrics: mdatagen cannot
// build one.
type HistogramSpec struct {
	// Name, Unit and Description are those of the metric.
	Name, Unit, Description string
	// Attributes are those that its points may have. docs/generate reads all of it.
	Attributes []string
}

// CheckBounds refuses bounds of buckets that are not among those that are counted by.
func (h HistogramSpec) CheckBounds(chosen, allowed []float64) error {
	var errs error
	for _, bound := range chosen {
		if !slices.Contains(allowed, bound) {
			errs = errors.Join(errs, fmt.Errorf("%s: bounds has %v: choose among %v", h.Name, bound, allowed))
		}
	}
	for i := 1; i < len(chosen); i++ {
		if chosen[i] <= chosen[i-1] {
			return errors.Join(errs, fmt.Errorf("%s: bounds has %v after %v: give each once, from the lowest to the highest", h.Name, chosen[i], chosen[i-1]))
		}
	}
	return errs
}

// Append adds the metric with explicit buckets, without a point yet.
func (h HistogramSpec) Append(metrics pmetric.MetricSlice) pmetric.HistogramDataPointSlice {
	histogram := h.appendMetric(metrics).SetEmptyHistogram()
	histogram.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	return histogram.DataPoints()
}

// AppendExponential adds the metric with exponential buckets, without a point yet.
func (h HistogramSpec) AppendExponential(metrics pmetric.MetricSlice) pmetric.ExponentialHistogramDataPointSlice {
	histogram := h.appendMetric(metrics).SetEmptyExponentialHistogram()
	histogram.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	return histogram.DataPoints()
}

func (h HistogramSpec) appendMetric(metrics pmetric.MetricSlice) pmetric.Metric {
	metric := metrics.AppendEmpty()
	metric.SetName(h.Name)
	metric.SetUnit(h.Unit)
	metric.SetDescription(h.Description)
	return metric
}

// AppendPoint adds one point to a histogram.
func AppendPoint(points pmetric.HistogramDataPointSlice, h histogram.Snapshot, start, now time.Time) pmetric.HistogramDataPoint {
	point := points.AppendEmpty()
	point.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	point.SetTimestamp(pcommon.NewTimestampFromTime(now))
	point.ExplicitBounds().FromRaw(h.Bounds)
	point.BucketCounts().FromRaw(h.Counts)
	point.SetCount(h.Count)
	point.SetSum(h.Sum)
	return point
}

// AppendExponentialPoint adds one point to an exponential histogram.
func AppendExponentialPoint(points pmetric.ExponentialHistogramDataPointSlice, h *histogram.ExponentialSnapshot, start, now time.Time) pmetric.ExponentialHistogramDataPoint {
	point := points.AppendEmpty()
	point.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	point.SetTimestamp(pcommon.NewTimestampFromTime(now))
	point.SetScale(h.Scale)
	point.SetZeroCount(h.Zeros)
	point.Positive().SetOffset(h.Offset)
	point.Positive().BucketCounts().FromRaw(h.Counts)
	point.SetCount(h.Count)
	point.SetSum(h.Sum)
	if h.Count > 0 {
		point.SetMin(h.Min)
		point.SetMax(h.Max)
	}
	return point
}
