//go:build stack

package stack

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// namings are what the rules call the names that a strategy of Prometheus makes; the last is
// Mimir's own.
var namings = map[string]string{
	"utf8":     "NoUTF8EscapingWithSuffixes",
	"dotted":   "NoTranslation",
	"nosuffix": "UnderscoreEscapingWithoutSuffixes",
}

// renaming is a Prometheus that is sent OTLP, translates it by another strategy and has the rules
// for that.
type renaming struct {
	*prometheus
	names string
	port  int
}

// startNamings starts one for each strategy.
func startNamings(t *testing.T) (all []renaming) {
	t.Helper()
	ports := freePorts(t, len(namings))
	for i, names := range slices.Sorted(maps.Keys(namings)) {
		dir := t.TempDir()
		config := filepath.Join(dir, "prometheus.yml")
		require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
global: {evaluation_interval: 10s}
rule_files: [named/*.yml, named/alerts/*.yml]
otlp: {translation_strategy: %s, promote_resource_attributes: [host.id, host.name, service.instance.id, service.name]}
`, namings[names]), 0o600))
		generate := exec.Command("go", "run", ".", "-names", names, "-out", filepath.Join(dir, "named"))
		generate.Dir = repository + "/deploy/prometheus/generate"
		output, err := generate.CombinedOutput()
		require.NoError(t, err, "%s", output)
		p := startPrometheus(t, ports[i], t.TempDir(), config)
		p.rules = filepath.Join(dir, "named")
		all = append(all, renaming{p, names, ports[i]})
	}
	return all
}

// sendTo has the collector send to all of them.
func sendTo(all []renaming) string {
	exporters, names := "", []string{"prometheus", "prometheus_remote_write"}
	for _, r := range all {
		exporters += fmt.Sprintf("  otlp_http/%s: {endpoint: \"http://%s/api/v1/otlp\"}\n", r.names, loopback(r.port))
		names = append(names, "otlp_http/"+r.names)
	}
	return fmt.Sprintf("exporters:\n%sservice: {pipelines: {metrics: {exporters: [%s]}}}\n", exporters, strings.Join(names, ", "))
}

// selectorsOf are those of the rules of a folder, in their order, without what this project does
// not send by OTLP.
func selectorsOf(t *testing.T, dir string) (all []string) {
	t.Helper()
	for _, file := range ruleFiles(t, dir) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var rules struct {
			Groups []struct {
				Rules []struct{ Record, Alert, Expr string }
			}
		}
		require.NoError(t, yaml.Unmarshal(text, &rules))
		for _, group := range rules.Groups {
			for _, rule := range group.Rules {
				expr, err := parser.NewParser(parser.Options{}).ParseExpr(rule.Expr)
				require.NoError(t, err)
				parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
					if s, ok := node.(*parser.VectorSelector); ok {
						plain := &parser.VectorSelector{Name: s.Name, LabelMatchers: s.LabelMatchers}
						all = append(all, plain.String())
					}
					return nil
				})
			}
		}
	}
	return all
}

// testNamings: the rules for another naming find in a Prometheus that names so what the shipped
// ones find where the same collector is scraped.
func testNamings(t *testing.T, scraping *prometheus, all []renaming) {
	foreign := func(selector string) bool {
		for _, word := range []string{"otelcol_", "prometheus_", "alertmanager_", "ALERTS", "up{", "scrape_", ":"} {
			if strings.Contains(selector, word) {
				return true
			}
		}
		return false
	}
	shipped := selectorsOf(t, repository+"/deploy/prometheus/rules")
	found := func(p *prometheus, selector string) bool {
		return len(p.now(t, "count(last_over_time("+selector+"[2m]))")) > 0
	}
	for _, naming := range all {
		theirs := selectorsOf(t, naming.rules)
		require.Len(t, theirs, len(shipped), naming.names)
		has, asked := 0, map[string]bool{}
		for i, selector := range shipped {
			if foreign(selector) || asked[theirs[i]] || !found(scraping, selector) {
				continue
			}
			asked[theirs[i]] = true
			// What is scraped twelve times a minute is sent once in a while.
			eventually(t, 30*time.Second, theirs[i]+" is there, as "+selector+" is", func() bool { return found(naming.prometheus, theirs[i]) })
			has++
		}
		t.Logf("%s: %d selectors find what the shipped ones find", naming.names, has)
		require.Greater(t, has, 60, naming.names)
		require.True(t, everEvaluated(t, naming.prometheus), naming.names)
	}
}
