package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Grafana accepts any word as a unit and shows it unchanged.
var units = []string{"none", "short", "s", "bytes", "Bps", "percentunit", "celsius", "watt", "watth", "kwatth", "hertz", "reqps", "dateTimeFromNow"}

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
		for _, p := range d.allPanels() {
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
			require.NotRegexp(t, ownWindow, a.Expr, "%s: the annotation %s has a window of its own", name, a.Name)
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

// ownWindow matches a range that does not follow the dashboard's time range.
var ownWindow = regexp.MustCompile(`\[(\d[^\]]*)\]`)

// checkWindows allows a query with a fixed window only if the panel's description states its
// length.
func checkWindows(t *testing.T, who string, p panel) {
	t.Helper()
	words := map[string]string{"30m": "half an hour", "30d:1d": "30 days", "1h": "hour", "1d": "day"}
	for _, target := range p.Targets {
		for _, match := range ownWindow.FindAllStringSubmatch(target.Expr, -1) {
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
