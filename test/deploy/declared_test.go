package deploy

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/otlptranslator"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const receiverFolder = "../../receiver/facefusionreceiver"

// upstream are the metrics of others: Prometheus itself, host_metrics, and the collector about
// itself, which has no suffixes in the text format of this version.
var upstream = []string{
	"up",
	"system_cpu_time_seconds_total", "system_paging_operations_total", "system_paging_usage_bytes", "system_filesystem_usage_bytes", "system_filesystem_inodes_usage", "system_memory_usage_bytes",
	"otelcol_exporter_enqueue_failed_log_records", "otelcol_exporter_enqueue_failed_metric_points", "otelcol_exporter_enqueue_failed_spans",
	"otelcol_exporter_queue_capacity", "otelcol_exporter_queue_size",
	"otelcol_exporter_send_failed_log_records", "otelcol_exporter_send_failed_metric_points", "otelcol_exporter_send_failed_spans",
	"otelcol_process_memory_rss", "otelcol_process_uptime", "otelcol_receiver_refused_log_records", "otelcol_receiver_refused_metric_points",
	"otelcol_receiver_refused_spans",
	"alertmanager_config_last_reload_successful", "alertmanager_notifications_failed_total", "alertmanager_notifications_total",
	"prometheus_config_last_reload_success_timestamp_seconds", "prometheus_config_last_reload_successful", "prometheus_notifications_alertmanagers_discovered", "prometheus_notifications_dropped_total",
	"prometheus_rule_evaluation_failures_total", "prometheus_rule_group_iterations_missed_total", "prometheus_target_scrapes_sample_duplicate_timestamp_total",
	"prometheus_target_scrapes_sample_out_of_bounds_total", "prometheus_target_scrapes_sample_out_of_order_total",
	"prometheus_tsdb_compactions_failed_total", "prometheus_tsdb_head_truncations_failed_total", "prometheus_tsdb_wal_corruptions_total",
}

// histogramAttributes are those in the comments of histograms.go, for all histograms together.
var histogramAttributes = []string{
	"facefusion.outcome", "facefusion.origin", "facefusion.media", "facefusion.processors", "facefusion.model",
	"server.port", "facefusion.probe", "http.response.status_code", "error.type",
}

// seriesDeclaration describes the possible series of a metric. Without labels, the labels are
// unknown.
type seriesDeclaration struct {
	// labels have the values that their attribute may have; none means any.
	labels map[string][]string
}

type declaredMetric struct {
	Enabled     bool
	Description string
	Unit        string
	Sum         *struct{ Monotonic bool }
	Attributes  []string
}

// instrument is the kind of the metric in the words of the conventions.
func (m declaredMetric) instrument() string {
	switch {
	case m.Sum == nil:
		return "gauge"
	case m.Sum.Monotonic:
		return "counter"
	default:
		return "updowncounter"
	}
}

type metadata struct {
	Attributes map[string]struct {
		NameOverride string `yaml:"name_override"`
		Enum         []string
	}
	ResourceAttributes map[string]any `yaml:"resource_attributes"`
	Metrics            map[string]declaredMetric
	Telemetry          struct {
		Metrics map[string]any
	}
}

// values are those that an attribute may have; of one that the configuration chooses, also none.
func (m *metadata) values(attribute string) []string {
	values := m.Attributes[attribute].Enum
	if attribute == "facefusion.outcome" {
		return append(slices.Clone(values), "")
	}
	return values
}

// ofMetrics are the attributes that resources of metrics have: service.version is one of events and
// spans.
func (m *metadata) ofMetrics() map[string]any {
	attributes := maps.Clone(m.ResourceAttributes)
	delete(attributes, "service.version")
	return attributes
}

