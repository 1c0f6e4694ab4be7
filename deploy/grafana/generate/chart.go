package main

import (
	"encoding/json"
	"net/url"
	"strings"
)

// chart describes a panel, independent of its visualization.
type chart struct {
	title string
	// about is the panel's description: what is shown, and what to conclude from it.
	about string
	unit  string
	// empty is the text of a panel without data, where the absence has a meaning.
	empty   string
	queries []query
	// scale colours by value. Without it, colours only distinguish series.
	scale []thresholdStep
	// states are the names and colours of the values of a metric that encodes states as numbers.
	states []state
	// colors maps series names that have a meaning to their colours.
	colors map[string]string
	// runbooks are the alerts that use the panel's metrics.
	runbooks []string
	// events has the panel lead to the events of its jobs in Loki, by this condition on them.
	events   string
	min, max *float64
	// least is the lowest upper end of the axis: without it, Grafana draws a line of zeros on an
	// axis up to 100.
	least    *float64
	decimals *int
	// interval is the minimum step, for rare events that the usual step would spread thin.
	interval  string
	overrides []override
}

// query is one query of a panel. In expr, @host, @instance, @gpu and @jobs stand for the matchers
// of the dashboard's variables.
type query struct {
	expr, legend string
}

// matchers maps these placeholders to label matchers.
var matchers = strings.NewReplacer(
	"@host", `host_name=~"$host"`,
	"@instance", `host_name=~"$host", service_instance_id=~"$instance"`,
	"@gpu", `host_name=~"$host", hw_name=~"$gpu"`,
	"@jobs", `host_name=~"$host", service_instance_id=~"$instance", facefusion_media=~"$media"`,
)

var prometheus = datasource{Type: "prometheus", UID: "${datasource}"}

func (c chart) panel(kind string) panel {
	p := panel{
		Type:        kind,
		Title:       c.title,
		Description: c.about,
		Datasource:  &prometheus,
		Interval:    c.interval,
		FieldConfig: &fieldConfig{
			Defaults: fieldDefaults{
				Unit: c.unit, Decimals: c.decimals, Min: c.min, Max: c.max,
				NoValue:    c.empty,
				Color:      apart,
				Thresholds: thresholds{Mode: "absolute", Steps: c.scale},
				Mappings:   []mapping{},
			},
			Overrides: []override{},
		},
	}
	defaults := &p.FieldConfig.Defaults
	if c.empty == "" {
		defaults.NoValue = "no data"
	}
	if c.scale == nil {
		defaults.Thresholds.Steps = []thresholdStep{{nil, "text"}}
	} else {
		defaults.Color = map[string]any{"mode": "thresholds"}
	}
	if c.states != nil {
		defaults.Mappings = []mapping{valueMapping(c.states)}
	}
	for i, q := range c.queries {
		p.Targets = append(p.Targets, target{
			RefID: string(rune('A' + i)), Datasource: prometheus, EditorMode: "code",
			Expr: matchers.Replace(strings.TrimSpace(q.expr)), LegendFormat: q.legend, Format: "time_series", Range: true,
		})
	}
	p.FieldConfig.Overrides = append(c.colored(), c.overrides...)
	for _, alert := range c.runbooks {
		p.Links = append(p.Links, panelLink{Title: "Runbook: " + alert, URL: "${docs}/runbooks/" + alert + ".md", TargetBlank: true})
	}
	if c.events != "" {
		p.Links = append(p.Links, panelLink{Title: eventsTitle, URL: eventsOf(c.events), TargetBlank: true})
	}
	return p
}

// eventsTitle is what leads to events.
const eventsTitle = "Events of these jobs"

// eventsOf is Grafana's Explore with the events that fulfil a condition, in Loki, over the time of
// the dashboard.
func eventsOf(condition string) string {
	panes, err := json.Marshal(map[string]any{"events": map[string]any{
		"datasource": "loki",
		"queries":    []any{map[string]any{"refId": "A", "datasource": map[string]any{"type": "loki", "uid": "loki"}, "expr": `{service_name="facefusion"} | ` + condition}},
		"range":      map[string]any{"from": "TIME_FROM", "to": "TIME_TO"},
	}})
	if err != nil {
		panic(err) // it is made of strings
	}
	return "/explore?schemaVersion=1&panes=" + strings.NewReplacer("TIME_FROM", "${__from}", "TIME_TO", "${__to}").Replace(url.QueryEscape(string(panes)))
}
