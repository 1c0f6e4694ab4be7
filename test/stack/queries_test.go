//go:build stack

package stack

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// queryCase is a query of deploy/ to Prometheus.
type queryCase struct {
	// where names the rule or panel that has the query.
	where string
	expr  string
}

func rules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	var all []rulefmt.Rule
	for _, file := range ruleFiles(t, repository+"/deploy/prometheus/rules") {
		groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		require.Empty(t, errs, file)
		for _, group := range groups.Groups {
			all = append(all, group.Rules...)
		}
	}
	return all
}

// ofRules are the records as they are, the alerts without their limits, and each selector of both:
// what follows "unless" has to exist, too.
func ofRules(t *testing.T) []queryCase {
	t.Helper()
	var all []queryCase
	selected := map[string]bool{}
	for _, rule := range rules(t) {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(rule.Expr)
		require.NoError(t, err)
		if rule.Record != "" {
			all = append(all, queryCase{"record " + rule.Record, rule.Expr})
		} else {
			unlimited := withoutLimits(expr)
			for n, e := range unlimited {
				where := "alert " + rule.Alert
				if len(unlimited) > 1 {
					where = fmt.Sprintf("%s, part %d", where, n+1)
				}
				all = append(all, queryCase{where, e.String()})
			}
		}
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			if selector, ok := node.(*parser.VectorSelector); ok {
				plain := &parser.VectorSelector{Name: selector.Name, LabelMatchers: selector.LabelMatchers}
				if text := plain.String(); !selected[text] {
					selected[text] = true
					all = append(all, queryCase{"selector " + text, text})
				}
			}
			return nil
		})
	}
	return all
}

// ofDashboards are the targets of all panels and the annotations.
func ofDashboards(t *testing.T) []queryCase {
	t.Helper()
	files, err := filepath.Glob(repository + "/deploy/grafana/dashboards/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files, "no dashboard: deploy/grafana/dashboards is empty")
	var all []queryCase
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var dashboard struct {
			Panels      []panel
			Annotations struct {
				List []struct{ Name, Expr string }
			}
		}
		require.NoError(t, json.Unmarshal(data, &dashboard))
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		before := len(all)
		for _, p := range dashboard.Panels {
			all = append(all, p.questions(name)...)
		}
		require.Greater(t, len(all), before, "%s asks nothing", file)
		for _, annotation := range dashboard.Annotations.List {
			if annotation.Expr != "" {
				all = append(all, queryCase{name + ": annotation " + annotation.Name, annotation.Expr})
			}
		}
	}
	for n := range all {
		all[n].expr = substitute(all[n].expr)
		require.NotContains(t, all[n].expr, "$", "%s: a variable that the test does not know", all[n].where)
	}
	return all
}

type panel struct {
	Title   string
	Targets []struct{ Expr, RefID string }
	// Panels are those of a row that is folded.
	Panels []panel
}

func (p panel) questions(dashboard string) []queryCase {
	var all []queryCase
	for _, target := range p.Targets {
		all = append(all, queryCase{fmt.Sprintf("%s: %s %s", dashboard, p.Title, target.RefID), target.Expr})
	}
	for _, folded := range p.Panels {
		all = append(all, folded.questions(dashboard)...)
	}
	return all
}

// substitute puts in what Grafana would: everything for a variable, and the interval of a panel
// that shows some hours.
func substitute(expr string) string {
	for _, of := range []struct{ name, value string }{{"__rate_interval", "2m"}, {"__interval", "1m"}, {"__range_s", "86400"}, {"__range", "24h"}} {
		expr = regexp.MustCompile(`\$`+of.name+`\b|\$\{`+of.name+`\}`).ReplaceAllString(expr, of.value)
	}
	return regexp.MustCompile(`\$[a-z]\w*|\$\{[a-z]\w*(:\w+)?\}`).ReplaceAllString(expr, ".*")
}
