package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/otlptranslator"
	"go.yaml.in/yaml/v3"
)

// section is a table of the page: metrics whose names have one of the prefixes.
type section struct {
	Title    string
	prefixes []string
	Metrics  []metric
}

// metric is a row of the page. Kind is Prometheus' word for it.
type metric struct {
	Name, Prometheus, Kind, Unit, Attributes, Description string
	Enabled                                               bool
	// Details are the attributes of a histogram.
	Details []attribute
}

// attribute is a row of the reference.
type attribute struct {
	Name, Description, Values string
}

// declarations are what the page shows.
type declarations struct {
	Sections []*section
	Events   []event
	Own      []metric
}

type event struct {
	Name, Attributes, Description string
}

// sections in the order of the page. The first one with a fitting prefix gets a metric.
func sections() []*section {
	return []*section{
		{Title: "Instances and processes", prefixes: []string{"facefusion.instance", "facefusion.process.", "facefusion.event.", "facefusion.discovery.", "process."}},
		{Title: "Containers", prefixes: []string{"container.", "facefusion.container."}},
		{Title: "Servers", prefixes: []string{"facefusion.server.", "facefusion.health.", "facefusion.active_tasks"}},
		{Title: "Jobs", prefixes: []string{"facefusion.job.", "facefusion.step."}},
		{Title: "Log", prefixes: []string{"facefusion.log.", "facefusion.phase.", "facefusion.model."}},
		{Title: "What an instance uses of a GPU", prefixes: []string{"facefusion.gpu."}},
		{Title: "GPUs", prefixes: []string{"hw.", "nvidia."}},
	}
}

// metadataFile is the part of metadata.yaml that is used.
type metadataFile struct {
	Attributes map[string]attributeDeclaration
	Metrics    map[string]metricDeclaration
	Events     map[string]metricDeclaration
	Telemetry  struct{ Metrics map[string]metricDeclaration }
}

type attributeDeclaration struct {
	NameOverride string `yaml:"name_override"`
	Description  string
	Type         string
	Enum         []string
}

type metricDeclaration struct {
	Enabled           bool
	Unit, Description string
	Sum               *struct{ Monotonic bool }
	Attributes        []string
}

func read(receiver string) (*declarations, error) {
	data, err := os.ReadFile(filepath.Join(receiver, "metadata.yaml"))
	if err != nil {
		return nil, err
	}
	var from metadataFile
	if err := yaml.Unmarshal(data, &from); err != nil {
		return nil, err
	}
	all, err := from.metrics()
	if err != nil {
		return nil, err
	}
	histograms, err := from.histograms(receiver)
	if err != nil {
		return nil, err
	}
	into := &declarations{Sections: sections()}
	if err := distribute(into.Sections, append(all, histograms...)); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(from.Events)) {
		e := from.Events[name]
		into.Events = append(into.Events, event{name, list(from.sent(e.Attributes)), e.Description})
	}
	// The text format of the collector's own page has no suffixes.
	for _, name := range slices.Sorted(maps.Keys(from.Telemetry.Metrics)) {
		m := from.Telemetry.Metrics[name]
		into.Own = append(into.Own, metric{Name: "otelcol_" + name, Unit: m.Unit, Description: m.Description})
	}
	return into, nil
}

// distribute puts each metric into its section, sorted by name. A metric without a section is an
// error, so that none is forgotten.
func distribute(into []*section, all []metric) error {
	slices.SortFunc(all, func(a, b metric) int { return strings.Compare(a.Name, b.Name) })
	for _, m := range all {
		at := slices.IndexFunc(into, func(s *section) bool {
			return slices.ContainsFunc(s.prefixes, func(prefix string) bool { return strings.HasPrefix(m.Name, prefix) })
		})
		if at < 0 {
			return fmt.Errorf("%s has no section: give it one in docs/generate/declarations.go", m.Name)
		}
		into[at].Metrics = append(into[at].Metrics, m)
	}
	return nil
}

// sent are the names that attributes are sent by.
func (from *metadataFile) sent(attributes []string) (names []string) {
	for _, name := range attributes {
		names = append(names, cmp.Or(from.Attributes[name].NameOverride, name))
	}
	return names
}

// ofHistograms are attributes that no metric of mdatagen's has, or not with this meaning.
// docs/cardinality.md has their values.
var ofHistograms = map[string]string{
	"error.type":                "Why a request of the receiver's own failed; absent where it went well.",
	"facefusion.model":          "The models of the processors that the step used. Of models that are not FaceFusion's own, 20 of an instance; the rest is `other`.",
	"facefusion.probe":          "Which request of the receiver's own it was.",
	"facefusion.processors":     "The processors of FaceFusion's own list that the step used, in their order.",
	"http.response.status_code": "The status of the answer; absent where there was none, or one that is not usual.",
}

// attribute is the declaration of what is sent by a name.
func (from *metadataFile) attribute(name string) (attribute, error) {
	if description, ok := ofHistograms[name]; ok {
		return attribute{name, description, "Any Str"}, nil
	}
	declared, ok := from.Attributes[name]
	if !ok {
		return attribute{}, fmt.Errorf("%s is neither in metadata.yaml nor in docs/generate/declarations.go", name)
	}
	values := "Any " + strings.ToUpper(declared.Type[:1]) + declared.Type[1:]
	switch {
	case len(declared.Enum) > 0:
		values = "Str: ``" + strings.Join(declared.Enum, "``, ``") + "``"
	case declared.Type == "string":
		values = "Any Str"
	}
	return attribute{name, declared.Description, values}, nil
}

func (from *metadataFile) metrics() ([]metric, error) {
	var found []metric
	for name, m := range from.Metrics {
		kind, translated := "gauge", otlptranslator.MetricType(otlptranslator.MetricTypeGauge)
		switch {
		case m.Sum != nil && m.Sum.Monotonic:
			kind, translated = "counter", otlptranslator.MetricTypeMonotonicCounter
		case m.Sum != nil: // an up-down counter, which Prometheus calls a gauge
			translated = otlptranslator.MetricTypeNonMonotonicCounter
		}
		prometheus, err := translate(name, m.Unit, translated)
		if err != nil {
			return nil, err
		}
		found = append(found, metric{Name: name, Prometheus: prometheus, Kind: kind, Unit: m.Unit,
			Attributes: list(from.sent(m.Attributes)), Description: m.Description, Enabled: m.Enabled})
	}
	return found, nil
}

// translate names a metric as the collector's Prometheus exporters do.
func translate(name, unit string, kind otlptranslator.MetricType) (string, error) {
	namer := otlptranslator.MetricNamer{WithMetricSuffixes: true}
	return namer.Build(otlptranslator.Metric{Name: name, Unit: unit, Type: kind})
}

func list(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "`" + strings.Join(names, "`, `") + "`"
}

// histograms are those of all sections.
func (d *declarations) histograms() (found []metric) {
	for _, s := range d.Sections {
		for _, m := range s.Metrics {
			if m.Kind == "histogram" {
				found = append(found, m)
			}
		}
	}
	return found
}

// prometheusNames are the names in Prometheus of the metrics that mdatagen knows.
func (d *declarations) prometheusNames() map[string]string {
	names := map[string]string{}
	for _, s := range d.Sections {
		for _, m := range s.Metrics {
			if m.Kind != "histogram" {
				names[m.Name] = m.Prometheus
			}
		}
	}
	return names
}

// Anchor is the section's anchor in the rendered page.
func (s *section) Anchor() string {
	return strings.ReplaceAll(strings.ToLower(s.Title), " ", "-")
}
