package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// parsed returns the rules of one set, by alert or record.
func parsed(t *testing.T, o options, override string) map[string]rulefmt.Rule {
	t.Helper()
	files, err := rules(o, override)
	require.NoError(t, err)
	all := map[string]rulefmt.Rule{}
	for name, content := range files {
		groups, errs := rulefmt.Parse(content, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		require.Empty(t, errs, name)
		for _, group := range groups.Groups {
			for _, rule := range group.Rules {
				require.NotContains(t, all, rule.Alert+rule.Record)
				all[rule.Alert+rule.Record] = rule
			}
		}
	}
	return all
}

func production() options { return options{"production", "en", "escaped"} }

// The committed files equal what the program writes, and the folders hold no other file.
func TestCommittedRulesAreCurrent(t *testing.T) {
	files, err := committed()
	require.NoError(t, err)
	for name, content := range files {
		found, err := os.ReadFile(filepath.Join("../..", name))
		require.NoError(t, err)
		require.Equal(t, string(content), string(found), "run 'make generate'")
	}
	for _, pattern := range []string{"prometheus/rules*/*.yml", "prometheus/rules*/alerts/*.yml"} {
		found, err := filepath.Glob(filepath.Join("../..", pattern))
		require.NoError(t, err)
		for _, file := range found {
			name, err := filepath.Rel("../..", file)
			require.NoError(t, err)
			require.Contains(t, files, name)
		}
	}
}

// Profiles and languages change what docs/alerts.md documents, and no expression of a record.
func TestProfilesDifferInWhatIsDocumented(t *testing.T) {
	base := parsed(t, production(), "")
	differ := map[string][]string{}
	for _, profile := range []string{"production", "workstation", "batch"} {
		for _, language := range []string{"en", "zh"} {
			all := parsed(t, options{profile, language, "escaped"}, "")
			require.Len(t, all, len(base))
			for name, rule := range all {
				was := base[name]
				if rule.Expr != was.Expr || rule.For != was.For || rule.Labels["severity"] != was.Labels["severity"] {
					differ[profile+" "+language] = append(differ[profile+" "+language], name)
				}
				if rule.Alert != "" && language == "zh" {
					require.NotEqual(t, was.Annotations["summary"], rule.Annotations["summary"])
					require.NotEqual(t, was.Annotations["description"], rule.Annotations["description"])
					require.Regexp(t, `\p{Han}`, rule.Annotations["summary"], name)
					require.Regexp(t, `\p{Han}`, rule.Annotations["description"], name)
					require.Contains(t, rule.Annotations["dashboard_url"], "-zh", name)
				}
			}
		}
	}
	require.NotContains(t, differ, "production zh")
	for _, language := range []string{"en", "zh"} {
		require.ElementsMatch(t, []string{
			"FaceFusionAgentDown", "FaceFusionAgentSilent", "FaceFusionGoneWithJobsWaiting", "FaceFusionJobWaitsLong", "FaceFusionNeverReady", "FaceFusionQueueNotMoving",
			"FaceFusionServerDown", "FaceFusionStayedAway", "HighGPUUsage",
		}, differ["workstation "+language])
		require.ElementsMatch(t, []string{
			"FaceFusionGoneWithJobsWaiting", "FaceFusionJobWaitsLong", "FaceFusionQueueGrowing", "HighGPUUsage",
			"instance:facefusion_runs_late:increase15m", "instance:facefusion_runs_late:increase1h", "instance:facefusion_runs_late:increase6h",
			"instance:facefusion_runs_late:increase1d", "instance:facefusion_runs_late:increase3d",
		}, differ["batch "+language])
	}
}

// Every selector has a job matcher, so that no rule uses series of other jobs.
func TestEverySelectorNamesItsJobs(t *testing.T) {
	all := parsed(t, production(), "")
	for name, rule := range all {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(rule.Expr)
		require.NoError(t, err)
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			selector, ok := node.(*parser.VectorSelector)
			if !ok {
				return nil
			}
			if _, recorded := all[selector.Name]; recorded || selector.Name == "ALERTS" {
				return nil
			}
			for _, matcher := range selector.LabelMatchers {
				if matcher.Name == "job" {
					return nil
				}
			}
			t.Errorf("%s: %s names no job", name, selector)
			return nil
		})
	}
}

