package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/otlptranslator"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// naming maps OTLP names to those of a store.
type naming struct {
	// metrics and labels are keyed by the names of a Prometheus scrape with default settings.
	metrics, labels map[string]string
}

const receiver = "../../../receiver/facefusionreceiver"

// original is a metric as OTLP has it.
type original struct {
	name, unit string
	kind       otlptranslator.MetricType
}

// ofTheHost are the metrics of host_metrics that rules use.
var ofTheHost = []original{
	{"system.cpu.time", "s", otlptranslator.MetricTypeMonotonicCounter},
	{"system.memory.usage", "By", otlptranslator.MetricTypeNonMonotonicCounter},
	{"system.filesystem.usage", "By", otlptranslator.MetricTypeNonMonotonicCounter},
	{"system.filesystem.inodes.usage", "{inodes}", otlptranslator.MetricTypeNonMonotonicCounter},
	{"system.paging.operations", "{operations}", otlptranslator.MetricTypeMonotonicCounter},
	{"system.paging.usage", "By", otlptranslator.MetricTypeNonMonotonicCounter},
}

// loadNaming reads the metrics that the receiver declares. It is nil where the names of a scrape
// stay as they are.
func loadNaming(names string) (*naming, error) {
	if names == "escaped" {
		return nil, nil //nolint:nilnil // there is nothing to map
	}
	all, attributes, err := declared()
	if err != nil {
		return nil, err
	}
	scraped := otlptranslator.MetricNamer{WithMetricSuffixes: true}
	n := &naming{metrics: map[string]string{}, labels: map[string]string{}}
	namer := otlptranslator.MetricNamer{}
	switch names {
	case "nosuffix":
	case "utf8":
		namer = otlptranslator.MetricNamer{WithMetricSuffixes: true, UTF8Allowed: true}
	case "dotted":
		namer = otlptranslator.MetricNamer{UTF8Allowed: true}
	default:
		return nil, fmt.Errorf("names are escaped, utf8, dotted or nosuffix, not %q", names)
	}
	for _, metric := range append(all, ofTheHost...) {
		m := otlptranslator.Metric{Name: metric.name, Unit: metric.unit, Type: metric.kind}
		from, err := scraped.Build(m)
		if err != nil {
			return nil, err
		}
		to, err := namer.Build(m)
		if err != nil {
			return nil, err
		}
		n.metrics[from] = to
		if metric.kind == otlptranslator.MetricTypeHistogram {
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				n.metrics[from+suffix] = to + suffix
			}
		}
	}
	if names != "nosuffix" {
		for _, attribute := range attributes {
			if escaped := strings.ReplaceAll(attribute, ".", "_"); escaped != attribute {
				n.labels[escaped] = attribute
			}
		}
	}
	return n, nil
}

func declared() (all []original, attributes []string, err error) {
	text, err := os.ReadFile(filepath.Join(receiver, "metadata.yaml"))
	if err != nil {
		return nil, nil, err
	}
	var metadata struct {
		Attributes         map[string]any
		ResourceAttributes map[string]any `yaml:"resource_attributes"`
		Metrics            map[string]struct {
			Unit string
			Sum  *struct{ Monotonic bool }
		}
	}
	if err := yaml.Unmarshal(text, &metadata); err != nil {
		return nil, nil, err
	}
	for name, metric := range metadata.Metrics {
		kind := otlptranslator.MetricType(otlptranslator.MetricTypeGauge)
		if metric.Sum != nil && metric.Sum.Monotonic {
			kind = otlptranslator.MetricTypeMonotonicCounter
		} else if metric.Sum != nil {
			kind = otlptranslator.MetricTypeNonMonotonicCounter
		}
		all = append(all, original{name, metric.Unit, kind})
	}
	// Histograms are declared in Go: mdatagen cannot build them.
	files, err := filepath.Glob(filepath.Join(receiver, "internal/*/histograms.go"))
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, err
		}
		for _, match := range regexp.MustCompile(`Name:\s+"([a-z.]+)",\s+Unit:\s+"([^"]*)"`).FindAllStringSubmatch(string(source), -1) {
			all = append(all, original{match[1], match[2], otlptranslator.MetricTypeHistogram})
		}
	}
	return all, append(sortedKeys(metadata.Attributes), sortedKeys(metadata.ResourceAttributes)...), nil
}

// rename changes the metric and label names of a rule to those of a store. Recorded names and the
// labels of alerts stay, because dashboards and Alertmanager use them.
func (n *naming) rename(rule *yaml.Node) error {
	expr := value(rule, "expr")
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr.Value)
	if err != nil {
		return err
	}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		switch node := node.(type) {
		case *parser.VectorSelector:
			n.selector(node)
		case *parser.AggregateExpr:
			n.list(node.Grouping)
		case *parser.BinaryExpr:
			if node.VectorMatching != nil {
				n.list(node.VectorMatching.MatchingLabels)
				n.list(node.VectorMatching.Include)
			}
		}
		return nil
	})
	expr.Value, expr.Style = parsed.Pretty(0)+"\n", yaml.LiteralStyle
	n.texts(rule)
	return nil
}

func (n *naming) selector(s *parser.VectorSelector) {
	renamed, ok := n.metrics[s.Name]
	if !ok {
		renamed = s.Name
	}
	// A name with dots is written as a matcher.
	if s.Name = renamed; strings.Contains(renamed, ".") {
		s.Name = ""
	}
	for _, m := range s.LabelMatchers {
		if m.Name == labels.MetricName {
			m.Value = renamed
		} else if dotted, ok := n.labels[m.Name]; ok {
			m.Name = dotted
		}
	}
}

func (n *naming) list(names []string) {
	for i, name := range names {
		if dotted, ok := n.labels[name]; ok {
			names[i] = dotted
		}
	}
}

// texts renames the labels in the texts of an alert, and adds the labels by which Alertmanager
// groups and inhibits.
func (n *naming) texts(rule *yaml.Node) {
	if value(rule, "alert") == nil || len(n.labels) == 0 {
		return
	}
	ours := regexp.MustCompile(`\$labels\.(\w+)`)
	annotations := value(rule, "annotations")
	var used []string
	for i := 1; i < len(annotations.Content); i += 2 {
		text := &annotations.Content[i].Value
		for _, match := range ours.FindAllStringSubmatch(*text, -1) {
			used = append(used, match[1])
		}
		*text = ours.ReplaceAllStringFunc(*text, func(label string) string {
			if dotted, ok := n.labels[strings.TrimPrefix(label, "$labels.")]; ok {
				return "(index $labels `" + dotted + "`)"
			}
			return label
		})
	}
	slices.Sort(used)
	for _, name := range slices.Compact(append(used, "host_name")) {
		if dotted, ok := n.labels[name]; ok && value(value(rule, "labels"), name) == nil {
			set(value(rule, "labels"), name, "{{ index $labels `"+dotted+"` }}", yaml.DoubleQuotedStyle)
		}
	}
}
