package staleness

import (
	"hash/maphash"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Tracker knows the series of one scraper. One goroutine at a time uses it.
type Tracker struct {
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

// New makes a tracker that has seen no scrape.
func New() *Tracker {
	return &Tracker{seed: maphash.MakeSeed(), series: map[uint64]*trackedSeries{}}
}

// Mark appends one flagged point for each series that the scrape before had and this one has not.
func (t *Tracker) Mark(metrics pmetric.Metrics) {
	t.scrapes++
	present := 0
	for s := range all(metrics) {
		key := s.hash(t.seed)
		known, there := t.series[key]
		if !there {
			known = &trackedSeries{ended: s.ended()}
			t.series[key] = known
		}
		if known.scrape != t.scrapes {
			known.scrape = t.scrapes
			present++
		}
	}
	if present < len(t.series) {
		t.appendEnded(metrics)
	}
}

// appendEnded gives each ended series a metric of its own: the Prometheus exporter (0.159) ignores
// the points of a metric that follow a flagged one.
func (t *Tracker) appendEnded(metrics pmetric.Metrics) {
	now := pcommon.NewTimestampFromTime(time.Now())
	for key, known := range t.series {
		if known.scrape == t.scrapes {
			continue
		}
		delete(t.series, key)
		setTimestamp(known.ended, now)
		known.ended.MoveTo(metrics.ResourceMetrics().AppendEmpty())
	}
}
