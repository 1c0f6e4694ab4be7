package main

import "strings"

// instant turns the queries of a panel into instant queries at the end of the time range.
func (p panel) instant(format string) panel {
	for i := range p.Targets {
		p.Targets[i].Instant, p.Targets[i].Range, p.Targets[i].Format = true, false, format
	}
	return p
}

// stat shows the last value as a number. Another panel shows its history.
func (c chart) stat() panel {
	p := c.panel("stat")
	if c.scale == nil {
		p.FieldConfig.Defaults.Color = map[string]any{"mode": "fixed", "fixedColor": "text"}
	}
	p.Options = map[string]any{
		"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
		"textMode": "auto", "wideLayout": true, "showPercentChange": false, "percentChangeColorMode": "standard",
		// One text size for all numbers of a row, however long they are.
		"text":          map[string]any{"titleSize": 13, "valueSize": 30},
		"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
	}
	return p.instant("time_series")
}

// spark shows the last value as a number with a sparkline.
func (c chart) spark() panel {
	p := c.stat()
	p.MaxDataPoints = 100
	p.Options["graphMode"] = "area"
	for i := range p.Targets {
		p.Targets[i].Instant, p.Targets[i].Range = false, true
	}
	return p
}

// lines draws series over time.
func (c chart) lines() panel {
	p := c.panel("timeseries")
	p.MaxDataPoints = 120
	p.FieldConfig.Defaults.Custom = map[string]any{
		"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "gradientMode": "none", "lineInterpolation": "linear",
		"showPoints": "never", "pointSize": 5, "spanNulls": false, "axisPlacement": "auto", "axisLabel": "", "axisColorMode": "text",
		"axisBorderShow": false, "axisCenteredZero": false, "axisGridShow": true, "barAlignment": 0, "insertNulls": false,
		"scaleDistribution": map[string]any{"type": "linear"},
		"stacking":          map[string]any{"mode": "none", "group": "A"},
		"hideFrom":          map[string]any{"legend": false, "tooltip": false, "viz": false},
		"thresholdsStyle":   map[string]any{"mode": "off"},
	}
	if len(c.queries) > 0 && strings.HasPrefix(c.queries[0].legend, perGPU) {
		// No fill: with eight GPUs the lines cross, and fills would hide them.
		p.FieldConfig.Defaults.Custom["fillOpacity"] = 0
	}
	if c.least != nil {
		p.FieldConfig.Defaults.Custom["axisSoftMax"] = *c.least
	}
	if c.scale != nil {
		// Thresholds are drawn as lines, and the series keep their colours.
		p.FieldConfig.Defaults.Color = apart
		p.FieldConfig.Defaults.Custom["thresholdsStyle"] = map[string]any{"mode": "dashed"}
	}
	p.Options = map[string]any{
		"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}},
		"tooltip": map[string]any{"mode": "multi", "sort": "desc", "hideZeros": false},
	}
	return p
}

// areas stacks series that add up to a total.
func (c chart) areas() panel {
	p := c.lines()
	p.FieldConfig.Defaults.Custom["stacking"] = map[string]any{"mode": "normal", "group": "A"}
	p.FieldConfig.Defaults.Custom["fillOpacity"] = 35
	return p
}

// bars draws counts of rare events.
func (c chart) bars() panel {
	p := c.areas()
	p.MaxDataPoints = 100
	p.FieldConfig.Defaults.Custom["drawStyle"] = "bars"
	p.FieldConfig.Defaults.Custom["lineWidth"] = 0
	p.FieldConfig.Defaults.Custom["fillOpacity"] = 80
	return p
}

// timeline draws a state over time.
func (c chart) timeline() panel {
	p := c.panel("state-timeline")
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "fixed", "fixedColor": "text"}
	p.FieldConfig.Defaults.Custom = map[string]any{
		"fillOpacity": 75, "lineWidth": 0, "spanNulls": false, "insertNulls": false,
		"hideFrom": map[string]any{"legend": false, "tooltip": false, "viz": false},
	}
	p.Options = map[string]any{
		"mergeValues": true, "showValue": "auto", "alignValue": "left", "rowHeight": 0.8, "perPage": 20,
		"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true},
		"tooltip": map[string]any{"mode": "single", "sort": "none", "hideZeros": false},
	}
	return p
}

// heatmap draws a histogram over time. The dots on it are exemplars, which link to traces.
func (c chart) heatmap() panel {
	p := c.panel("heatmap")
	p.MaxDataPoints = 100
	for i := range p.Targets {
		p.Targets[i].Format, p.Targets[i].Exemplar = "heatmap", true
	}
	p.FieldConfig.Defaults.Custom = map[string]any{
		"hideFrom":          map[string]any{"legend": false, "tooltip": false, "viz": false},
		"scaleDistribution": map[string]any{"type": "linear"},
	}
	p.Options = map[string]any{
		"calculate":    false,
		"cellGap":      1,
		"cellValues":   map[string]any{"unit": "short", "decimals": 1},
		"color":        map[string]any{"mode": "scheme", "scheme": "Blues", "fill": "blue", "exponent": 0.5, "scale": "exponential", "steps": 32, "reverse": false},
		"exemplars":    map[string]any{"color": "orange"},
		"filterValues": map[string]any{"le": 1e-9},
		"legend":       map[string]any{"show": true},
		"rowsFrame":    map[string]any{"layout": "auto"},
		"showValue":    "never",
		"tooltip":      map[string]any{"mode": "single", "yHistogram": true, "showColorScale": true},
		"yAxis":        map[string]any{"axisPlacement": "left", "unit": c.unit, "reverse": false},
	}
	return p
}

// gauges draws the current values as bars, the greatest first.
func (c chart) gauges() panel {
	c.min = is(0.0)
	p := c.panel("bargauge").instant("time_series")
	if c.scale == nil {
		p.FieldConfig.Defaults.Color = map[string]any{"mode": "fixed", "fixedColor": "blue"}
	}
	p.Options = map[string]any{
		"displayMode": "basic", "orientation": "horizontal", "valueMode": "text", "namePlacement": "left", "showUnfilled": true,
		"sizing": "manual", "minVizHeight": 16, "minVizWidth": 8, "maxVizHeight": 28,
		"legend":        map[string]any{"showLegend": false, "displayMode": "list", "placement": "bottom", "calcs": []string{}},
		"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
	}
	return p
}
