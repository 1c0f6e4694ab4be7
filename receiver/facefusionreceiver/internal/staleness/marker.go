package staleness

import (
	"hash/maphash"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Marker knows the series of one scraper. One goroutine at a time uses it.
type Marker struct {
	seed    maphash.Seed
	scrapes uint64
	series  map[uint64]*trackedSeries
}

// trackedSeries has the number of the last scrape that held the series, and what to send when it
// has ended.
type trackedSeries struct {
	scrape uint64
	ended  pmetric.ResourceMetrics
}

// New makes a marker that has seen no scrape.
func New() *Marker {
	return &Marker{seed: maphash.MakeSeed(), series: map[uint64]*trackedSeries{}}
}

// Mark appends one flagged point for each series that the scrape before had and this one has not.
func (m *Marker) Mark(metrics pmetric.Metrics) {
	m.scrapes++
	present := 0
	for s := range all(metrics) {
		key := s.hash(m.seed)
		known, there := m.series[key]
		if !there {
			known = &trackedSeries{ended: s.ended()}
			m.series[key] = known
		}
		if known.scrape != m.scrapes {
			known.scrape = m.scrapes
			present++
		}
	}
	if present < len(m.series) {
		m.appendEnded(metrics)
	}
}

// appendEnded gives each ended series a metric of its own: the Prometheus exporter (0.159) ignores
// the points of a metric that follow a flagged one.
func (m *Marker) appendEnded(metrics pmetric.Metrics) {
	now := pcommon.NewTimestampFromTime(time.Now())
	for key, known := range m.series {
		if known.scrape == m.scrapes {
			continue
		}
		delete(m.series, key)
		setTimestamp(known.ended, now)
		known.ended.MoveTo(metrics.ResourceMetrics().AppendEmpty())
	}
}
