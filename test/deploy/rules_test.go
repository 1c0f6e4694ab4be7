package deploy

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const (
	prometheus = "../../deploy/prometheus"
	runbooks   = "../../docs/runbooks"
	runbookURL = "https://github.com/otelcol-facefusion/otelcol-facefusion/blob/main/docs/runbooks/"
)

func glob(t *testing.T, patterns ...string) []string {
	t.Helper()
	var files []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		files = append(files, found...)
	}
	return files
}

// rules are all of deploy/prometheus/rules.
func rules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	var all []rulefmt.Rule
	for _, file := range glob(t, prometheus+"/rules/*.yml", prometheus+"/rules/alerts/*.yml") {
		groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		require.Empty(t, errs, file)
		for _, group := range groups.Groups {
			all = append(all, group.Rules...)
		}
	}
	return all
}

func alerts(t *testing.T) map[string]rulefmt.Rule {
	t.Helper()
	byName := map[string]rulefmt.Rule{}
	for _, rule := range rules(t) {
		if rule.Alert != "" {
			require.NotContains(t, byName, rule.Alert, "two alerts of one name")
			byName[rule.Alert] = rule
		}
	}
	return byName
}

func TestEveryMetricIsDeclared(t *testing.T) {
	names := declared(t)
	for _, rule := range rules(t) {
		if rule.Record != "" {
			require.NotContains(t, names, rule.Record, "a rule records what the collector sends")
		}
	}
	for _, rule := range rules(t) {
		if rule.Record != "" {
			names[rule.Record] = seriesDeclaration{}
		}
	}
	names["ALERTS"] = ofAlerts(t)
	for _, rule := range rules(t) {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(rule.Expr)
		require.NoError(t, err)
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			if selector, ok := node.(*parser.VectorSelector); ok {
				checkSelector(t, names, rule.Record+rule.Alert, selector)
			}
			return nil
		})
	}
}

// ofAlerts is what Prometheus itself records of each alert: a rule that waits for a renamed one
// waits for nothing.
func ofAlerts(t *testing.T) seriesDeclaration {
	t.Helper()
	return seriesDeclaration{map[string][]string{"alertname": slices.Collect(maps.Keys(alerts(t))), "alertstate": {"pending", "firing"}}}
}

// checkSelector fails if a rule selects a metric, a label or a label value that does not exist.
func checkSelector(t *testing.T, names map[string]seriesDeclaration, rule string, selector *parser.VectorSelector) {
	t.Helper()
	metric, ok := names[selector.Name]
	if !ok {
		t.Errorf("%s uses %q, which nobody declares; alike are %v", rule, selector.Name, near(names, selector.Name))
		return
	}
	for _, matcher := range selector.LabelMatchers {
		if matcher.Name == labels.MetricName || metric.labels == nil {
			continue
		}
		values, ok := metric.labels[matcher.Name]
		if !ok {
			t.Errorf("%s asks %s for the label %s, which it does not have", rule, selector.Name, matcher.Name)
		}
		if len(values) == 0 {
			continue
		}
		for value := range strings.SplitSeq(matcher.Value, "|") {
			if !slices.Contains(values, value) {
				t.Errorf("%s asks %s for %s=%q, which is none of %v", rule, selector.Name, matcher.Name, value, values)
			}
		}
	}
}

func TestEveryAlertSaysWhatToDo(t *testing.T) {
	sections := regexp.MustCompile(`(?s)^# (\w+)\n.*\n## What it means\n.+\n## What to look at\n.+\n## What to do\n.+`)
	for name, alert := range alerts(t) {
		require.Contains(t, []string{"info", "warning", "critical"}, alert.Labels["severity"], name)
		require.NotEmpty(t, alert.Annotations["summary"], name)
		require.NotEmpty(t, alert.Annotations["description"], name)
		require.Equal(t, runbookURL+name+".md", alert.Annotations["runbook_url"], name)

		page, err := os.ReadFile(filepath.Join(runbooks, name+".md"))
		require.NoError(t, err)
		match := sections.FindSubmatch(page)
		require.NotNil(t, match, "the runbook of %s lacks a section", name)
		require.Equal(t, name, string(match[1]))
	}
}

