package processprobe

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// Config is the section process.
type Config struct {
	// Enabled switches the probe. Without it servers are watched at configured endpoints only.
	Enabled bool `mapstructure:"enabled"`
	// Interval is how often processes are looked at. The exit of a known one is seen at once.
	Interval time.Duration `mapstructure:"interval"`
	// ForgetAfter is how long an instance that was seen is reported as down.
	ForgetAfter time.Duration `mapstructure:"forget_after"`
}

var _ confmap.Validator = (*Config)(nil)

// NewDefaultConfig finds FaceFusion by itself.
func NewDefaultConfig() Config {
	return Config{Enabled: true, Interval: time.Second, ForgetAfter: 24 * time.Hour}
}

// Validate names the field, the value and the remedy.
func (c *Config) Validate() error {
	if !c.Enabled {
		return nil
	}
	normal := NewDefaultConfig()
	return errors.Join(
		probe.AtLeast("interval", c.Interval, 100*time.Millisecond, normal.Interval),
		probe.AtLeast("forget_after", c.ForgetAfter, time.Second, normal.ForgetAfter),
	)
}
