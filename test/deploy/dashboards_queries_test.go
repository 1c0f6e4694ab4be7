package deploy

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// dashboardsUpstream are metrics of others that only dashboards use: Prometheus about its scrapes,
// host_metrics, and the collector about itself.
var dashboardsUpstream = []string{
	"ALERTS", "scrape_duration_seconds", "scrape_samples_scraped",
	"system_disk_io_bytes_total", "system_disk_io_time_seconds_total",
	"system_network_dropped_total", "system_network_errors_total", "system_network_io_bytes_total",
	"otelcol_exporter_sent_metric_points", "otelcol_process_cpu_seconds", "otelcol_process_runtime_heap_alloc_bytes",
	"otelcol_receiver_accepted_metric_points", "otelcol_scraper_errored_metric_points",
}

// asAsked is a query as Grafana sends it to Prometheus.
var asAsked = strings.NewReplacer("$__rate_interval", "1m", "$__range_s", "3600", "$__range", "1h", `"$media"`, `"image|video"`, "$host", "h", "$instance", "i", "$service", "s", "$gpu", "g")

// known are the declared metrics and the records of the rules.
func known(t *testing.T) map[string]seriesDeclaration {
	t.Helper()
	names := declared(t)
	for _, rule := range rules(t) {
		if rule.Record != "" {
			names[rule.Record] = seriesDeclaration{}
		}
	}
	for _, name := range dashboardsUpstream {
		names[name] = seriesDeclaration{}
	}
	for name, labels := range insideSeries(t) {
		names[name] = seriesDeclaration{labels}
	}
	return names
}

// insideSeries are those that the page of facefusion-observability has, with their labels, as its
// program declares them, and without those that prometheus.yml drops.
func insideSeries(t *testing.T) map[string]map[string][]string {
	t.Helper()
	program, err := os.ReadFile("../../instrumentation/src/facefusion_observability/metrics.py")
	require.NoError(t, err)
	config := loadScrapes(t)
	dropped := regexp.MustCompile("^(?:" + config.dropped(t, "facefusion-inside") + ")$")
	declaration := regexp.MustCompile(`(Counter|Histogram|Gauge)\(\s*(inside \+ )?"([a-z_]+)",\s*"[^"]*",\s*(?:\(([^)]*)\))?`)
	all := map[string]map[string][]string{}
	for _, m := range declaration.FindAllStringSubmatch(string(program), -1) {
		name := m[3]
		if m[2] != "" {
			name = "facefusion_inside_" + name
		}
		if dropped.MatchString(name) {
			continue
		}
		labels := map[string][]string{"job": nil, "instance": nil, "host_name": nil}
		for _, label := range regexp.MustCompile(`"([a-z_]+)"`).FindAllStringSubmatch(m[4], -1) {
			labels[label[1]] = nil
		}
		switch m[1] {
		case "Counter":
			all[name+"_total"] = labels
		case "Gauge":
			all[name] = labels
		case "Histogram":
			all[name+"_sum"], all[name+"_count"] = labels, labels
			all[name+"_bucket"] = maps.Clone(labels)
			all[name+"_bucket"]["le"] = nil
		}
	}
	require.Greater(t, len(all), 12)
	return all
}

// Each of these series, or one of its histogram, is on the inside dashboard.
func TestWhatComesFromInsideIsShown(t *testing.T) {
	var asked strings.Builder
	for _, query := range dashboards(t)["inside.json"].queries() {
		asked.WriteString(query + "\n")
	}
	for name := range insideSeries(t) {
		family := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		require.Contains(t, asked.String(), family)
	}
}

