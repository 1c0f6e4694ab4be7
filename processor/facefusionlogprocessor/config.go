package facefusionlogprocessor

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
)

// Config is what a user may write under processors: facefusion_log. Nothing needs to be written.
type Config struct {
	// Receiver is the facefusion receiver with whose runs lines are joined, and that sends the
	// metrics and spans which follow from them.
	Receiver component.ID `mapstructure:"receiver"`
	// Instance is the service.instance.id of the FaceFusion whose lines these are. A resource
	// attribute of the records comes first; without either, the receiver's processes and containers
	// tell, or that it knows just one.
	Instance string `mapstructure:"instance"`
	// ProgressInterval is how far the records about a running phase are apart; 0s for none. A phase
	// that ends always has one.
	ProgressInterval time.Duration `mapstructure:"progress_interval"`
	// JoinTimeout is how long a record waits for the receiver to know its run.
	JoinTimeout time.Duration `mapstructure:"join_timeout"`
	// IncludePaths leaves paths and names of media files in the records.
	IncludePaths bool `mapstructure:"include_paths"`
	// MaxStreams bounds the streams that are followed at once. The one that was silent for longest
	// makes room.
	MaxStreams int `mapstructure:"max_streams"`
}

var (
	_ component.Config  = (*Config)(nil)
	_ confmap.Validator = (*Config)(nil)
)

func createDefaultConfig() component.Config {
	return &Config{
		Receiver:         component.MustNewID("facefusion"),
		ProgressInterval: 10 * time.Second,
		JoinTimeout:      2 * time.Second,
		MaxStreams:       64,
	}
}

// leastJoinTimeout is above what a number without a unit is.
const leastJoinTimeout = 10 * time.Millisecond

// Validate names the field, the value and the remedy.
func (c *Config) Validate() error {
	var errs error
	if c.ProgressInterval < 0 || c.ProgressInterval > 0 && c.ProgressInterval < time.Second {
		errs = errors.Join(errs, fmt.Errorf("progress_interval is %v: give at least 1s, or 0s for no records about a running phase", c.ProgressInterval))
	}
	if c.JoinTimeout != 0 && (c.JoinTimeout < leastJoinTimeout || c.JoinTimeout > time.Minute) {
		errs = errors.Join(errs, fmt.Errorf("join_timeout is %v: give %v to 1m, 0s not to wait, or leave it out for 2s (a number without a unit is nanoseconds)", c.JoinTimeout, leastJoinTimeout))
	}
	if c.MaxStreams < 1 {
		errs = errors.Join(errs, fmt.Errorf("max_streams is %d: give at least 1, or leave it out for 64", c.MaxStreams))
	}
	return errs
}
