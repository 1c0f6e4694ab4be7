package deploy

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

const grafana = "../../deploy/grafana"

// dashboardsUpstream are metrics of others that only dashboards use: Prometheus about its scrapes, host_metrics, and the collector about itself.
var dashboardsUpstream = []string{
	"scrape_duration_seconds", "scrape_samples_scraped",
	"system_disk_io_bytes_total", "system_disk_io_time_seconds_total",
	"system_network_dropped_total", "system_network_errors_total", "system_network_io_bytes_total",
	"otelcol_exporter_sent_metric_points", "otelcol_process_cpu_seconds", "otelcol_process_runtime_heap_alloc_bytes",
	"otelcol_receiver_accepted_metric_points", "otelcol_scraper_errored_metric_points",
}

type dashboard struct {
	UID, Title, Description string
	ID                      *int
	Tags                    []string
	SchemaVersion           int
	Links                   []link
	Annotations             struct{ List []annotation }
	Templating              struct{ List []variable }
	Panels                  []panel
}

type link struct {
	Type, URL   string
	Tags        []string
	IncludeVars bool
}

type annotation struct {
	Name, Expr, TextFormat string
	Datasource             source
}

type variable struct {
	Name, Type, Definition string
	Query                  any
}

type source struct{ UID string }

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               source
	Targets                  []struct {
		RefID, Expr, LegendFormat string
		Datasource                source
	}
	FieldConfig struct {
		Defaults  struct{ Unit, NoValue string }
		Overrides []struct {
			Properties []struct {
				ID    string
				Value any
			}
		}
	}
	Links  []struct{ URL string }
	Panels []panel
}

// dashboards are those of deploy/grafana, by the name of their file.
func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	all := map[string]dashboard{}
	for _, file := range glob(t, grafana+"/dashboards/*.json") {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var d dashboard
		require.NoError(t, json.Unmarshal(data, &d), file)
		all[filepath.Base(file)] = d
	}
	return all
}

// panels are all of a dashboard that show something, those in folded rows included.
func (d dashboard) panels() []panel {
	var all []panel
	for _, p := range d.Panels {
		if p.Type != "row" {
			all = append(all, p)
		}
		all = append(all, p.Panels...)
	}
	return all
}

// queries are all that a dashboard asks, by who asks it.
func (d dashboard) queries() map[string]string {
	all := map[string]string{}
	for _, p := range d.panels() {
		for _, target := range p.Targets {
			all[d.UID+": "+p.Title+" "+target.RefID] = target.Expr
		}
	}
	for _, a := range d.Annotations.List {
		all[d.UID+": annotation "+a.Name] = a.Expr
	}
	for _, v := range d.Templating.List {
		if match := regexp.MustCompile(`^label_values\((.+), \w+\)$`).FindStringSubmatch(v.Definition); match != nil {
			all[d.UID+": variable "+v.Name] = match[1]
		}
	}
	return all
}

// asAsked is a query as Prometheus gets it.
var asAsked = strings.NewReplacer("$__rate_interval", "1m", "$__range_s", "3600", "$__range", "1h", `"$media"`, `"image|video"`, "$host", "h", "$instance", "i", "$gpu", "g")

// known are the metrics that there are, and what the rules make of them.
func known(t *testing.T) map[string]declaration {
	t.Helper()
	names := declared(t)
	for _, rule := range rules(t) {
		if rule.Record != "" {
			names[rule.Record] = declaration{}
		}
	}
	for _, name := range dashboardsUpstream {
		names[name] = declaration{}
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

// checkGrouping fails where a query groups by a label that what is inside does not have: everything would fall into one group.
func checkGrouping(t *testing.T, names map[string]declaration, who string, aggregate *parser.AggregateExpr) {
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
	"facefusion_process_count":           "how many processes of a role there are is seen from what they use",
	"process_thread_count":               "for those who look for a leak of threads, by hand",
	"process_unix_file_descriptor_count": "for those who look for a leak of descriptors, by hand",
	"process_uptime_seconds":             "restarts are annotations",
	"hw_fan_speed":                       "the fraction says more, and of all fans",
	"nvidia_gpu_pcie_link_generation":    "goes down while a GPU is idle; the inventory has the highest",
	"nvidia_gpu_selection_unmatched":     "an alert says it",
	"nvidia_gpu_xid_last_seconds":        "XIDs are annotations, and bars",
}

// What is measured and never looked at is a cost without a use.
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

// Grafana takes any word for a unit, and shows it as it is.
var units = []string{"none", "short", "s", "bytes", "Bps", "percentunit", "celsius", "watt", "watth", "kwatth", "hertz", "reqps"}

func TestPanelsSayWhatTheyShow(t *testing.T) {
	for name, d := range dashboards(t) {
		ids, titles := map[int]bool{}, map[string]bool{}
		for _, p := range d.Panels {
			require.False(t, ids[p.ID], "%s: two panels have the id %d", name, p.ID)
			ids[p.ID] = true
			for _, inside := range p.Panels {
				require.False(t, ids[inside.ID], "%s: two panels have the id %d", name, inside.ID)
				ids[inside.ID] = true
			}
		}
		for _, p := range d.panels() {
			who := name + ": " + p.Title
			require.NotEmpty(t, p.Title, name)
			require.False(t, titles[p.Title], "%s: two panels have this title", who)
			titles[p.Title] = true
			require.Regexp(t, `\.$|\.\)$`, p.Description, "%s: a description is a sentence", who)
			require.NotEmpty(t, p.FieldConfig.Defaults.NoValue, "%s: what does it say when there is nothing?", who)
			require.NotEmpty(t, p.Targets, who)
			require.Equal(t, "${datasource}", p.Datasource.UID, who)
			for _, target := range p.Targets {
				require.Equal(t, "${datasource}", target.Datasource.UID, who)
			}
			checkUnit(t, who, p)
			checkWindows(t, who, p)
		}
		for _, a := range d.Annotations.List {
			require.Equal(t, "${datasource}", a.Datasource.UID, name)
		}
	}
}

func checkUnit(t *testing.T, who string, p panel) {
	t.Helper()
	found := []string{p.FieldConfig.Defaults.Unit}
	if p.Type == "table" || p.Type == "state-timeline" {
		// A column has its own, and a state has a name.
		found = nil
	}
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if property.ID == "unit" {
				found = append(found, property.Value.(string))
			}
		}
	}
	for _, unit := range found {
		if !slices.Contains(units, unit) && !strings.HasPrefix(unit, "suffix:") && !strings.HasPrefix(unit, "prefix:") {
			t.Errorf("%s: Grafana has no unit %q", who, unit)
		}
	}
}