// loadMetadata reads metadata.yaml.
func loadMetadata(t *testing.T) (m metadata) {
	t.Helper()
	data, err := os.ReadFile(receiverFolder + "/metadata.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(data, &m))
	return m
}

// declared are all metrics by their names in Prometheus.
func declared(t *testing.T) map[string]seriesDeclaration {
	t.Helper()
	m := loadMetadata(t)
	names := map[string]seriesDeclaration{}
	for _, name := range upstream {
		names[name] = seriesDeclaration{}
	}
	for name := range m.Telemetry.Metrics {
		names["otelcol_"+name] = seriesDeclaration{}
	}
	for name, metric := range m.Metrics {
		if !metric.Enabled {
			continue
		}
		kind := map[string]otlptranslator.MetricType{
			"gauge": otlptranslator.MetricTypeGauge, "updowncounter": otlptranslator.MetricTypeNonMonotonicCounter, "counter": otlptranslator.MetricTypeMonotonicCounter,
		}[metric.instrument()]
		labels := map[string][]string{"job": nil, "instance": nil}
		for attribute := range m.ofMetrics() {
			labels[label(attribute)] = nil
		}
		for _, attribute := range metric.Attributes {
			labels[label(attribute)] = m.values(attribute)
		}
		names[translate(t, name, metric.Unit, kind)] = seriesDeclaration{labels}
	}
	labels := map[string][]string{"job": nil, "instance": nil, "le": bounds(t)}
	for attribute := range m.ofMetrics() {
		labels[label(attribute)] = nil
	}
	for _, attribute := range histogramAttributes {
		labels[label(attribute)] = m.values(attribute)
	}
	for name, unit := range histograms(t) {
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			names[translate(t, name, unit, otlptranslator.MetricTypeHistogram)+suffix] = seriesDeclaration{labels}
		}
	}
	return names
}

// histograms are declared in Go: mdatagen cannot build them.
func histograms(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(receiverFolder + "/internal/*/histograms.go")
	require.NoError(t, err)
	found := map[string]string{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range regexp.MustCompile(`Name:\s+"([a-z.]+)",\s+Unit:\s+"([^"]*)"`).FindAllStringSubmatch(string(source), -1) {
			found[match[1]] = match[2]
		}
	}
	require.NotEmpty(t, found)
	return found
}

// bounds are those of the histograms of jobs, with the ".0" that Prometheus adds when it scrapes.
func bounds(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("../../internal/jobqueue/totals.go")
	require.NoError(t, err)
	match := regexp.MustCompile(`DurationBounds = \[\]float64\{([^}]+)\}`).FindSubmatch(source)
	require.NotNil(t, match)
	var found []string
	for bound := range strings.SplitSeq(string(match[1]), ", ") {
		found = append(found, bound+`(\.0)?`)
	}
	return found
}

// translate names a metric as the collector's Prometheus exporters do.
func translate(t *testing.T, name, unit string, kind otlptranslator.MetricType) string {
	t.Helper()
	namer := otlptranslator.MetricNamer{WithMetricSuffixes: true}
	translated, err := namer.Build(otlptranslator.Metric{Name: name, Unit: unit, Type: kind})
	require.NoError(t, err)
	return translated
}

func label(attribute string) string {
	return strings.NewReplacer(".", "_", "-", "_").Replace(attribute)
}

// The golden page of the end-to-end test is what the built collector sends: where both know a
// metric, they must agree on its name.
func TestTranslationIsThatOfTheCollector(t *testing.T) {
	page, err := os.ReadFile("../e2e/testdata/metrics.txt")
	require.NoError(t, err)
	names := declared(t)
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(string(page), -1) {
		name := match[1]
		if name == "target_info" {
			continue
		}
		if match[2] == "histogram" {
			name += "_bucket"
		}
		if _, ok := names[name]; !ok {
			t.Errorf("the collector sends %s, which is not among the declared: %v", name, near(names, name))
		}
	}
}

// near returns the declared names with the same beginning, for the message of a failed test.
func near(names map[string]seriesDeclaration, name string) []string {
	var alike []string
	for n := range names {
		if len(name) > 14 && strings.HasPrefix(n, name[:14]) {
			alike = append(alike, n)
		}
	}
	slices.Sort(alike)
	return alike
}
