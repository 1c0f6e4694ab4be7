//go:build e2e && durability

package e2e

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// ledger holds what was seen of the three signals. Duplicates count once: a sender that retries
// after a possible loss sends some data twice.
type ledger struct {
	mu sync.Mutex
	// By series and millisecond, the samples that a Prometheus would have of it
	series map[string]map[int64]int
	events map[string]bool
	spans  map[string]bool
}

func newLedger() *ledger {
	return &ledger{series: map[string]map[int64]int{}, events: map[string]bool{}, spans: map[string]bool{}}
}

func (l *ledger) sample(series string, ms int64, samples int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.series[series] == nil {
		l.series[series] = map[int64]int{}
	}
	l.series[series][ms] = samples
}

func (l *ledger) metrics(metrics pmetric.Metrics) {
	for _, rm := range metrics.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				l.metric(identity(rm.Resource().Attributes())+m.Name(), m)
			}
		}
	}
}

func (l *ledger) metric(name string, m pmetric.Metric) {
	numbers := pmetric.NewNumberDataPointSlice()
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		numbers = m.Gauge().DataPoints()
	case pmetric.MetricTypeSum:
		numbers = m.Sum().DataPoints()
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			if !p.Flags().NoRecordedValue() {
				const infSumCount = 3
				l.sample(name+identity(p.Attributes()), p.Timestamp().AsTime().UnixMilli(), p.ExplicitBounds().Len()+infSumCount)
			}
		}
	}
	for _, p := range numbers.All() {
		// A series that ends has a last point without a value: Prometheus does not show it.
		if !p.Flags().NoRecordedValue() {
			l.sample(name+identity(p.Attributes()), p.Timestamp().AsTime().UnixMilli(), 1)
		}
	}
}

func (l *ledger) logs(logs plog.Logs) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				l.events[fmt.Sprint(identity(rl.Resource().Attributes()), record.Timestamp(), record.EventName(), identity(record.Attributes()), record.Body().AsString())] = true
			}
		}
	}
}

func (l *ledger) traces(traces ptrace.Traces) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, rs := range traces.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				l.spans[span.TraceID().String()+span.SpanID().String()] = true
			}
		}
	}
}

// identity returns a key of a map that does not depend on its order.
func identity(attributes pcommon.Map) string {
	var pairs []string
	for k, v := range attributes.All() {
		pairs = append(pairs, k+"="+v.AsString())
	}
	slices.Sort(pairs)
	return fmt.Sprint(pairs)
}

// emitted reads what a collector wrote to its file exporters, in each of its lives. Of a life that
// was killed, the last lines do not count: the kill may have come when the file had them and the
// queue had not. Each of the two receivers may have been about to hand something over.
func emitted(t *testing.T, dir string, lives int) *ledger {
	t.Helper()
	l := newLedger()
	read := func(signal string, each func([]byte) error) {
		for life := range lives {
			content, err := os.ReadFile(fmt.Sprintf("%s/%d-%s.json", dir, life, signal))
			if errors.Is(err, fs.ErrNotExist) {
				continue // the signal is in no pipeline
			}
			require.NoError(t, err)
			lines := bytes.SplitAfter(content, []byte("\n"))
			lines = lines[:len(lines)-1] // empty, or cut
			if life < lives-1 {
				lines = lines[:max(0, len(lines)-2)]
			}
			for _, line := range lines {
				require.NoError(t, each(line))
			}
		}
	}
	read("metrics", func(line []byte) error {
		metrics, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(line)
		if err == nil {
			l.metrics(metrics)
		}
		return err
	})
	read("logs", func(line []byte) error {
		logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
		if err == nil {
			l.logs(logs)
		}
		return err
	})
	read("traces", func(line []byte) error {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		if err == nil {
			l.traces(traces)
		}
		return err
	})
	return l
}

// loss is what one ledger has and another lacks.
type loss struct {
	samples     int
	first, last int64 // the times of the lost samples, in milliseconds
	events      int
	spans       int
	example     string // where it begins
}

func (l loss) none() bool { return l == loss{} }

// lacks compares with what was emitted until then. A store may name series as it likes, so samples
// are compared by their time, moment by moment.
func (l *ledger) lacks(emitted *ledger, until time.Time) (lost loss) {
	moments := emitted.moments()
	have, want := l.at(moments), emitted.at(moments)
	for i, m := range moments {
		if m.last > until.UnixMilli() || have[i] >= want[i] {
			continue
		}
		lost.samples += want[i] - have[i]
		lost.last = m.last
		if lost.first == 0 {
			lost.first = m.first
			lost.example = fmt.Sprintf("%d of the %d samples of %v before the store was back", want[i]-have[i], want[i], until.Sub(time.UnixMilli(m.first)))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for event := range emitted.events {
		if !l.events[event] {
			lost.events++
		}
	}
	for span := range emitted.spans {
		if !l.spans[span] {
			lost.spans++
		}
	}
	return lost
}

// scrapeSpan is a time in which a collector scraped. Two scrapes may come at once, when one had to
// wait: to a store of millisecond's resolution, they are one.
type scrapeSpan struct{ first, last int64 }

// moments are in order. Between two, nothing was scraped for some milliseconds.
func (l *ledger) moments() (list []scrapeSpan) {
	const apart = 10
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[int64]bool{}
	for _, times := range l.series {
		for ms := range times {
			all[ms] = true
		}
	}
	for _, ms := range slices.Sorted(maps.Keys(all)) {
		if n := len(list); n > 0 && ms-list[n-1].last < apart {
			list[n-1].last = ms
		} else {
			list = append(list, scrapeSpan{ms, ms})
		}
	}
	return list
}

// at counts the samples of each moment, of each series one.
func (l *ledger) at(moments []scrapeSpan) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := make([]int, len(moments))
	for _, times := range l.series {
		seen := map[int]bool{}
		for ms, n := range times {
			i, _ := slices.BinarySearchFunc(moments, ms, func(m scrapeSpan, ms int64) int { return cmp.Compare(m.last, ms) })
			if i < len(moments) && moments[i].first <= ms && !seen[i] {
				seen[i] = true
				counts[i] += n
			}
		}
	}
	return counts
}

// newest is the time of the newest sample.
func (l *ledger) newest() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	var newest int64
	for _, times := range l.series {
		for ms := range times {
			newest = max(newest, ms)
		}
	}
	return time.UnixMilli(newest)
}

// ofThisProgram are series of the test itself: it starts runs and listens, so it is taken for a
// service around FaceFusion, and after a restart of the agent only once a run of its is seen again.
var ofThisProgram = regexp.MustCompile(`facefusion[._]server[._]|process[._]role[:=]service`)

// hole returns the longest time without a sample within any series.
func (l *ledger) hole() (longest time.Duration, series string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, times := range l.series {
		if ofThisProgram.MatchString(name) {
			continue
		}
		sorted := make([]int64, 0, len(times))
		for ms := range times {
			sorted = append(sorted, ms)
		}
		slices.Sort(sorted)
		for i := 1; i < len(sorted); i++ {
			if d := time.Duration(sorted[i]-sorted[i-1]) * time.Millisecond; d > longest {
				longest, series = d, name
			}
		}
	}
	return longest, series
}
