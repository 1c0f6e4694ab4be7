package configcheck

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver"
)

// NewFactory makes the factory of the converter.
func NewFactory() confmap.ConverterFactory {
	return confmap.NewConverterFactory(func(set confmap.ConverterSettings) confmap.Converter { return &converter{logger: set.Logger} })
}

type converter struct{ logger *zap.Logger }

// Convert implements confmap.Converter.
func (c *converter) Convert(ctx context.Context, conf *confmap.Conf) error {
	sources := configfile.Take()
	return errors.Join(Compose(ctx, conf, sources), check(conf.ToStringMap(), sources))
}

// Sections of a configuration, and the keys of service.
var (
	sections    = []string{"receivers", "processors", "exporters", "connectors", "extensions", "service"}
	serviceKeys = []string{"extensions", "pipelines", "telemetry"}
)

func check(all map[string]any, sources []configfile.SourceFile) error {
	var errs error
	refuse := func(where, text string) {
		if where != "" {
			text = where + ": " + text
		}
		errs = errors.Join(errs, errors.New(text))
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(sections, key) {
			refuse(configfile.Where(sources, key), fmt.Sprintf("%s is no section of a configuration: the sections are %s; a component stands below one of them, indented", key, strings.Join(sections, ", ")))
		}
	}
	service, _ := all["service"].(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(service)) {
		if !slices.Contains(serviceKeys, key) {
			refuse(configfile.Where(sources, "service", key), fmt.Sprintf("service: %s is no setting: give one of %s; a pipeline stands below pipelines, indented", key, strings.Join(serviceKeys, ", ")))
		}
	}
	receivers, _ := all["receivers"].(map[string]any)
	for _, id := range slices.Sorted(maps.Keys(receivers)) {
		if typ, _, _ := strings.Cut(id, "/"); typ != "facefusion" {
			continue
		}
		settings, isMap := receivers[id].(map[string]any)
		if !isMap {
			continue // an empty section, or what the Collector refuses
		}
		for _, line := range complaints(settings) {
			about, _, _ := strings.Cut(line, ": give ") // what follows names other keys
			refuse(configfile.Locate(sources, "receivers "+id+" "+about), "receivers: "+id+": "+line)
		}
	}
	return errs
}

// complaints are what the receiver does not understand of its settings.
func complaints(settings map[string]any) (list []string) {
	err := confmap.NewFromStringMap(settings).Unmarshal(facefusionreceiver.NewFactory().CreateDefaultConfig())
	if err == nil {
		return nil
	}
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "''"))
		if line != "" && !strings.HasPrefix(line, "decoding failed due to") {
			list = append(list, line)
		}
	}
	return list
}
