package gpuprobe

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/confmap"
)

// Config is the section gpu.
type Config struct {
	// Enabled switches the probe.
	Enabled bool `mapstructure:"enabled"`
	// Interval is how often the GPUs are sampled in the background.
	Interval time.Duration `mapstructure:"interval"`
	// Deadline is how long a driver call may take before its GPU counts as wedged.
	Deadline time.Duration `mapstructure:"deadline"`
	// LibraryPath is the file of the driver's library; empty to look for libnvidia-ml.so.1 where the system does.
	LibraryPath string `mapstructure:"library_path"`
}

var _ confmap.Validator = (*Config)(nil)

// NewDefaultConfig works on every host with an NVIDIA driver.
func NewDefaultConfig() Config {
	return Config{Enabled: true, Interval: time.Second, Deadline: 5 * time.Second}
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
	if c.Deadline < 100*time.Millisecond {
		errs = errors.Join(errs, fmt.Errorf("deadline is %v: give at least 100ms, or leave it out for 5s", c.Deadline))
	}
	return errs
}
