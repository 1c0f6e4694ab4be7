package main

import (
	"cmp"
	"slices"
)

// grafanaVersion is the oldest Grafana that the dashboards are made for.
const grafanaVersion = "11.0.0"

// requirement is what a dashboard needs of the Grafana that it is imported into: the form in which
// grafana.com and "Export for sharing" have it.
type requirement struct {
	Type    string `json:"type"`
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version string `json:"version"`
}

// published is a dashboard as a file for others. Nothing has to be asked at the import (inputs):
// the data source is a variable. The id is that of one's own Grafana, and given at the import.
type published struct {
	Inputs   []any          `json:"__inputs"`
	Elements map[string]any `json:"__elements"`
	Requires []requirement  `json:"__requires"`
	ID       *int           `json:"id"`
	dashboard
}

// kinds are the panels of Grafana by their names for people.
var kinds = map[string]string{
	"bargauge": "Bar gauge", "gauge": "Gauge", "heatmap": "Heatmap", "stat": "Stat", "state-timeline": "State timeline", "table": "Table",
	"text": "Text", "timeseries": "Time series",
}

func publish(board dashboard) published {
	requires := map[string]requirement{
		"grafana":    {"grafana", "grafana", "Grafana", grafanaVersion},
		"prometheus": {"datasource", "prometheus", "Prometheus", ""},
	}
	var add func(panels []panel)
	add = func(panels []panel) {
		for _, p := range panels {
			add(p.Panels)
			if p.Type == "row" {
				continue
			}
			name, ok := kinds[p.Type]
			if !ok {
				panic("no name for panels of the kind " + p.Type) // TestPublished
			}
			requires[p.Type] = requirement{"panel", p.Type, name, ""}
		}
	}
	add(board.Panels)
	all := published{Inputs: []any{}, Elements: map[string]any{}, dashboard: board}
	for _, r := range requires {
		all.Requires = append(all.Requires, r)
	}
	slices.SortFunc(all.Requires, func(a, b requirement) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
