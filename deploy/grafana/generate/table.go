package main

import "fmt"

// column is one column of a table: its title, its source and its appearance.
type column struct {
	// label names the series label that the column shows; otherwise expr is the query of its value.
	label, expr string
	title       string
	unit        string
	decimals    *int
	width       int
	scale       []thresholdStep
	states      []state
	// gauge is the maximum of the bar that draws the value; nil for no bar.
	gauge *float64
	// link is the address of the dashboard that a click on the cell opens.
	link string
}

// table joins queries with the same labels into one row for each set of labels.
func (c chart) table(columns []column, sortBy string) panel {
	for _, col := range columns {
		if col.expr != "" {
			c.queries = append(c.queries, query{col.expr, ""})
		}
	}
	p := c.panel("table").instant("table")
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "thresholds"}
	p.FieldConfig.Defaults.Custom = map[string]any{"align": "auto", "filterable": false, "inspect": false, "cellOptions": map[string]any{"type": "auto"}}
	hidden, order, names := map[string]any{"Time": true}, map[string]any{}, map[string]any{}
	values := 0
	for i, col := range columns {
		field := col.label
		if col.expr != "" {
			field = fmt.Sprintf("Value #%c", 'A'+values)
			if len(c.queries) == 1 {
				field = "Value"
			}
			values++
		}
		if col.title == "" {
			hidden[field] = true
			continue
		}
		order[field], names[field] = i, col.title
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, col.override())
	}
	p.Transformations = []transformation{
		{"merge", map[string]any{}},
		{"organize", map[string]any{"excludeByName": hidden, "indexByName": order, "renameByName": names}},
	}
	p.Options = map[string]any{
		"showHeader": true, "cellHeight": "sm", "enablePagination": true,
		"sortBy": []map[string]any{{"displayName": sortBy, "desc": false}},
		"footer": map[string]any{"show": false, "reducer": []string{"sum"}, "countRows": false, "fields": ""},
	}
	return p
}

func (c column) override() override {
	properties := []property{}
	add := func(id string, value any) { properties = append(properties, property{id, value}) }
	if c.unit != "" {
		add("unit", c.unit)
	}
	if c.decimals != nil {
		add("decimals", *c.decimals)
	}
	if c.width > 0 {
		add("custom.width", c.width)
	}
	if c.expr != "" {
		add("noValue", "–")
	}
	if c.scale != nil {
		add("thresholds", thresholds{"absolute", c.scale})
	}
	switch {
	case c.states != nil:
		add("mappings", []mapping{valueMapping(c.states)})
		add("custom.cellOptions", map[string]any{"type": "color-text"})
	case c.gauge != nil:
		add("min", 0)
		add("max", *c.gauge)
		add("color", map[string]any{"mode": "fixed", "fixedColor": "blue"})
		add("custom.cellOptions", map[string]any{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"})
	case c.scale != nil:
		add("custom.cellOptions", map[string]any{"type": "color-text"})
	}
	if c.link != "" {
		add("links", []panelLink{{Title: "Show it", URL: c.link}})
	}
	return override{matcher{"byName", c.title}, properties}
}
