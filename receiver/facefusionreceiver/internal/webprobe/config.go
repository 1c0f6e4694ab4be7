package webprobe

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// Config is the section web.
type Config struct {
	// Enabled switches the probe.
	Enabled bool `mapstructure:"enabled"`
	// Interval is how often each server is asked.
	Interval time.Duration `mapstructure:"interval"`
	// FailureThreshold is how often in a row a server must be silent before it is unresponsive, or
	// fail its health check before it is unhealthy.
	FailureThreshold int `mapstructure:"failure_threshold"`
	// ClientConfig are the settings of the HTTP client: timeout, tls, auth, headers. Its endpoint
	// stays empty: a server is found from its process, or named in instances.
	ClientConfig confighttp.ClientConfig `mapstructure:",squash"`
}

var _ confmap.Validator = (*Config)(nil)

// leastTimeout is what a loaded server on the same host may need, and is far above a number without
// a unit.
const leastTimeout = 100 * time.Millisecond

// mostFailures is where a setting stops to be a threshold: at the default interval it is a minute.
const mostFailures = 12

// NewDefaultConfig asks each server every five seconds and gives it three to answer, twice.
func NewDefaultConfig() Config {
	client := confighttp.NewDefaultClientConfig()
	client.Timeout = 3 * time.Second
	return Config{Enabled: true, Interval: 5 * time.Second, FailureThreshold: webui.DefaultFailureThreshold, ClientConfig: client}
}

// Validate names the field, the value and the remedy.
func (c *Config) Validate() error {
	if !c.Enabled {
		return nil
	}
	normal := NewDefaultConfig()
	errs := errors.Join(
		probe.AtLeast("interval", c.Interval, 500*time.Millisecond, normal.Interval),
		probe.Between("timeout", c.ClientConfig.Timeout, leastTimeout, time.Minute, normal.ClientConfig.Timeout),
	)
	if c.FailureThreshold < 1 || c.FailureThreshold > mostFailures {
		errs = errors.Join(errs, fmt.Errorf("failure_threshold is %d: give 1 to %d, or leave it out for %d", c.FailureThreshold, mostFailures, normal.FailureThreshold))
	}
	if c.ClientConfig.Endpoint != "" {
		errs = errors.Join(errs, fmt.Errorf("endpoint is %q: servers are found from their processes; name one behind a proxy as instances[].endpoint", c.ClientConfig.Endpoint))
	}
	return errs
}
