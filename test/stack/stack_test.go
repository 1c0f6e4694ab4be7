//go:build stack

package stack

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/test/stack/history"
)

// TestStack starts everything once, and looks at it from all sides. The last ones take it apart.
func TestStack(t *testing.T) {
	ports := freePorts(t, 3)
	told := startPeople(t)
	alertmanager := loopback(ports[2])
	startAlertmanager(t, ports[2], told)

	// The second Prometheus is written to. One for both would refuse one of the two as duplicates.
	writtenConfig := filepath.Join(t.TempDir(), "prometheus.yml")
	require.NoError(t, os.WriteFile(writtenConfig, []byte("global: {evaluation_interval: 5s}\nrule_files: [rules/*.yml, rules/alerts/*.yml]\n"), 0o600))
	written := startPrometheus(t, ports[1], t.TempDir(), writtenConfig)
	h := startHost(t, written.url+"/api/v1/write")
	seen, own := h.watch(t)

	data := t.TempDir()
	past := backfill(t, data, h, seen, own)
	scraping := startPrometheus(t, ports[0], data, scrapes(t, t.TempDir(), h, alertmanager))
	began := time.Now()
	eventually(t, 2*time.Minute, "all rules were evaluated, and the last half minute was scraped", func() bool {
		return everEvaluated(t, scraping) && time.Since(began) > 40*time.Second
	})

	t.Run("the past looks like the present", func(t *testing.T) { testPast(t, scraping, past) })
	t.Run("the incidents of the past raised their alerts", func(t *testing.T) { testIncidents(t, scraping, began) })
	t.Run("every question has an answer", func(t *testing.T) { testAnswers(t, scraping) })
	t.Run("both ways bring the same series", func(t *testing.T) { testBothWays(t, scraping, written) })
	t.Run("slow jobs lead to their traces", func(t *testing.T) { testExemplars(t, scraping) })
	t.Run("pint has nothing to say", func(t *testing.T) { testPint(t, scraping) })
	t.Run("nothing was refused", func(t *testing.T) { testNothingRefused(t, scraping, written) })
	t.Run("a server that is down", func(t *testing.T) { testServerDown(t, h, told) })
	t.Run("an agent that is down", func(t *testing.T) { testAgentDown(t, h, told, alertmanager) })
}

// backfill writes the past of the host, up to now.
func backfill(t *testing.T, dir string, h *host, seen, own []string) []history.Series {
	t.Helper()
	target := func(job, address string, pages []string) history.Target {
		slices.Reverse(pages)
		return history.Target{Labels: labels.FromStrings("job", job, "instance", address, "host_name", h.name), Pages: pages}
	}
	series, err := history.Read([]history.Target{target("facefusion", h.seen, seen), target("facefusion-collector", h.own, own)})
	require.NoError(t, err)
	begin := time.Now()
	unknown, err := history.Write(t.Context(), dir, series, history.Settings{End: begin, Seed: 1})
	require.NoError(t, err)
	t.Logf("%d series have a past after %v; unknown to the model, hence constant: %v", len(series), time.Since(begin).Round(time.Second), unknown)
	begin = time.Now()
	require.NoError(t, history.WriteRules(t.Context(), dir, ruleFiles(t, repository+"/deploy/prometheus/rules"), begin))
	t.Logf("the rules as well after %v", time.Since(begin).Round(time.Second))
	return series
}

// everEvaluated says whether each group of rules has had its turn.
func everEvaluated(t *testing.T, p *prometheus) bool {
	t.Helper()
	var all struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Name, Health, LastError string
			}
		}
	}
	require.NoError(t, p.ask(t, "rules", nil, &all))
	require.NotEmpty(t, all.Groups)
	for _, group := range all.Groups {
		for _, rule := range group.Rules {
			require.NotEqual(t, "err", rule.Health, "%s: %s", rule.Name, rule.LastError)
			if rule.Health != "ok" {
				return false
			}
		}
	}
	return true
}

