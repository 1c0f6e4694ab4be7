//go:build stack

package stack

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/test/stack/history"
)

// TestStack starts the whole stack once and runs all checks on it. The last ones stop parts of it.
func TestStack(t *testing.T) {
	var atEnd []string
	t.Cleanup(func() { // registered first, so it runs last
		for _, line := range atEnd {
			t.Log(line)
		}
	})
	ports := freePorts(t, 3)
	people := startPeople(t)
	alertmanager := loopback(ports[2])
	startAlertmanager(t, ports[2], people)

	// The second Prometheus receives remote write. A single one would refuse the samples as
	// duplicates of the scraped ones.
	writtenConfig := filepath.Join(t.TempDir(), "prometheus.yml")
	require.NoError(t, os.WriteFile(writtenConfig, []byte("global: {evaluation_interval: 5s}\nrule_files: [rules/*.yml, rules/alerts/*.yml]\n"), 0o600))
	written := startPrometheus(t, ports[1], t.TempDir(), writtenConfig)
	h := startHost(t, written.url+"/api/v1/write")
	seen, own := h.watch(t)

	data := t.TempDir()
	past := backfill(t, data, h, seen, own)
	scraping := startPrometheus(t, ports[0], data, scrapes(t, t.TempDir(), h, loopback(ports[0]), alertmanager))
	began := time.Now()
	eventually(t, 2*time.Minute, "all rules were evaluated, and the last half minute was scraped", func() bool {
		return everEvaluated(t, scraping) && time.Since(began) > 40*time.Second
	})

	t.Run("the past looks like the present", func(t *testing.T) { testPast(t, scraping, past) })
	t.Run("the incidents of the past raised their alerts", func(t *testing.T) { testIncidents(t, scraping, began) })
	t.Run("every question has an answer", func(t *testing.T) { testAnswers(t, scraping, &atEnd) })
	t.Run("both ways bring the same series", func(t *testing.T) { testBothWays(t, scraping, written) })
	t.Run("slow jobs lead to their traces", func(t *testing.T) { testExemplars(t, scraping) })
	t.Run("pint has nothing to say", func(t *testing.T) { testPint(t, scraping) })
	t.Run("nothing was refused", func(t *testing.T) { testNothingRefused(t, scraping, written) })
	t.Run("a server that is down", func(t *testing.T) { testServerDown(t, h, people) })
	t.Run("an agent that is down", func(t *testing.T) { testAgentDown(t, h, people, alertmanager) })
}

// backfill writes the past of the host, up to now.
func backfill(t *testing.T, dir string, h *simulatedHost, seen, own []string) []history.Series {
	t.Helper()
	target := func(job, address string, pages []string) history.ScrapeTarget {
		slices.Reverse(pages)
		return history.ScrapeTarget{Labels: labels.FromStrings("job", job, "instance", address, "host_name", h.name), Pages: pages}
	}
	series, err := history.Read([]history.ScrapeTarget{target("facefusion", h.seen, seen), target("facefusion-collector", h.own, own)})
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

// everEvaluated reports whether every rule was evaluated.
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
