package jobprobe

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// Config is the section jobs.
type Config struct {
	// Enabled switches the probe. It needs the process probe, which finds the jobs folders.
	Enabled bool `mapstructure:"enabled"`
	// Interval is how often the folders are looked at. A change of a file is noticed at once where
	// the kernel reports it.
	Interval time.Duration `mapstructure:"interval"`
	// StallAfter is for how long nothing may show that a running job is worked on before it counts
	// as stalled.
	StallAfter time.Duration `mapstructure:"stall_after"`
	// TracePaths puts the paths of targets and outputs, which hold names of people and projects, on
	// the spans of steps. They are in nothing else, ever.
	TracePaths bool `mapstructure:"trace_paths"`
}

var _ confmap.Validator = (*Config)(nil)

// NewDefaultConfig looks every second and gives a job five minutes without a sign of life.
func NewDefaultConfig() Config {
	return Config{Enabled: true, Interval: time.Second, StallAfter: 5 * time.Minute}
}

// Validate names the field, the value and the remedy.
func (c *Config) Validate() error {
	if !c.Enabled {
		return nil
	}
	normal := NewDefaultConfig()
	return errors.Join(
		probe.AtLeast("interval", c.Interval, 100*time.Millisecond, normal.Interval),
		probe.AtLeast("stall_after", c.StallAfter, time.Second, normal.StallAfter),
	)
}
