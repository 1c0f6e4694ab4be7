package deploy

import (
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// dashboardsUpstream are metrics of others that only dashboards use: Prometheus about its scrapes,
// host_metrics, and the collector about itself.
var dashboardsUpstream = []string{
	"scrape_duration_seconds", "scrape_samples_scraped",
	"system_disk_io_bytes_total", "system_disk_io_time_seconds_total",
	"system_network_dropped_total", "system_network_errors_total", "system_network_io_bytes_total",
	"otelcol_exporter_sent_metric_points", "otelcol_process_cpu_seconds", "otelcol_process_runtime_heap_alloc_bytes",
	"otelcol_receiver_accepted_metric_points", "otelcol_scraper_errored_metric_points",
}

// asAsked is a query as Grafana sends it to Prometheus.
var asAsked = strings.NewReplacer("$__rate_interval", "1m", "$__range_s", "3600", "$__range", "1h", `"$media"`, `"image|video"`, "$host", "h", "$instance", "i", "$gpu", "g")

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
	return names
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

// unshown are metrics that no panel shows, and why.
var unshown = map[string]string{
	"facefusion_server_kind":             "it explains a state, to somebody who asks",
	"facefusion_process_count":           "how many processes of a role there are is seen from what they use",
	"process_thread_count":               "for those who look for a leak of threads, by hand",
	"process_unix_file_descriptor_count": "for those who look for a leak of descriptors, by hand",
	"process_uptime_seconds":             "restarts are annotations",
	"hw_fan_speed":                       "the fraction says more, and of all fans",
	"nvidia_gpu_pcie_link_generation":    "goes down while a GPU is idle; the inventory has the highest",
	"nvidia_gpu_selection_unmatched":     "an alert says it",
	"nvidia_gpu_xid_last_seconds":        "XIDs are annotations, and bars",
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
