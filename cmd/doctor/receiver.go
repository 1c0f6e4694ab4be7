package main

import (
	"time"

	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver"
)

var withoutAuth = configoptional.None[configauth.Config]()

// receiverConfig is the configuration of the agent's receiver; of several the first counts, and
// without one the defaults. Those of a gateway, which has none, look at this host all the same.
func (c *resolvedConfig) receiverConfig(root string) (*facefusionreceiver.Config, error) {
	cfg, normal := defaults(), defaults()
	var err error
	for _, component := range c.Components() {
		if component.Section == "receivers" && component.Type() == "facefusion" {
			err = confmap.NewFromStringMap(component.Settings).Unmarshal(cfg)
			if err == nil {
				err = cfg.Validate()
			}
			break
		}
	}
	if err != nil {
		cfg = normal
	}
	// What is shown is for the agent's stores. How often it looks is for a host that runs for days.
	cfg.Metrics, cfg.Logs = normal.Metrics, normal.Logs
	cfg.Controller.CollectionInterval, cfg.Controller.InitialDelay = passInterval, 0
	cfg.Process.Interval = passInterval
	cfg.Web.Interval = time.Second
	for i := range cfg.Instances { // two failures in a row make a server unhealthy
		if health := cfg.Instances[i].Health; health != nil {
			health.Interval = min(health.Interval, max(time.Second, health.ClientConfig.Timeout))
		}
	}
	if root != "/" {
		cfg.RootPath = root
	}
	return cfg, err
}

func defaults() *facefusionreceiver.Config {
	return facefusionreceiver.NewFactory().CreateDefaultConfig().(*facefusionreceiver.Config)
}