func TestEveryRunbookHasItsAlert(t *testing.T) {
	known := alerts(t)
	for _, file := range glob(t, runbooks+"/*.md") {
		if filepath.Base(file) == "README.md" {
			continue // whose names the commands use
		}
		require.Contains(t, known, strings.TrimSuffix(filepath.Base(file), ".md"))
	}
}

// Every metric that a runbook names must exist.
func TestRunbooksNameWhatExists(t *testing.T) {
	names := declared(t)
	known := map[string]bool{}
	for _, rule := range rules(t) {
		known[rule.Record] = true
	}
	for name, declaration := range names {
		known[name] = true
		for label, values := range declaration.labels {
			known[label] = true
			for _, value := range values {
				known[value] = true
			}
		}
	}
	// The variables of curl, and what a pattern of grep begins with, are no names of metrics.
	commands := regexp.MustCompile(`%\{\w+\}|\^\w+`)
	for _, file := range append(glob(t, runbooks+"/*.md"), "../../docs/alerts.md") {
		page, err := os.ReadFile(file)
		require.NoError(t, err)
		page = commands.ReplaceAll(page, nil)
		for _, name := range regexp.MustCompile(`\b(?:instance:|media:|host:|mountpoint:)?(?:facefusion|hw|nvidia|otelcol|process|system|gpu|http)_[a-z0-9_:]+`).FindAllString(string(page), -1) {
			if !known[name] && !known[name+"_bucket"] {
				t.Errorf("%s names %s, which does not exist; alike are %v", filepath.Base(file), name, near(names, name))
			}
		}
	}
}

// TestAlertsAreListed: docs/alerts.md has a line for each alert, with its severity.
func TestAlertsAreListed(t *testing.T) {
	page, err := os.ReadFile("../../docs/alerts.md")
	require.NoError(t, err)
	listed := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^\| \[(\w+)\]\(runbooks/(\w+)\.md\) \| (\w+) \|`).FindAllStringSubmatch(string(page), -1) {
		require.Equal(t, match[1], match[2])
		listed[match[1]] = match[3]
	}
	severities := map[string]string{}
	for name, alert := range alerts(t) {
		severities[name] = alert.Labels["severity"]
	}
	require.Equal(t, severities, listed)
}

// TestEveryAlertIsTested: promtool runs the rule tests, and each alert has some of both kinds,
// firing and not firing.
func TestEveryAlertIsTested(t *testing.T) {
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, file := range glob(t, prometheus+"/tests/*_test.yml") {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var tests struct {
			Tests []struct {
				AlertRuleTest []struct {
					Alertname string
					ExpAlerts []any `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		require.NoError(t, yaml.Unmarshal(data, &tests))
		for _, test := range tests.Tests {
			for _, check := range test.AlertRuleTest {
				if len(check.ExpAlerts) > 0 {
					fires[check.Alertname] = true
				} else {
					quiet[check.Alertname] = true
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(alerts(t))) {
		require.True(t, fires[name], "no test in which %s fires", name)
		require.True(t, quiet[name] || name == "Watchdog", "no test in which %s does not fire", name)
	}
}

// The rules and queries of home-made exporters must keep working unchanged.
func TestClassicAlert(t *testing.T) {
	alert := alerts(t)["HighGPUUsage"]
	require.Equal(t, "facefusion_gpu_utilization > 90", alert.Expr)
	require.Equal(t, "5m", alert.For.String())
	require.Equal(t, map[string]string{"severity": "warning"}, alert.Labels)
}

// The objects for clusters without the chart have the rules of deploy/prometheus, each once.
func TestObjectsOfTheOperator(t *testing.T) {
	file, err := os.Open("../../deploy/kubernetes/prometheus-rules.yaml")
	require.NoError(t, err)
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	known := map[string]bool{}
	for {
		var object struct {
			Kind string
			Spec struct {
				Groups []struct {
					Name  string
					Rules []struct{ Alert, Record string }
				}
			}
		}
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		require.Equal(t, "PrometheusRule", object.Kind)
		for _, group := range object.Spec.Groups {
			for _, rule := range group.Rules {
				known[rule.Alert+rule.Record] = true
			}
		}
	}
	want := map[string]bool{}
	for _, rule := range rules(t) {
		want[rule.Alert+rule.Record] = true
	}
	require.Equal(t, want, known)
}
