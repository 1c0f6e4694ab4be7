package staleness

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// scrape makes a scrape of four kinds of metric, with one series for each state.
func scrape(version string, states ...string) pmetric.Metrics {
	metrics := pmetric.NewMetrics()
	rm := metrics.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.version", version)
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("scope")
	sum, gauge, histogram, exponential := sm.Metrics().AppendEmpty(), sm.Metrics().AppendEmpty(), sm.Metrics().AppendEmpty(), sm.Metrics().AppendEmpty()
	sum.SetName("a.sum")
	sum.SetEmptySum().SetIsMonotonic(true)
	gauge.SetName("a.gauge")
	gauge.SetEmptyGauge()
	histogram.SetName("a.histogram")
	histogram.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	exponential.SetName("an.exponential")
	exponential.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for i, state := range states {
		for _, attributes := range []pcommon.Map{
			sum.Sum().DataPoints().AppendEmpty().Attributes(), gauge.Gauge().DataPoints().AppendEmpty().Attributes(),
			histogram.Histogram().DataPoints().AppendEmpty().Attributes(), exponential.ExponentialHistogram().DataPoints().AppendEmpty().Attributes(),
		} {
			attributes.PutStr("state", state)
			attributes.PutInt("port", int64(7860+i))
		}
	}
	return metrics
}

// flagged are the series that a scrape says have ended, by metric and state.
func flagged(t *testing.T, metrics pmetric.Metrics) []string {
	var list []string
	for _, rm := range metrics.ResourceMetrics().All() {
		for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
			var flags pmetric.DataPointFlags
			var ts pcommon.Timestamp
			var attributes pcommon.Map
			switch m.Type() {
			case pmetric.MetricTypeHistogram:
				dp := m.Histogram().DataPoints().At(0)
				flags, ts, attributes = dp.Flags(), dp.Timestamp(), dp.Attributes()
			case pmetric.MetricTypeExponentialHistogram:
				dp := m.ExponentialHistogram().DataPoints().At(0)
				flags, ts, attributes = dp.Flags(), dp.Timestamp(), dp.Attributes()
			default:
				dp := numbers(m).At(0)
				flags, ts, attributes = dp.Flags(), dp.Timestamp(), dp.Attributes()
			}
			if flags.NoRecordedValue() {
				require.Equal(t, pcommon.NewTimestampFromTime(time.Now()), ts)
				version, _ := rm.Resource().Attributes().Get("service.version")
				state, _ := attributes.Get("state")
				list = append(list, version.Str()+" "+m.Name()+" "+state.Str())
			}
		}
	}
	return list
}

func TestASeriesThatEndsIsMarkedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		for _, step := range []struct {
			metrics pmetric.Metrics
			ended   []string
		}{
			{scrape("3.8.0", "up", "down"), nil},
			{scrape("3.8.0", "up", "down"), nil},
			{scrape("3.8.0", "up"), []string{"3.8.0 a.sum down", "3.8.0 a.gauge down", "3.8.0 a.histogram down", "3.8.0 an.exponential down"}},
			{scrape("3.8.0", "up"), nil},
			{scrape("3.8.1", "up"), []string{"3.8.0 a.sum up", "3.8.0 a.gauge up", "3.8.0 a.histogram up", "3.8.0 an.exponential up"}},
			{scrape("3.8.1", "up", "down"), nil}, // it came back
		} {
			s.Mark(step.metrics)
			require.ElementsMatch(t, step.ended, flagged(t, step.metrics))
			time.Sleep(15 * time.Second)
		}
	})
}

func TestAMarkKeepsWhatMakesTheSeries(t *testing.T) {
	s := New()
	s.Mark(scrape("3.8.0", "up"))
	after := pmetric.NewMetrics()
	s.Mark(after)
	require.Equal(t, 4, after.ResourceMetrics().Len())
	for _, rm := range after.ResourceMetrics().All() {
		require.Equal(t, "scope", rm.ScopeMetrics().At(0).Scope().Name())
		m := rm.ScopeMetrics().At(0).Metrics().At(0)
		require.Equal(t, m.Name() == "a.sum", m.Type() == pmetric.MetricTypeSum && m.Sum().IsMonotonic())
		if m.Type() == pmetric.MetricTypeHistogram {
			require.Equal(t, pmetric.AggregationTemporalityCumulative, m.Histogram().AggregationTemporality())
		}
	}
}

// TestPortsAreTwoSeries: integers are part of the identity, too.
func TestPortsAreTwoSeries(t *testing.T) {
	s := New()
	s.Mark(scrape("3.8.0", "up", "up"))
	require.Len(t, s.series, 8)
}
