package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

//go:embed zh.json
var chineseTexts []byte

// translator replaces English texts by those of zh.json. Texts without a translation are collected
// in missing.
type translator struct {
	texts   map[string]string
	used    map[string]bool
	missing []string
}

func newTranslator() *translator {
	z := &translator{used: map[string]bool{}}
	if err := json.Unmarshal(chineseTexts, &z.texts); err != nil {
		panic(err) // it is part of the program
	}
	return z
}

// text translates a complete text.
func (z *translator) text(english string) string {
	if english == "" {
		return ""
	}
	chinese, ok := z.texts[english]
	z.used[english] = true
	if !ok && !slices.Contains(z.missing, english) {
		z.missing = append(z.missing, english)
	}
	if !ok {
		return english
	}
	return chinese
}

var (
	placeholders = regexp.MustCompile(`\{\{\w+\}\}`)
	words        = regexp.MustCompile(`[A-Za-z][A-Za-z ,0-9]*`)
	anchored     = regexp.MustCompile(`^(/\^?)( ?)([A-Za-z][A-Za-z ]*)(\$/)$`)
)

// legend translates the words beside the placeholders, or the whole where there is no placeholder.
func (z *translator) legend(english string) string {
	if !placeholders.MatchString(english) {
		return z.text(english)
	}
	at, out := 0, ""
	for _, found := range append(placeholders.FindAllStringIndex(english, -1), []int{len(english), len(english)}) {
		out += words.ReplaceAllStringFunc(english[at:found[0]], z.text) + english[found[0]:found[1]]
		at = found[1]
	}
	return out
}

// board returns a dashboard in Chinese. It links to the other Chinese dashboards.
func (z *translator) board(d dashboard) dashboard {
	d.UID += "-zh"
	d.Title, d.Description = z.text(d.Title), z.text(d.Description)
	d.Tags = []string{tag + "-zh"}
	d.Links = slices.Clone(d.Links)
	for i := range d.Links {
		d.Links[i].Title = z.text(d.Links[i].Title)
		if d.Links[i].Type == "dashboards" {
			d.Links[i].Tags = d.Tags
		}
	}
	d.Annotations.List = slices.Clone(d.Annotations.List)
	for i := range d.Annotations.List {
		a := &d.Annotations.List[i]
		a.Name, a.TitleFormat, a.TextFormat = z.text(a.Name), z.text(a.TitleFormat), z.text(a.TextFormat)
	}
	d.Templating.List = slices.Clone(d.Templating.List)
	for i := range d.Templating.List {
		v := &d.Templating.List[i]
		v.Label, v.Description = z.text(v.Label), z.text(v.Description)
	}
	d.Panels = z.panels(d.Panels)
	return d
}

func (z *translator) panels(english []panel) []panel {
	if english == nil {
		return nil
	}
	all := []panel{}
	for _, p := range english {
		all = append(all, z.panel(p))
	}
	return all
}

func (z *translator) panel(p panel) panel {
	own := ownNames(p)
	p.Title, p.Description = z.text(p.Title), z.text(p.Description)
	p.Targets = slices.Clone(p.Targets)
	for i := range p.Targets {
		p.Targets[i].LegendFormat = z.legend(p.Targets[i].LegendFormat)
	}
	p.Links = slices.Clone(p.Links)
	for i := range p.Links {
		p.Links[i].Title = strings.Replace(p.Links[i].Title, "Runbook: ", z.text("Runbook")+"：", 1)
		if p.Links[i].Title == eventsTitle {
			p.Links[i].Title = z.text(eventsTitle)
		}
	}
	if p.FieldConfig != nil {
		config := *p.FieldConfig
		config.Defaults.NoValue = z.text(config.Defaults.NoValue)
		config.Defaults.Mappings = z.mappings(config.Defaults.Mappings)
		config.Defaults.Links = slices.Clone(config.Defaults.Links)
		for i := range config.Defaults.Links {
			config.Defaults.Links[i].Title = z.text(config.Defaults.Links[i].Title)
		}
		config.Overrides = z.overrides(config.Overrides, own)
		p.FieldConfig = &config
	}
	p.Transformations = slices.Clone(p.Transformations)
	for i := range p.Transformations {
		p.Transformations[i] = z.transformation(p.Transformations[i])
	}
	p.Options = z.options(p.Options)
	p.Panels = z.panels(p.Panels)
	return p
}

