package configcheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Configuration is what results from all files, the environment and the command line.
type Configuration struct {
	All map[string]any
	// Started are the components that the service uses, in each section.
	Started map[string][]string
}

// ComponentSections are those of a configuration that define components.
var ComponentSections = []string{"receivers", "processors", "exporters", "connectors", "extensions"}

// NewConfiguration finds out which components the service uses.
func NewConfiguration(all map[string]any) *Configuration {
	c := &Configuration{All: all, Started: make(map[string][]string)}
	service := asMap(all["service"])
	c.Started["extensions"] = asStrings(service["extensions"])
	for _, name := range slices.Sorted(maps.Keys(asMap(service["pipelines"]))) {
		pipeline := asMap(asMap(service["pipelines"])[name])
		for _, section := range []string{"receivers", "processors", "exporters"} {
			for _, id := range asStrings(pipeline[section]) {
				use := section
				if _, connector := asMap(all["connectors"])[id]; connector {
					use = "connectors"
				}
				if !slices.Contains(c.Started[use], id) {
					c.Started[use] = append(c.Started[use], id)
				}
			}
		}
	}
	return c
}

// Component is one that the service uses.
type Component struct {
	Section, ID string
	Settings    map[string]any
}

// Type is the component's, without its name.
func (c Component) Type() string {
	name, _, _ := strings.Cut(c.ID, "/")
	return name
}

// String implements fmt.Stringer.
func (c Component) String() string { return c.Section + "::" + c.ID }

// Components are those that the service uses; of one that is not defined there is nothing to look
// at.
func (c *Configuration) Components() (list []Component) {
	for _, section := range ComponentSections {
		for _, id := range c.Started[section] {
			if settings, defined := asMap(c.All[section])[id]; defined {
				list = append(list, Component{section, id, asMap(settings)})
			}
		}
	}
	return list
}

// Each visits every single value of a component. path has the names on the way, in is the map that
// holds it.
func (c Component) Each(visit func(path, key string, in map[string]any, value any)) {
	each(c.Settings, c.String(), visit)
}

func each(in map[string]any, path string, visit func(path, key string, in map[string]any, value any)) {
	for _, key := range slices.Sorted(maps.Keys(in)) {
		below := path + "::" + key
		switch value := in[key].(type) {
		case map[string]any:
			each(value, below, visit)
		case []any:
			for _, entry := range value {
				each(asMap(entry), below, visit)
			}
		default:
			visit(below, key, in, value)
		}
	}
}

func asMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func asStrings(value any) (list []string) {
	entries, _ := value.([]any)
	for _, entry := range entries {
		list = append(list, fmt.Sprint(entry))
	}
	return list
}
