package facefusionreceiver

import (
	"hash/maphash"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// staleness tells the pipeline when a series has ended: a server that is gone, a role without a process, a version that was replaced.
// A store that is not told keeps showing the last value: contrib's Prometheus exporter for five minutes, a Prometheus behind remote write likewise.
// A point flagged "no recorded value" is how OTLP says it; the Prometheus exporter then forgets the series, remote write sends the staleness marker.
type staleness struct {
	seed   maphash.Seed
	look   uint64
	series map[uint64]*series
}

// series remembers the last look at which it was there, and what to send when it is not there any more.
type series struct {
	look  uint64
	ended pmetric.ResourceMetrics
}

func newStaleness() *staleness {
	return &staleness{seed: maphash.MakeSeed(), series: map[uint64]*series{}}
}

// mark appends one flagged point for each series that the scrape before had and this one has not.
func (s *staleness) mark(metrics pmetric.Metrics) {
	s.look++
	present := 0
	for point := range points(metrics) {
		key := point.hash(s.seed)
		known, there := s.series[key]
		if !there {
			known = &series{ended: point.ended()}
			s.series[key] = known
		}
		if known.look != s.look {
			known.look = s.look
			present++
		}
	}
	if present < len(s.series) {
		s.appendEnded(metrics)
	}
}

// appendEnded gives each ended series a metric of its own: the Prometheus exporter (0.159) looks at no further point of a metric after a flagged one.
func (s *staleness) appendEnded(metrics pmetric.Metrics) {
	now := pcommon.NewTimestampFromTime(time.Now())
	for key, known := range s.series {
		if known.look == s.look {
			continue
		}
		delete(s.series, key)
		stamp(known.ended, now)
		known.ended.MoveTo(metrics.ResourceMetrics().AppendEmpty())
	}
}
