package probe

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/histogram"
)

// AppendHistogram adds one point to a cumulative histogram metric.
func AppendHistogram(m pmetric.Metric, h histogram.Snapshot, start, now time.Time) pcommon.Map {
	point := m.Histogram().DataPoints().AppendEmpty()
	point.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	point.SetTimestamp(pcommon.NewTimestampFromTime(now))
	point.ExplicitBounds().FromRaw(h.Bounds)
	point.BucketCounts().FromRaw(h.Counts)
	point.SetCount(h.Count)
	point.SetSum(h.Sum)
	return point.Attributes()
}
