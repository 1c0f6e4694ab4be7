package configcheck

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configfile"
)

// NewFactory makes the factory of the converter.
func NewFactory() confmap.ConverterFactory {
	return confmap.NewConverterFactory(func(set confmap.ConverterSettings) confmap.Converter { return &converter{logger: set.Logger} })
}

type converter struct{ logger *zap.Logger }

// Convert implements confmap.Converter.
func (c *converter) Convert(ctx context.Context, conf *confmap.Conf) error {
	sources := configfile.Take()
	if err := Compose(ctx, conf, sources); err != nil {
		return err
	}
	return refused(Refusals(conf.ToStringMap(), sources))
}

// Sections of a configuration, and the keys of service.
var (
	sections    = append(slices.Clone(ComponentSections), "service")
	serviceKeys = []string{"extensions", "pipelines", "telemetry"}
)

// unknownSections are keys at a level at which they do not belong.
func (c *Configuration) unknownSections() (list []Refusal) {
	for _, key := range slices.Sorted(maps.Keys(c.All)) {
		if !slices.Contains(sections, key) {
			list = append(list, Refusal{What: fmt.Sprintf("%s is no section of a configuration: the sections are %s; a component stands below one of them, indented", key, strings.Join(sections, ", "))})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(asMap(c.All["service"]))) {
		if !slices.Contains(serviceKeys, key) {
			list = append(list, Refusal{Path: "service", What: fmt.Sprintf("%s is no setting: give one of %s; a pipeline stands below pipelines, indented", key, strings.Join(serviceKeys, ", "))})
		}
	}
	return list
}

// definedReceivers are those of this project, used or not.
func definedReceivers(all map[string]any) (list []Component) {
	receivers := asMap(all["receivers"])
	for _, id := range slices.Sorted(maps.Keys(receivers)) {
		// an empty section, or what the Collector refuses
		settings, isMap := receivers[id].(map[string]any)
		if c := (Component{"receivers", id, settings}); isMap && c.Type() == "facefusion" {
			list = append(list, c)
		}
	}
	return list
}