// testPast compares the forms of what Prometheus scraped with that of the history: whatever is asked of the past has to hold for the present.
func testPast(t *testing.T, p *prometheus, past []history.Series) {
	before := map[string]bool{}
	for _, s := range past {
		before[form(s.Labels.Map())] = true
	}
	now := p.live(t, "")
	require.Greater(t, len(now), 1000)
	for _, s := range now {
		require.True(t, before[form(s)], "no series of the history has the labels of %v", s)
	}
}

// testIncidents: what went wrong in the past was told, and a day with nothing else is a quiet one.
func testIncidents(t *testing.T, p *prometheus, end time.Time) {
	var fired []string
	for _, r := range p.at(t, `count by (alertname) (last_over_time(ALERTS{alertstate="firing"}[1d]))`, end.Add(-time.Minute)) {
		fired = append(fired, r.Metric["alertname"])
	}
	must := []string{
		"FaceFusionJobOrphaned",     // history.Orphan
		"HighGPUUsage",              // history.Crowd
		"FaceFusionJobsFailing",     // history.Burst
		"GPUThermalThrottling",      // history.Heat
		"GPUXid", "GPUMemoryErrors", // history.Bits
		"FaceFusionServerSaturated", // history.Saturated
		"FaceFusionServerDown",      // history.Down
		"FaceFusionJobStalled",      // history.Stalled
		"FaceFusionCrashed", "FaceFusionSuccessBurnFast", "FaceFusionSuccessBurnSlow", "Watchdog",
	}
	// These depend on the hour at which the crowd comes, on what waits when a job hangs, and on how long the jobs of the warm GPU were.
	may := []string{"FaceFusionSlowerThanLastWeek", "FaceFusionQueueGrowing", "FaceFusionQueueNotMoving", "FaceFusionRequestsFailing", "FaceFusionTimeBurnFast", "FaceFusionTimeBurnSlow"}
	require.Subset(t, fired, must)
	require.Subset(t, append(must, may...), fired)
}

// form is a metric with the names of its labels.
func form(series map[string]string) string {
	return series["__name__"] + " " + strings.Join(slices.Sorted(func(yield func(string) bool) {
		for name := range series {
			if name != "__name__" && !yield(name) {
				return
			}
		}
	}), ",")
}

// live are the series of the targets (not those of rules) that this Prometheus got a sample of within the last half minute.
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

// testAnswers asks whatever deploy/ asks, over the last day. No answer needs a reason, and a reason needs to be needed.
func testAnswers(t *testing.T, p *prometheus) {
	reasons := mayBeEmpty(t)
	asked := append(ofRules(t), ofDashboards(t)...)
	known := map[string]bool{}
	for _, q := range asked {
		known[q.where] = true
		series, err := p.day(t, q.expr)
		switch _, allowed := reasons[q.where]; {
		case err != nil:
			t.Errorf("%s: %v\n\t%s", q.where, err, q.expr)
		case series == 0 && !allowed:
			t.Errorf("%s: no data within a day, and empty.yaml has no reason for it\n\t%s", q.where, q.expr)
		case series > 0 && allowed:
			t.Errorf("%s: has data, the reason in empty.yaml is not needed", q.where)
		}
	}
	for where := range reasons {
		if !known[where] {
			t.Errorf("%s: nobody asks that, the reason in empty.yaml is not needed", where)
		}
	}
	t.Logf("%d questions, %d of them without an answer on a host that is well", len(asked), len(reasons))
}

// testBothWays: what is written has the names of what is scraped, and the rules find it.
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
	// What the agent says of itself is only scraped.
	ways := [][]string{names(scraping, `, job!="facefusion-collector"`), names(written, "")}
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

// testNothingRefused: neither Prometheus lost, refused or complained about anything.
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
				continue // what the rules said of the past lies over what they looked at
			}
			require.NotRegexp(t, `level=(WARN|ERROR)`, line)
		}
	}
}
