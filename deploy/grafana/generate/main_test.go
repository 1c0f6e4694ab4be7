package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The committed dashboards equal what the program writes, and the folder holds no other file.
func TestDashboardsAreCurrent(t *testing.T) {
	files := render()
	found, err := filepath.Glob("../dashboards/*.json")
	require.NoError(t, err)
	chinese, err := filepath.Glob("../dashboards/zh/*")
	require.NoError(t, err)
	found = append(found, chinese...)
	require.Len(t, found, len(files))
	for name, content := range files {
		committed, err := os.ReadFile(filepath.Join("../dashboards", name))
		require.NoError(t, err)
		require.Equal(t, string(content), string(committed), "run 'make generate'")
	}
}

func TestLineThatDoesNotFill(t *testing.T) {
	b := newLayout("uid", "title", "", nil, nil)
	require.Panics(t, func() { b.line(4, wide(10, panel{}), wide(10, panel{})) })
	require.Panics(t, func() { b.line(4, panel{}, panel{}, panel{}, panel{}, panel{}) })
	require.NotPanics(t, func() { b.line(4, wide(10, panel{}), panel{}) })
}

// The form in which grafana.com takes dashboards: what is needed, and no id of anybody's Grafana.
func TestPublished(t *testing.T) {
	p := publish(dashboard{UID: "u", Panels: []panel{{Type: "stat"}, {Type: "row", Panels: []panel{{Type: "table"}, {Type: "stat"}}}}})
	require.Equal(t, []requirement{
		{"grafana", "grafana", "Grafana", "11.0.0"}, {"datasource", "prometheus", "Prometheus", ""},
		{"panel", "stat", "Stat", ""}, {"panel", "table", "Table", ""},
	}, p.Requires)
	require.Panics(t, func() { publish(dashboard{Panels: []panel{{Type: "canvas"}}}) })
	for name, content := range render() {
		for _, part := range []string{`"__inputs": []`, `"__elements": {}`, `"__requires": [`, `"id": null`} {
			require.Contains(t, string(content), part, name)
		}
		require.NotContains(t, string(content), "${DS_", "%s: a data source that has to be asked for", name)
	}
}

// A series that is called by the value of a label keeps its name in Chinese, and with it its
// colour, also where the same word is translated elsewhere.
func TestValuesKeepTheirColours(t *testing.T) {
	z := newTranslator()
	named := func(legend, name string) string {
		p := z.panel(panel{Type: "timeseries", Targets: []target{{LegendFormat: legend}}, FieldConfig: &fieldConfig{Overrides: []override{colorBy(name, nil)}}})
		return p.FieldConfig.Overrides[0].Matcher.Options
	}
	require.Equal(t, "failed", named("{{facefusion_outcome}}", "failed"))
	require.NotEqual(t, "failed", named("failed", "failed"))
	require.Equal(t, z.legend("failed"), named("failed", "failed"))
}

// Every text has a Chinese translation in zh.json.
func TestEveryTextIsTranslated(t *testing.T) {
	z := newTranslator()
	for _, board := range boards() {
		z.board(board)
	}
	require.Empty(t, z.missing, "texts without a Chinese one in zh.json")
	var unread []string
	for text := range z.texts {
		if !z.used[text] {
			unread = append(unread, text)
		}
	}
	require.Empty(t, unread, "texts of zh.json that no dashboard has")
}
