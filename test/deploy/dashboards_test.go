package deploy

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const grafana = "../../deploy/grafana"

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
	Datasource             datasource
}

type variable struct {
	Name, Type, Definition string
	Query                  any
}

type datasource struct{ UID string }

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               datasource
	Targets                  []struct {
		RefID, Expr, LegendFormat string
		Exemplar                  bool
		Datasource                datasource
	}
	FieldConfig struct {
		Defaults struct {
			Unit, NoValue string
			Links         []struct{ URL string }
		}
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
	return dashboardsOf(t, grafana+"/dashboards/*.json")
}

func dashboardsOf(t *testing.T, pattern string) map[string]dashboard {
	t.Helper()
	all := map[string]dashboard{}
	for _, file := range glob(t, pattern) {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var d dashboard
		require.NoError(t, json.Unmarshal(data, &d), file)
		all[filepath.Base(file)] = d
	}
	return all
}

// allPanels returns the panels of a dashboard that query something, those in collapsed rows
// included.
func (d dashboard) allPanels() []panel {
	var all []panel
	for _, p := range d.Panels {
		if p.Type != "row" {
			all = append(all, p)
		}
		all = append(all, p.Panels...)
	}
	return all
}

// queries returns all queries of a dashboard by the panel, annotation or variable that has them.
func (d dashboard) queries() map[string]string {
	all := map[string]string{}
	for _, p := range d.allPanels() {
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

// Each panel links to the runbooks of its alerts, and each alert has a panel.
func TestPanelsAndRunbooks(t *testing.T) {
	alerts := alerts(t)
	// there is no panel
	linked := map[string]bool{"Watchdog": true, "CollectorGPUSelectionUnmatched": true}
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
		for _, p := range d.allPanels() {
			for _, link := range p.Links {
				if strings.HasPrefix(link.URL, "/explore?") {
					requireExplores(t, link.URL)
					continue
				}
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

// requireExplores requires a link into a data source that is provisioned, with a query and the time
// of the dashboard.
func requireExplores(t *testing.T, link string) {
	t.Helper()
	_, query, _ := strings.Cut(link, "?")
	values, err := url.ParseQuery(query)
	require.NoError(t, err)
	require.Equal(t, "1", values.Get("schemaVersion"))
	var panes map[string]struct {
		Datasource string
		Queries    []struct{ Expr string }
		Range      struct{ From, To string }
	}
	require.NoError(t, json.Unmarshal([]byte(values.Get("panes")), &panes), link)
	require.Len(t, panes, 1)
	for _, pane := range panes {
		require.Equal(t, "loki", pane.Datasource)
		require.Len(t, pane.Queries, 1)
		require.Contains(t, pane.Queries[0].Expr, `{service_name="facefusion"} | `)
		require.Equal(t, "${__from}", pane.Range.From)
		require.Equal(t, "${__to}", pane.Range.To)
	}
}

// The Chinese dashboards have the queries of the English ones, names of their own, and link to each
// other.
func TestDashboardsInChinese(t *testing.T) {
	english, chinese := dashboardsOf(t, grafana+"/dashboards/*.json"), dashboardsOf(t, grafana+"/dashboards/zh/*.json")
	require.Len(t, chinese, len(english))
	uids := map[string]bool{}
	for name, d := range chinese {
		e := english[name]
		require.Equal(t, e.UID+"-zh", d.UID)
		uids[d.UID] = true
		require.Regexp(t, `\p{Han}`, d.Description)
		require.Equal(t, len(e.allPanels()), len(d.allPanels()))
		for i, p := range d.allPanels() {
			require.Equal(t, len(e.allPanels()[i].Targets), len(p.Targets))
			for n, target := range p.Targets {
				require.Equal(t, e.allPanels()[i].Targets[n].Expr, target.Expr)
			}
			require.Regexp(t, `\p{Han}`, p.Description, p.Title)
		}
	}
	for _, file := range glob(t, grafana+"/dashboards/zh/*.json") {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range regexp.MustCompile(`"/d/([a-z-]+)`).FindAllStringSubmatch(string(data), -1) {
			require.True(t, uids[match[1]], "%s leads to the dashboard %s, which there is not in Chinese", file, match[1])
		}
	}
	// Messages link to both.
	for _, name := range []string{"rules", "rules-zh"} {
		for _, file := range glob(t, prometheus+"/"+name+"/alerts/*.yml") {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, match := range regexp.MustCompile(`dashboard_url: ".*/d/([a-z-]+)`).FindAllStringSubmatch(string(data), -1) {
				known := uids[match[1]]
				for _, d := range english {
					known = known || name == "rules" && d.UID == match[1]
				}
				require.True(t, known, "%s leads to %s", file, match[1])
			}
		}
	}
}
