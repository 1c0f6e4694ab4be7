package main

// limit draws a series as the limit of the others.
func limit(pattern string) override {
	o := dashed(pattern)
	o.Properties = append(o.Properties, fixed("byRegexp", pattern, "semi-dark-red").Properties...)
	return o
}

// colorBy colours one series of a panel by its value.
func colorBy(name string, scale []thresholdStep) override {
	return override{matcher{"byName", name}, []property{
		{"thresholds", thresholds{"absolute", scale}},
		{"color", map[string]any{"mode": "thresholds"}},
	}}
}

// dashed draws series as dashed lines that are not stacked on the others.
func dashed(pattern string) override {
	return override{matcher{"byRegexp", pattern}, []property{
		{"custom.lineStyle", map[string]any{"fill": "dash", "dash": []int{4, 4}}},
		{"custom.fillOpacity", 0},
		{"custom.stacking", map[string]any{"mode": "none", "group": "limit"}},
	}}
}

// fixed gives a series one colour.
func fixed(by, name, color string) override {
	return override{matcher{by, name}, []property{{"color", map[string]any{"mode": "fixed", "fixedColor": color}}}}
}