func (z *translator) mappings(english []mapping) []mapping {
	all := []mapping{}
	for _, m := range english {
		options := map[string]any{}
		for value, shown := range m.Options {
			if result, ok := shown.(map[string]any); ok {
				result = maps.Clone(result)
				result["text"] = z.text(fmt.Sprint(result["text"]))
				shown = result
			}
			options[value] = shown
		}
		m.Options = options
		all = append(all, m)
	}
	return all
}

// ownNames are the names of series and columns that a panel gives: those that are words of the
// translation by chance may be values of a label, which stay as they are.
func ownNames(p panel) map[string]bool {
	own := map[string]bool{}
	for _, t := range p.Targets {
		own[t.LegendFormat] = true
	}
	for _, t := range p.Transformations {
		if names, ok := t.Options["renameByName"].(map[string]any); ok {
			for _, name := range names {
				own[fmt.Sprint(name)] = true
			}
		}
	}
	return own
}

// overrides translates the names of series and columns that overrides match, where they are the
// panel's own.
func (z *translator) overrides(english []override, own map[string]bool) []override {
	all := []override{}
	for _, o := range english {
		if name := o.Matcher.Options; o.Matcher.ID == "byName" {
			if _, ok := z.texts[name]; ok && own[name] {
				o.Matcher.Options = z.text(name)
			} else if placeholders.MatchString(name) {
				o.Matcher.Options = z.legend(name)
			}
		} else if _, ok := z.texts[o.Matcher.Options]; ok {
			o.Matcher.Options = z.text(o.Matcher.Options)
		} else if found := anchored.FindStringSubmatch(o.Matcher.Options); found != nil && z.texts[found[3]] != "" {
			o.Matcher.Options = found[1] + found[2] + z.text(found[3]) + found[4]
		}
		o.Properties = slices.Clone(o.Properties)
		for i, property := range o.Properties {
			switch value := property.Value.(type) {
			case []mapping:
				o.Properties[i].Value = z.mappings(value)
			case []panelLink:
				links := slices.Clone(value)
				for n := range links {
					links[n].Title, links[n].URL = z.text(links[n].Title), z.link(links[n].URL)
				}
				o.Properties[i].Value = links
			}
		}
		all = append(all, o)
	}
	return all
}

// link changes an address to that of the Chinese dashboard and its columns.
func (z *translator) link(url string) string {
	url = regexp.MustCompile(`/d/[a-z-]+`).ReplaceAllString(url, "$0-zh")
	return regexp.MustCompile(`\$\{__data\.fields\.(\w+)\}`).ReplaceAllStringFunc(url, func(field string) string {
		name := strings.TrimSuffix(strings.TrimPrefix(field, "${__data.fields."), "}")
		return `${__data.fields["` + z.text(name) + `"]}`
	})
}

func (z *translator) transformation(t transformation) transformation {
	names, ok := t.Options["renameByName"].(map[string]any)
	if !ok {
		return t
	}
	renamed, options := map[string]any{}, map[string]any{}
	for field, name := range names {
		renamed[field] = z.text(fmt.Sprint(name))
	}
	maps.Copy(options, t.Options)
	options["renameByName"] = renamed
	t.Options = options
	return t
}

func (z *translator) options(english map[string]any) map[string]any {
	sorted, ok := english["sortBy"].([]map[string]any)
	if !ok {
		return english
	}
	options := map[string]any{}
	maps.Copy(options, english)
	var by []map[string]any
	for _, s := range sorted {
		by = append(by, map[string]any{"displayName": z.text(fmt.Sprint(s["displayName"])), "desc": s["desc"]})
	}
	options["sortBy"] = by
	return options
}
