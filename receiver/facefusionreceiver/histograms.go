package facefusionreceiver

import (
	"fmt"

	"go.opentelemetry.io/collector/confmap"
)

// settings is a Config without its Unmarshal.
type settings Config

// Unmarshal lets histograms be switched on and off under metrics, beside those that metadata.yaml declares.
// mdatagen accepts histograms there, and generates code that does not compile.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	raw := conf.ToStringMap()
	metrics, _ := raw["metrics"].(map[string]any)
	for name, target := range c.Histograms.ByName() {
		section, there := metrics[name]
		if !there {
			continue
		}
		values, ok := section.(map[string]any)
		if !ok {
			return fmt.Errorf("metrics: %s is %v: write `enabled: true` or `enabled: false` below it", name, section)
		}
		if err := confmap.NewFromStringMap(values).Unmarshal(target); err != nil {
			return fmt.Errorf("metrics: %s: %w", name, err)
		}
		delete(metrics, name)
	}
	return confmap.NewFromStringMap(raw).Unmarshal((*settings)(c))
}