// TestAFailedRequestLeadsToItsTrace: by a dot, which is an exemplar, and by a click on the line of
// its route, which opens Jaeger at the spans that the package names after method and route.
func TestAFailedRequestLeadsToItsTrace(t *testing.T) {
	var failed panel
	for _, p := range dashboards(t)["inside.json"].allPanels() {
		if p.Title == "Errors by route" {
			failed = p
		}
	}
	require.Len(t, failed.Targets, 1)
	require.True(t, failed.Targets[0].Exemplar)
	require.Contains(t, failed.Targets[0].Expr, `status="5xx"`)
	require.Len(t, failed.FieldConfig.Defaults.Links, 1)
	link, err := url.Parse(strings.NewReplacer(
		"${__field.labels.method:percentencode}", "POST", "${__field.labels.handler:percentencode}", "%2Fv1%2Fswap%2F%7Buser_id%7D", "${__from}", "1", "${__to}", "2",
	).Replace(failed.FieldConfig.Defaults.Links[0].URL))
	require.NoError(t, err)
	require.Equal(t, "/explore", link.Path)
	var panes map[string]struct {
		Datasource string
		Queries    []struct{ Service, Operation, Tags string }
	}
	require.NoError(t, json.Unmarshal([]byte(link.Query().Get("panes")), &panes))
	require.Equal(t, "jaeger", panes["traces"].Datasource)
	require.Equal(t, "POST /v1/swap/{user_id}", panes["traces"].Queries[0].Operation)
	service, err := os.ReadFile("../../instrumentation/src/facefusion_observability/otlp.py")
	require.NoError(t, err)
	require.Contains(t, string(service), `"`+panes["traces"].Queries[0].Service+`"`)
	spans, err := os.ReadFile("../../instrumentation/src/facefusion_observability/http.py")
	require.NoError(t, err)
	require.Contains(t, string(spans), `span.name(f"{self._method} {template}")`)
}

func TestDashboardsAskForWhatExists(t *testing.T) {
	names := known(t)
	asked := map[string]bool{}
	for _, d := range dashboards(t) {
		for who, query := range d.queries() {
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(asAsked.Replace(query))
			require.NoError(t, err, who)
			parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
				switch node := node.(type) {
				case *parser.VectorSelector:
					asked[node.Name] = true
					checkSelector(t, names, who, node)
				case *parser.AggregateExpr:
					checkGrouping(t, names, who, node)
				}
				return nil
			})
		}
	}
	for _, name := range dashboardsUpstream {
		require.True(t, asked[name], "no dashboard asks for %s any more", name)
	}
}

// checkGrouping fails if a query groups by a label that the inner series lack: all series would
// fall into one group.
func checkGrouping(t *testing.T, names map[string]seriesDeclaration, who string, aggregate *parser.AggregateExpr) {
	t.Helper()
	parser.Inspect(aggregate.Expr, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok || names[selector.Name].labels == nil {
			return nil
		}
		for _, label := range aggregate.Grouping {
			if _, ok := names[selector.Name].labels[label]; !ok {
				t.Errorf("%s groups %s by %s, which it does not have", who, selector.Name, label)
			}
		}
		return nil
	})
}

// unshown are the metrics that no panel shows, with the reason.
var unshown = map[string]string{
	"facefusion_server_kind":             "it explains a state, to somebody who asks",
	"facefusion_process_count":           "how many processes of a role there are is seen from what they use",
	"process_thread_count":               "for those who look for a leak of threads, by hand",
	"process_unix_file_descriptor_count": "for those who look for a leak of descriptors, by hand",
	"process_uptime_seconds":             "restarts are annotations",
	"hw_fan_speed":                       "the fraction says more, and of all fans",
	"nvidia_gpu_pcie_link_generation":    "goes down while a GPU is idle; the inventory has the highest",
	"nvidia_gpu_selection_unmatched":     "an alert says it",
}

// Every emitted metric is on a panel, or listed in unshown with a reason.
func TestWhatIsSentIsShown(t *testing.T) {
	shown := map[string]bool{}
	for _, d := range dashboards(t) {
		for who, query := range d.queries() {
			if strings.Contains(who, ": variable ") {
				continue
			}
			for _, name := range regexp.MustCompile(`[a-z_:][a-z0-9_:]*`).FindAllString(query, -1) {
				shown[name] = true
			}
		}
	}
	for name, declaration := range declared(t) {
		family := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		seen := shown[name] || shown[family+"_bucket"] || shown["media:"+family+":median6h"]
		if declaration.labels != nil && !seen && unshown[name] == "" {
			t.Errorf("no dashboard shows %s", name)
		}
		if seen && unshown[name] != "" {
			t.Errorf("%s is shown, and stands among the unshown", name)
		}
	}
}
