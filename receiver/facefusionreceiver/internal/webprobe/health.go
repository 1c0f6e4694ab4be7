package webprobe

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// HealthConfig is the section health of an instance: a request by which its server is to be judged.
// What it has of credentials is sent with this request alone.
type HealthConfig struct {
	// ClientConfig has the whole URL as endpoint, and timeout, headers, auth, tls.
	ClientConfig confighttp.ClientConfig `mapstructure:",squash"`
	// Interval is the time between two requests.
	Interval time.Duration `mapstructure:"interval"`
	// Method is that of the request.
	Method string `mapstructure:"method"`
	// Status are the status codes of a healthy server; any 2xx by default.
	Status []int `mapstructure:"status"`
	// Body is a regular expression that the answer has to match.
	Body string `mapstructure:"body"`
}

var (
	_ confmap.Unmarshaler = (*HealthConfig)(nil)
	_ confmap.Validator   = (*HealthConfig)(nil)
)

// Unmarshal gives what is not written its default.
func (c *HealthConfig) Unmarshal(conf *confmap.Conf) error {
	c.ClientConfig = confighttp.NewDefaultClientConfig()
	c.ClientConfig.Timeout = 3 * time.Second
	c.Interval, c.Method = 15*time.Second, "GET"
	return conf.Unmarshal(c)
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "OPTIONS"}

// Validate names the field, the value and the remedy.
func (c *HealthConfig) Validate() error {
	var errs error
	u, err := url.Parse(c.ClientConfig.Endpoint)
	switch {
	case err == nil && u.User != nil:
		errs = errors.Join(errs, errors.New("endpoint holds a user or a password: give them to an authentication extension, and name it as health.auth.authenticator"))
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		errs = errors.Join(errs, fmt.Errorf("endpoint is %q: give the whole URL of the check, like http://127.0.0.1:8000/health", c.ClientConfig.Endpoint))
	}
	errs = errors.Join(errs, probe.AtLeast("interval", c.Interval, time.Second, 15*time.Second))
	if timeout := c.ClientConfig.Timeout; timeout < leastTimeout || timeout > c.Interval {
		errs = errors.Join(errs, fmt.Errorf("timeout is %v: give %v up to the interval, %v, or leave it out for 3s%s", timeout, leastTimeout, c.Interval, probe.Unitless(timeout)))
	}
	if !slices.Contains(methods, c.Method) {
		errs = errors.Join(errs, fmt.Errorf("method is %q: give one of %s", c.Method, strings.Join(methods, ", ")))
	}
	for _, status := range c.Status {
		if status < 100 || status > 599 {
			errs = errors.Join(errs, fmt.Errorf("status has %d: give codes from 100 to 599, or leave it out for any 2xx", status))
		}
	}
	if _, err := regexp.Compile(c.Body); err != nil {
		errs = errors.Join(errs, fmt.Errorf("body is no regular expression: %w", err))
	} else if c.Body != "" && c.Method == "HEAD" {
		errs = errors.Join(errs, errors.New("body is given and method is HEAD, whose answers have none: leave one of them out"))
	}
	return errs
}

// check makes the check of what was validated.
func (c *HealthConfig) check() *webui.HealthCheck {
	u, _ := url.Parse(c.ClientConfig.Endpoint) // Validate has refused every other
	check := &webui.HealthCheck{URL: u, Method: c.Method, Status: c.Status, Timeout: c.ClientConfig.Timeout, Interval: c.Interval}
	if c.Body != "" {
		check.Body = regexp.MustCompile(c.Body)
	}
	return check
}

// healthPaths are those of health checks. A server that is asked for a Gradio's endpoints below one
// has none.
var healthPaths = []string{"capabilities", "health", "healthcheck", "healthz", "live", "livez", "liveness", "ping", "ready", "readyz", "readiness", "status"}

// IsHealthPath says whether a URL is more likely that of a health check than that of a web UI.
func IsHealthPath(u *url.URL) bool {
	path := strings.TrimSuffix(u.Path, "/")
	return slices.Contains(healthPaths, strings.ToLower(path[strings.LastIndex(path, "/")+1:]))
}
