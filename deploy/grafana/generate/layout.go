package main

import (
	"fmt"
	"maps"
	"slices"
)

// The tag by which the dashboards link to each other, and the address of their documents.
const (
	tag       = "facefusion"
	documents = "https://github.com/otelcol-facefusion/otelcol-facefusion/blob/main/docs"
)

// width is the number of columns of Grafana's grid.
const width = 24

// layout places panels from the top down.
type layout struct {
	dashboard
	y int
	// folded is the collapsed row that the panels are added to; nil outside of one. Its panels are
	// drawn and queried only when it is opened.
	folded *panel
	next   int
}

func newLayout(uid, title, description string, variables []variable, notes []annotation) *layout {
	return &layout{next: 1, dashboard: dashboard{
		UID: uid, Title: title, Description: description, Tags: []string{tag},
		// The schema version of Grafana 11; newer versions migrate it.
		SchemaVersion: 39, Version: 1, Editable: true, Timezone: "browser", Refresh: "30s",
		// One shared crosshair for all panels.
		GraphTooltip: 1,
		Time:         timeRange{"now-6h", "now"},
		Links: []dashboardLink{
			{Title: "FaceFusion", Type: "dashboards", Tags: []string{tag}, IncludeVars: true, KeepTime: true},
			{Title: "Documentation", Type: "link", Icon: "doc", URL: documents + "/dashboards.md", TargetBlank: true},
		},
		Annotations: annotations{notes},
		Templating:  templating{variables},
	}}
}

// line places panels side by side. Panels without a width share the remaining columns.
func (b *layout) line(height int, panels ...panel) {
	left, shares := width, 0
	for _, p := range panels {
		left -= p.GridPos.W
		if p.GridPos.W == 0 {
			shares++
		}
	}
	if shares > 0 && left%shares != 0 || shares == 0 && left != 0 {
		panic(fmt.Sprintf("%s: a line of %d panels does not fill %d columns", b.Title, len(panels), width))
	}
	x := 0
	for _, p := range panels {
		if p.GridPos.W == 0 {
			p.GridPos.W = left / shares
		}
		p.GridPos = gridPos{X: x, Y: b.y, W: p.GridPos.W, H: height}
		x += p.GridPos.W
		b.add(p)
	}
	b.y += height
}

// section begins a row with a title. A collapsed row sends no queries until it is opened.
func (b *layout) section(title string, folded bool) {
	b.closeSection()
	row := panel{Type: "row", Title: title, GridPos: gridPos{Y: b.y, W: width, H: 1}, Collapsed: &folded}
	row.ID, b.next = b.next, b.next+1
	b.y++
	if folded {
		row.Panels = []panel{}
		b.folded = &row
		return
	}
	b.Panels = append(b.Panels, row)
}

func (b *layout) closeSection() {
	if b.folded != nil {
		b.Panels = append(b.Panels, *b.folded)
		// Hidden panels take no space: the next section follows the row.
		b.y = b.folded.GridPos.Y + b.folded.GridPos.H
		b.folded = nil
	}
}

func (b *layout) add(p panel) {
	p.ID, b.next = b.next, b.next+1
	if b.folded != nil {
		b.folded.Panels = append(b.folded.Panels, p)
		return
	}
	b.Panels = append(b.Panels, p)
}

func (b *layout) done() dashboard {
	b.closeSection()
	return b.dashboard
}

// wide sets the width of a panel.
func wide(columns int, p panel) panel {
	p.GridPos.W = columns
	return p
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

func is[T any](v T) *T { return &v }