// checkWindows lets a query have a window of its own, whatever the time range, only where the description says how long it is.
func checkWindows(t *testing.T, who string, p panel) {
	t.Helper()
	words := map[string]string{"30m": "half an hour", "1h": "hour", "1d": "day"}
	for _, target := range p.Targets {
		for _, match := range regexp.MustCompile(`\[(\d[^\]]*)\]`).FindAllStringSubmatch(target.Expr, -1) {
			if word := words[match[1]]; word == "" || !strings.Contains(p.Description, word) {
				t.Errorf("%s: the window %s is hard-coded, and the description does not say it; $__rate_interval follows the time range", who, match[0])
			}
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	for name, d := range dashboards(t) {
		checkGrid(t, name, d.Panels)
		for _, row := range d.Panels {
			checkGrid(t, name+": "+row.Title, row.Panels)
		}
	}
}

func checkGrid(t *testing.T, who string, panels []panel) {
	t.Helper()
	type cell struct{ x, y int }
	taken := map[cell]string{}
	for _, p := range panels {
		at := p.GridPos
		require.True(t, at.W > 0 && at.H > 0 && at.X >= 0 && at.Y >= 0 && at.X+at.W <= 24, "%s: %s is outside of the grid", who, p.Title)
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				require.Empty(t, taken[cell{x, y}], "%s: %s lies upon another", who, p.Title)
				taken[cell{x, y}] = p.Title
			}
		}
	}
}

func TestDashboardsFindEachOther(t *testing.T) {
	uids := map[string]bool{}
	for name, d := range dashboards(t) {
		require.False(t, uids[d.UID], "%s: its uid is that of another", name)
		uids[d.UID] = true
		require.Nil(t, d.ID, "%s: an id belongs to one Grafana", name)
		require.Contains(t, d.Tags, "facefusion", name)
		require.GreaterOrEqual(t, d.SchemaVersion, 39, name)
		require.NotEmpty(t, d.Description, name)
		require.True(t, slices.ContainsFunc(d.Links, func(l link) bool {
			return l.Type == "dashboards" && slices.Equal(l.Tags, []string{"facefusion"}) && l.IncludeVars
		}), "%s: no links to the others that keep the variables", name)
	}
	for _, file := range glob(t, grafana+"/dashboards/*.json") {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range regexp.MustCompile(`"/d/([a-z-]+)`).FindAllStringSubmatch(string(data), -1) {
			require.True(t, uids[match[1]], "%s leads to the dashboard %s, which there is not", file, match[1])
		}
	}
}

func TestVariablesAreDefinedAndUsed(t *testing.T) {
	for name, d := range dashboards(t) {
		defined := map[string]bool{}
		for _, v := range d.Templating.List {
			defined[v.Name] = v.Type == "query"
		}
		used := map[string]bool{}
		for who, query := range d.queries() {
			for _, match := range regexp.MustCompile(`\$([a-z]\w*)`).FindAllStringSubmatch(query, -1) {
				require.True(t, defined[match[1]], "%s asks for $%s", who, match[1])
				used[match[1]] = true
			}
		}
		for variable, isQuery := range defined {
			require.True(t, used[variable] || !isQuery, "%s: nobody asks for $%s", name, variable)
		}
	}
}

// Whoever looks at a panel finds what to do, and whoever was woken by an alert finds the panel.
func TestPanelsAndRunbooks(t *testing.T) {
	alerts := alerts(t)
	linked := map[string]bool{"Watchdog": true, "CollectorGPUSelectionUnmatched": true} // there is nothing to see
	for name, d := range dashboards(t) {
		for _, v := range d.Templating.List {
			if v.Name == "docs" {
				require.Equal(t, strings.TrimSuffix(runbookURL, "/runbooks/"), v.Query, name)
			}
		}
		for _, link := range d.Links {
			if page, ok := strings.CutPrefix(link.URL, strings.TrimSuffix(runbookURL, "/runbooks/")); ok {
				require.FileExists(t, "../../docs"+page)
			}
		}
		for _, p := range d.panels() {
			for _, link := range p.Links {
				match := regexp.MustCompile(`^\$\{docs\}/runbooks/(\w+)\.md$`).FindStringSubmatch(link.URL)
				require.NotNil(t, match, "%s: %s leads to %s", name, p.Title, link.URL)
				require.Contains(t, alerts, match[1], "%s: %s", name, p.Title)
				linked[match[1]] = true
			}
		}
	}
	for _, alert := range slices.Sorted(maps.Keys(alerts)) {
		require.True(t, linked[alert], "no panel shows what %s is about", alert)
	}
}
