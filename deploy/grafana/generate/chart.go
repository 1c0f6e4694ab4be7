package main

import "strings"

// chart is what a panel says, whatever it is drawn as.
type chart struct {
	title string
	// about is the text behind the i in the panel's corner: what is shown, and what to conclude
	// from it.
	about string
	unit  string
	// empty is what the panel says when there is nothing to show, if that means more than that
	// there is no data.
	empty   string
	queries []query
	// scale is colours by value. Without it, colours tell series apart and mean nothing.
	scale []step
	// states are the names and colours of the values of a metric that counts through them.
	states []state
	// colors are those of series whose name has a meaning.
	colors map[string]string
	// runbooks are the alerts about what the panel shows.
	runbooks []string
	min, max *float64
	// least is how far the axis goes at least: without it, a line of zeros stands on an axis up to
	// 100.
	least    *float64
	decimals *int
	// interval is the shortest step, where the usual one would tear apart what is rare.
	interval  string
	overrides []override
}

// query is one of a panel. In expr, @host, @instance, @gpu and @jobs are the matchers of the
// dashboard's variables.
type query struct {
	expr, legend string
}

// matchers are what the variables at the top of a dashboard mean in a query.
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
		defaults.Thresholds.Steps = []step{{nil, "text"}}
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
	return p
}
