package processprobe

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/confmap"
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
	var errs error
	if c.Interval < 100*time.Millisecond {
		errs = errors.Join(errs, fmt.Errorf("interval is %v: give at least 100ms, or leave it out for 1s", c.Interval))
	}
	if c.ForgetAfter <= 0 {
		errs = errors.Join(errs, fmt.Errorf("forget_after is %v: give a time above zero, or leave it out for 24h", c.ForgetAfter))
	}
	return errs
}
