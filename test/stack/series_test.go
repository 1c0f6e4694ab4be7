//go:build stack

package stack

import (
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// testBothWays: remote write gives the same names as a scrape, and the rules find the series.
func testBothWays(t *testing.T, scraping, written *prometheus) {
	names := func(p *prometheus, more string) []string {
		var all []string
		for _, s := range p.live(t, more) {
			if !strings.HasPrefix(s["__name__"], "scrape_") && s["__name__"] != "up" {
				all = append(all, s["__name__"])
			}
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	// The agent's own telemetry is only scraped.
	ways := [][]string{names(scraping, `, job!~"facefusion-collector|prometheus|alertmanager"`), names(written, "")}
	require.Greater(t, len(ways[0]), 70)
	require.Equal(t, ways[0], ways[1])
	for _, record := range []string{"facefusion_gpu_utilization", "system_cpu_percent", "host:system_memory_used:ratio", "instance:facefusion_server_requests:rate5m", "instance:facefusion_cpu:rate10m"} {
		require.Equal(t, scraping.number(t, "count("+record+")"), written.number(t, "count("+record+")"), record)
		require.NotZero(t, written.number(t, "count("+record+")"), record)
	}
}

func testExemplars(t *testing.T, p *prometheus) {
	now := time.Now()
	var found []struct {
		SeriesLabels map[string]string
		Exemplars    []struct{ Labels map[string]string }
	}
	require.NoError(t, p.ask(t, "query_exemplars", url.Values{
		"query": {`rate(facefusion_job_duration_seconds_bucket[5m])`},
		"start": {strconv.FormatInt(now.Add(-time.Hour).Unix(), 10)}, "end": {strconv.FormatInt(now.Unix(), 10)},
	}, &found))
	require.NotEmpty(t, found)
	for _, series := range found {
		require.NotEmpty(t, series.Exemplars)
		require.Regexp(t, `^[0-9a-f]{32}$`, series.Exemplars[0].Labels["trace_id"])
	}
}

// testNothingRefused: neither Prometheus dropped or refused a sample or logged a warning.
func testNothingRefused(t *testing.T, all ...*prometheus) {
	counts := regexp.MustCompile(`(?m)^(prometheus_target_scrapes_sample_(?:duplicate_timestamp|out_of_order|out_of_bounds)_total|prometheus_tsdb_(?:out_of_order_samples|too_old_samples|out_of_bound_samples)_total|prometheus_rule_evaluation_failures_total|prometheus_target_scrapes_exceeded_\w+_total)(\{.*\})? (\S+)$`)
	for _, p := range all {
		var page strings.Builder
		keep(t, strings.TrimPrefix(p.url, "http://"), filepath.Join(t.TempDir(), "page"), &page)
		found := counts.FindAllStringSubmatch(page.String(), -1)
		require.Greater(t, len(found), 5)
		for _, count := range found {
			require.Equal(t, "0", count[3], count[0])
		}
		for line := range strings.Lines(p.log.String()) {
			if strings.Contains(line, "Overlapping blocks found") {
				continue // recorded series of the past overlap those they were computed from
			}
			require.NotRegexp(t, `level=(WARN|ERROR)`, line)
		}
	}
}

// live are the series of the targets (not those of rules) that this Prometheus got a sample of
// within the last half minute.
func (p *prometheus) live(t *testing.T, more string) []map[string]string {
	t.Helper()
	var all []map[string]string
	for _, r := range p.now(t, `last_over_time({__name__=~".+", __name__!~".+:.+|ALERTS.*|`+strings.Join(classicNames(t), "|")+`"`+more+`}[30s])`) {
		all = append(all, r.Metric)
	}
	return all
}

// classicNames are the records that have no colon in their name.
func classicNames(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, rule := range rules(t) {
		if rule.Record != "" && !strings.Contains(rule.Record, ":") {
			names = append(names, rule.Record)
		}
	}
	return names
}
