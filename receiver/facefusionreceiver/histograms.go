package facefusionreceiver

import (
	"errors"
	"fmt"
	"maps"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/jobprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/webprobe"
)

// HistogramsConfig switches the histograms of each probe.
type HistogramsConfig struct {
	Web  webprobe.HistogramsConfig
	Jobs jobprobe.HistogramsConfig
}

// byName gives a pointer to each histogram's settings by the metric's name.
func (c *HistogramsConfig) byName() map[string]any {
	all := c.Web.ByName()
	maps.Copy(all, c.Jobs.ByName())
	return all
}

// validate says under which key of the configuration the settings are.
func (c *HistogramsConfig) validate() error {
	if err := errors.Join(c.Web.Check(), c.Jobs.Check()); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// settings is a Config without its Unmarshal.
type settings Config

// Unmarshal lets histograms be switched on and off under metrics, beside those that metadata.yaml
// declares. mdatagen accepts histograms there, and generates code that does not compile.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	raw := conf.ToStringMap()
	metrics, _ := raw["metrics"].(map[string]any)
	for name, target := range c.Histograms.byName() {
		section, there := metrics[name]
		if !there {
			continue
		}
		values, ok := section.(map[string]any)
		if !ok {
			return fmt.Errorf("metrics: %s is %v: write `enabled: true` or `enabled: false` below it", name, section)
		}
		if err := unmarshalBelow("metrics: "+name+": ", values, target); err != nil {
			return err
		}
		delete(metrics, name)
	}
	if err := takeAttributes(metrics, "facefusion.job.finished", &c.Histograms.Jobs.JobFinished); err != nil {
		return err
	}
	err := confmap.NewFromStringMap(raw).Unmarshal((*settings)(c))
	if err != nil {
		if explained := explain(raw, c, ""); explained != nil {
			return explained
		}
	}
	return err
}

// unmarshalBelow reads what stands below a key, and says where a mistake is.
func unmarshalBelow(path string, values map[string]any, target any) error {
	err := confmap.NewFromStringMap(values).Unmarshal(target)
	if err == nil {
		return nil
	}
	if explained := explain(values, target, path); explained != nil {
		return explained
	}
	return fmt.Errorf("%s%w", path, err)
}

// takeAttributes reads the attributes that are chosen for a metric that metadata.yaml declares:
// mdatagen knows its switch alone.
func takeAttributes(metrics map[string]any, name string, target *jobprobe.AttributesConfig) error {
	section, _ := metrics[name].(map[string]any)
	attributes, there := section["attributes"]
	if !there {
		return nil
	}
	if err := unmarshalBelow("metrics: "+name+": ", map[string]any{"attributes": attributes}, target); err != nil {
		return err
	}
	delete(section, "attributes")
	return nil
}