func override(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func TestSettings(t *testing.T) {
	all := parsed(t, production(), override(t, `
labels: {team: video, cluster: studio}
cluster_labels: [cluster]
grafana: https://grafana.example.com
runbooks: https://wiki.example.com/
thresholds: {gpu_memory: 0.98}
objectives: {success: 0.995}
`))
	full := all["GPUMemoryFull"]
	require.Equal(t, map[string]string{"severity": "warning", "team": "video", "cluster": "studio"}, full.Labels)
	require.Contains(t, full.Expr, "> 0.98")
	require.Contains(t, full.Expr, "on (cluster, host_name, hw_id)")
	require.Equal(t, "https://wiki.example.com/GPUMemoryFull.md", full.Annotations["runbook_url"])
	require.True(t, strings.HasPrefix(full.Annotations["dashboard_url"], "https://grafana.example.com/d/facefusion-gpu"))
	require.Contains(t, all["FaceFusionSuccessBurnFast"].Expr, "14.4 * 0.005")
	require.Contains(t, all["FaceFusionSuccessBurnFast"].Annotations["description"], "0.5 %")
	require.Contains(t, all["instance:facefusion_runs_failed:increase1h"].Expr, "by (cluster, host_name, service_instance_id)")
}

// Twenty times faster, a rule waits and looks back a twentieth of the time, and is otherwise the
// same.
func TestFaster(t *testing.T) {
	base, fast := parsed(t, production(), ""), parsed(t, production(), override(t, "faster: 20"))
	require.Len(t, fast, len(base))
	for name, hold := range map[string]string{"FaceFusionServerDown": "3s", "GPULost": "1s500ms", "HostDiskFilling": "1m30s", "GPUMemoryErrors": "0s"} {
		require.Equal(t, hold, fast[name].For.String(), name)
	}
	for name, expr := range map[string]string{
		"GPUMemoryErrors":                         `increase(hw_errors_total{error_type="uncorrected",job=~"facefusion|"}[3m]) > 0`,
		"instance:facefusion_runs_failed:ratio1h": `instance:facefusion_runs_failed:increase1h / (sum by (host_name, service_instance_id) (increase(facefusion_job_finished_total{facefusion_outcome!~"deleted|stopped|declined",job=~"facefusion|"}[3m])) > 0)`,
		"FaceFusionServerDown":                    `facefusion_server_state{facefusion_server_state="down",job=~"facefusion|"} == 1`,
	} {
		require.Equal(t, expr, fast[name].Expr, name)
	}
	require.Contains(t, fast["FaceFusionStayedAway"].Expr, "[1h12m:15s]")
	require.Contains(t, fast["FaceFusionQueueGrowing"].Expr, "offset 1m30s")
	_, err := rules(production(), override(t, "faster: 0"))
	require.ErrorContains(t, err, "faster: 0")
}

func TestWrongSettingsAreRefused(t *testing.T) {
	for text, message := range map[string]string{
		"thresholds: {gpu_memroy: 0.98}": "there is no setting thresholds.gpu_memroy",
		"thresholds: 5":                  "the setting thresholds has another form",
		"grafana: {a: b}":                "the setting grafana has another form",
	} {
		_, err := rules(production(), override(t, text))
		require.ErrorContains(t, err, message)
	}
	_, err := rules(options{"night", "en", "escaped"}, "")
	require.ErrorContains(t, err, `there is no profile "night"`)
	_, err = rules(options{"production", "fr", "escaped"}, "")
	require.ErrorContains(t, err, `the language "fr"`)
}

// Rules for stores with other naming select names that those stores make, and the same number of
// them.
func TestNames(t *testing.T) {
	base := parsed(t, production(), "")
	for names, want := range map[string]string{
		"nosuffix": `sum by (host_name, service_instance_id) (increase(facefusion_job_finished{facefusion_outcome="orphaned",job=~"facefusion|"}[30m])) > 0`,
		"utf8":     `sum by ("host.name", "service.instance.id") (increase({__name__="facefusion.job.finished_total","facefusion.outcome"="orphaned",job=~"facefusion|"}[30m])) > 0`,
		"dotted":   `sum by ("host.name", "service.instance.id") (increase({__name__="facefusion.job.finished","facefusion.outcome"="orphaned",job=~"facefusion|"}[30m])) > 0`,
	} {
		all := parsed(t, options{"production", "en", names}, "")
		require.Len(t, all, len(base))
		lost := all["FaceFusionJobOrphaned"]
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(lost.Expr)
		require.NoError(t, err)
		wanted, err := parser.NewParser(parser.Options{}).ParseExpr(want)
		require.NoError(t, err)
		require.ElementsMatch(t, strings.FieldsFunc(wanted.String(), separates), strings.FieldsFunc(expr.String(), separates))
		n, err := loadNaming(names)
		require.NoError(t, err)
		made := map[string]bool{}
		for _, name := range n.metrics {
			made[name] = true
		}
		for name, rule := range all {
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(rule.Expr)
			require.NoError(t, err, name)
			parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
				if selector, ok := node.(*parser.VectorSelector); ok {
					asked := selector.Name
					for _, m := range selector.LabelMatchers {
						if m.Name == "__name__" {
							asked = m.Value
						}
					}
					_, recorded := all[asked]
					require.True(t, recorded || made[asked] || foreign(asked), "%s asks for %s", name, asked)
				}
				return nil
			})
		}
		if names != "nosuffix" {
			require.Equal(t, "{{ index $labels `host.name` }}", lost.Labels["host_name"])
			require.Contains(t, lost.Annotations["summary"], "{{ (index $labels `host.name`) }}")
		}
	}
	_, err := rules(options{"production", "en", "upper"}, "")
	require.ErrorContains(t, err, `not "upper"`)
}

func separates(r rune) bool { return strings.ContainsRune("{},()", r) }

// foreign reports whether a metric does not come from OTLP of this project.
func foreign(name string) bool {
	return name == "up" || name == "ALERTS" || strings.HasPrefix(name, "otelcol_") || strings.HasPrefix(name, "prometheus_") || strings.HasPrefix(name, "alertmanager_") || strings.HasPrefix(name, "container_")
}
