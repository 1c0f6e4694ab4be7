package facefusionreceiver

import (
	"hash/maphash"
	"iter"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// point is one point of a scrape with all that makes it a series of its own.
type point struct {
	resource   pmetric.ResourceMetrics
	scope      pmetric.ScopeMetrics
	metric     pmetric.Metric
	attributes pcommon.Map
}

var noRecordedValue = pmetric.DefaultDataPointFlags.WithNoRecordedValue(true)

// points goes through all points of a scrape. The receiver sends gauges, sums and histograms.
func points(metrics pmetric.Metrics) iter.Seq[point] {
	return func(yield func(point) bool) {
		for _, rm := range metrics.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					if !attributesOf(m, func(a pcommon.Map) bool { return yield(point{rm, sm, m, a}) }) {
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

// hash identifies the series. Attributes always come in the same order: they are put by generated code.
func (p point) hash(seed maphash.Seed) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	hashMap(&h, p.resource.Resource().Attributes())
	h.WriteString(p.metric.Name())
	hashMap(&h, p.attributes)
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

// ended is the same series, alone, with a point that says that it has ended.
func (p point) ended() pmetric.ResourceMetrics {
	rm := pmetric.NewResourceMetrics()
	p.resource.Resource().CopyTo(rm.Resource())
	rm.SetSchemaUrl(p.resource.SchemaUrl())
	sm := rm.ScopeMetrics().AppendEmpty()
	p.scope.Scope().CopyTo(sm.Scope())
	sm.SetSchemaUrl(p.scope.SchemaUrl())
	m := sm.Metrics().AppendEmpty()
	m.SetName(p.metric.Name())
	m.SetDescription(p.metric.Description())
	m.SetUnit(p.metric.Unit())
	switch p.metric.Type() {
	case pmetric.MetricTypeHistogram:
		m.SetEmptyHistogram().SetAggregationTemporality(p.metric.Histogram().AggregationTemporality())
		dp := m.Histogram().DataPoints().AppendEmpty()
		dp.SetFlags(noRecordedValue)
		p.attributes.CopyTo(dp.Attributes())
		return rm
	case pmetric.MetricTypeExponentialHistogram:
		m.SetEmptyExponentialHistogram().SetAggregationTemporality(p.metric.ExponentialHistogram().AggregationTemporality())
		dp := m.ExponentialHistogram().DataPoints().AppendEmpty()
		dp.SetFlags(noRecordedValue)
		p.attributes.CopyTo(dp.Attributes())
		return rm
	case pmetric.MetricTypeSum:
		sum := m.SetEmptySum()
		sum.SetIsMonotonic(p.metric.Sum().IsMonotonic())
		sum.SetAggregationTemporality(p.metric.Sum().AggregationTemporality())
	default:
		m.SetEmptyGauge()
	}
	dp := numbers(m).AppendEmpty()
	dp.SetFlags(noRecordedValue)
	p.attributes.CopyTo(dp.Attributes())
	return rm
}

// stamp gives an ended series the time of its end.
func stamp(ended pmetric.ResourceMetrics, now pcommon.Timestamp) {
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
