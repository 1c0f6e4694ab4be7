package webui

import (
	"cmp"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/histogram"
)

// DurationBounds are those that the semantic conventions advise for HTTP requests.
var DurationBounds = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}

// requestSeries is one kind of request with one outcome. There are no more than the probes times
// (the counted status codes + the error types).
type requestSeries struct {
	probe     ProbeName
	status    int
	errorType string
}

// requestOutcome is how one request went.
type requestOutcome struct {
	requestSeries
	seconds float64
}

// probeHistograms count the requests to one server.
type probeHistograms map[requestSeries]*histogram.Histogram

func (p probeHistograms) count(o requestOutcome) {
	h := p[o.requestSeries]
	if h == nil {
		h = histogram.New(DurationBounds)
		p[o.requestSeries] = h
	}
	h.Observe(o.seconds)
}

func (p probeHistograms) snapshot(start time.Time) []ProbeStats {
	stats := make([]ProbeStats, 0, len(p))
	for s, h := range p {
		stats = append(stats, ProbeStats{Probe: s.probe, StatusCode: s.status, ErrorType: s.errorType, Duration: h.Snapshot(), Start: start})
	}
	slices.SortFunc(stats, func(a, b ProbeStats) int {
		return cmp.Or(cmp.Compare(a.Probe, b.Probe), cmp.Compare(a.StatusCode, b.StatusCode), cmp.Compare(a.ErrorType, b.ErrorType))
	})
	return stats
}
