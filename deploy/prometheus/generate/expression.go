package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// scope adds the matcher of its jobs to each selector of an expression that has none, and changes
// nothing else.
func (c config) scope(expr string) (string, error) {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return "", fmt.Errorf("%s: %w", expr, err)
	}
	type insertion struct {
		at   int
		text string
	}
	var all []insertion
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok || slices.ContainsFunc(selector.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == "job" }) {
			return nil
		}
		matcher := c.matcher(selector.Name)
		if matcher == "" {
			return nil
		}
		begin := int(selector.PosRange.Start)
		at := begin + len(selector.Name)
		switch {
		case strings.HasPrefix(expr[at:], "{}"):
			all = append(all, insertion{at + 1, matcher})
		case strings.HasPrefix(expr[at:], "{"):
			all = append(all, insertion{at + 1, matcher + ", "})
		default:
			all = append(all, insertion{at, "{" + matcher + "}"})
		}
		return nil
	})
	slices.SortFunc(all, func(a, b insertion) int { return b.at - a.at })
	for _, i := range all {
		expr = expr[:i.at] + i.text + expr[i.at:]
	}
	return c.clusters(expr), nil
}

// matcher returns the job matcher for a metric. Recorded series need none, because they are
// computed from series that have it.
func (c config) matcher(name string) string {
	if strings.Contains(name, ":") || slices.Contains(classic, name) {
		return ""
	}
	for _, s := range c.selectors() {
		if regexp.MustCompile(`^(?:` + s[0] + `)`).MatchString(name) {
			return s[1]
		}
	}
	return ""
}

// classic are the records with the names of home-made exporters.
var classic = []string{
	"facefusion_gpu_utilization", "facefusion_gpu_memory_used_mb", "facefusion_gpu_memory_total_mb", "facefusion_gpu_temperature", "gpu_utilization_percent",
	"gpu_memory_used_bytes", "gpu_memory_total_bytes", "system_cpu_percent", "system_memory_percent",
}

// clusters adds the labels of clusters to the grouping and joining labels of an expression.
func (c config) clusters(expr string) string {
	more := c.list("cluster_labels")
	if len(more) == 0 {
		return expr
	}
	return regexp.MustCompile(`(\b(?:by|on) ?\()(host_name\b)`).ReplaceAllString(expr, "${1}"+strings.Join(more, ", ")+", $2")
}
