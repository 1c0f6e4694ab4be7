package staleness

import (
	"hash/maphash"
	"iter"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// series is one point of a scrape with all that identifies its series.
type series struct {
	resource   pmetric.ResourceMetrics
	scope      pmetric.ScopeMetrics
	metric     pmetric.Metric
	attributes pcommon.Map
}

var noRecordedValue = pmetric.DefaultDataPointFlags.WithNoRecordedValue(true)

// all yields the series of a scrape. The receiver sends gauges, sums and histograms.
func all(metrics pmetric.Metrics) iter.Seq[series] {
	return func(yield func(series) bool) {
		for _, rm := range metrics.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					if !attributesOf(m, func(a pcommon.Map) bool { return yield(series{rm, sm, m, a}) }) {
						return
					}
				}
			}
		}
	}
}

func attributesOf(m pmetric.Metric, yield func(pcommon.Map) bool) bool {
	switch m.Type() {
	case pmetric.MetricTypeHistogram:
		for _, dp := range m.Histogram().DataPoints().All() {
			if !yield(dp.Attributes()) {
				return false
			}
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, dp := range m.ExponentialHistogram().DataPoints().All() {
			if !yield(dp.Attributes()) {
				return false
			}
		}
	default:
		for _, dp := range numbers(m).All() {
			if !yield(dp.Attributes()) {
				return false
			}
		}
	}
	return true
}

func numbers(m pmetric.Metric) pmetric.NumberDataPointSlice {
	if m.Type() == pmetric.MetricTypeSum {
		return m.Sum().DataPoints()
	}
	return m.Gauge().DataPoints()
}

// hash identifies the series. Attributes always come in the same order: generated code puts them.
func (s series) hash(seed maphash.Seed) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	hashMap(&h, s.resource.Resource().Attributes())
	h.WriteString(s.metric.Name())
	hashMap(&h, s.attributes)
	return h.Sum64()
}

func hashMap(h *maphash.Hash, attributes pcommon.Map) {
	for key, value := range attributes.All() {
		h.WriteString(key)
		h.WriteByte(0)
		if value.Type() == pcommon.ValueTypeInt {
			maphash.WriteComparable(h, value.Int())
		} else {
			h.WriteString(value.AsString())
		}
		h.WriteByte(0)
	}
}

// ended returns the series alone, with a point that says that it has ended.
func (s series) ended() pmetric.ResourceMetrics {
	rm := pmetric.NewResourceMetrics()
	s.resource.Resource().CopyTo(rm.Resource())
	rm.SetSchemaUrl(s.resource.SchemaUrl())
	sm := rm.ScopeMetrics().AppendEmpty()
	s.scope.Scope().CopyTo(sm.Scope())
	sm.SetSchemaUrl(s.scope.SchemaUrl())
	m := sm.Metrics().AppendEmpty()
	m.SetName(s.metric.Name())
	m.SetDescription(s.metric.Description())
	m.SetUnit(s.metric.Unit())
	switch s.metric.Type() {
	case pmetric.MetricTypeHistogram:
		m.SetEmptyHistogram().SetAggregationTemporality(s.metric.Histogram().AggregationTemporality())
		dp := m.Histogram().DataPoints().AppendEmpty()
		dp.SetFlags(noRecordedValue)
		s.attributes.CopyTo(dp.Attributes())
		return rm
	case pmetric.MetricTypeExponentialHistogram:
		m.SetEmptyExponentialHistogram().SetAggregationTemporality(s.metric.ExponentialHistogram().AggregationTemporality())
		dp := m.ExponentialHistogram().DataPoints().AppendEmpty()
		dp.SetFlags(noRecordedValue)
		s.attributes.CopyTo(dp.Attributes())
		return rm
	case pmetric.MetricTypeSum:
		sum := m.SetEmptySum()
		sum.SetIsMonotonic(s.metric.Sum().IsMonotonic())
		sum.SetAggregationTemporality(s.metric.Sum().AggregationTemporality())
	default:
		m.SetEmptyGauge()
	}
	dp := numbers(m).AppendEmpty()
	dp.SetFlags(noRecordedValue)
	s.attributes.CopyTo(dp.Attributes())
	return rm
}

// setTimestamp gives an ended series the time of its end.
func setTimestamp(ended pmetric.ResourceMetrics, now pcommon.Timestamp) {
	m := ended.ScopeMetrics().At(0).Metrics().At(0)
	switch m.Type() {
	case pmetric.MetricTypeHistogram:
		m.Histogram().DataPoints().At(0).SetTimestamp(now)
	case pmetric.MetricTypeExponentialHistogram:
		m.ExponentialHistogram().DataPoints().At(0).SetTimestamp(now)
	default:
		numbers(m).At(0).SetTimestamp(now)
	}
}
