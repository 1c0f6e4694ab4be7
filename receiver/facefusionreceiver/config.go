package facefusionreceiver

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/scraper/scraperhelper"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/gpuprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/jobprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/processprobe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/webprobe"
)

// Config is what a user may write under receivers: facefusion. Nothing needs to be written.
type Config struct {
	Controller scraperhelper.ControllerConfig `mapstructure:",squash"`
	Metrics    metadata.MetricsBuilderConfig  `mapstructure:",squash"`
	Logs       metadata.LogsBuilderConfig     `mapstructure:",squash"`
	// Histograms are written under metrics, like every other metric: see histograms.go.
	Histograms HistogramsConfig `mapstructure:"-"`

	// RootPath is where the root of the observed host is mounted: "/" on the host itself, "/host"
	// or the like in a container.
	RootPath string `mapstructure:"root_path"`
	// Storage names a storage extension, which keeps over a restart what was last seen of the jobs
	// folders and what was not delivered yet. Without one, what lies in a jobs folder at the start
	// is history.
	Storage *component.ID `mapstructure:"storage"`
	// Instances names FaceFusion instances. One that is named is reported also when it was never
	// seen.
	Instances []InstanceConfig `mapstructure:"instances"`

	GPU     gpuprobe.Config     `mapstructure:"gpu"`
	Process processprobe.Config `mapstructure:"process"`
	Web     webprobe.Config     `mapstructure:"web"`
	Jobs    jobprobe.Config     `mapstructure:"jobs"`
}

// InstanceConfig names one FaceFusion instance.
type InstanceConfig struct {
	// Name becomes service.instance.id.
	Name string `mapstructure:"name"`
	// Path is the folder of the checkout, as FaceFusion's process sees it.
	Path string `mapstructure:"path"`
	// JobsPath is its jobs folder; empty for the one that the process uses.
	JobsPath string `mapstructure:"jobs_path"`
	// Match names its processes, where no rule finds them or several instances share a checkout.
	Match *MatchConfig `mapstructure:"match"`
	// Expected says that it should always run: ended on purpose, it is down all the same. So by
	// default; without, it is treated as one that was found.
	Expected *bool `mapstructure:"expected"`
	// Endpoint is the URL of its web server, for one that cannot be found from a process of this
	// host (behind a proxy, on another host).
	Endpoint string `mapstructure:"endpoint"`
	// Health is a request by which its server is to be judged.
	Health *webprobe.HealthConfig `mapstructure:"health"`
}

var (
	_ component.Config    = (*Config)(nil)
	_ confmap.Validator   = (*Config)(nil)
	_ confmap.Unmarshaler = (*Config)(nil)
)

const collectionInterval = 15 * time.Second

func createDefaultConfig() component.Config {
	controller := scraperhelper.NewDefaultControllerConfig()
	controller.CollectionInterval = collectionInterval
	return &Config{
		Controller: controller,
		Metrics:    metadata.NewDefaultMetricsBuilderConfig(),
		Logs:       metadata.DefaultLogsBuilderConfig(),
		Histograms: HistogramsConfig{Web: webprobe.NewDefaultHistogramsConfig(), Jobs: jobprobe.NewDefaultHistogramsConfig()},
		RootPath:   "/",
		GPU:        gpuprobe.NewDefaultConfig(),
		Process:    processprobe.NewDefaultConfig(),
		Web:        webprobe.NewDefaultConfig(),
		Jobs:       jobprobe.NewDefaultConfig(),
	}
}

// Validate names the field, the value and the remedy. The sections validate themselves.
func (c *Config) Validate() error {
	var errs error
	if !filepath.IsAbs(c.RootPath) {
		errs = errors.Join(errs, fmt.Errorf("root_path is %q: give an absolute path, or leave it out for the host itself", c.RootPath))
	}
	if !c.GPU.Enabled && !c.Process.Enabled && !c.Web.Enabled {
		errs = errors.Join(errs, errors.New("gpu, process and web are all switched off: switch one on, or remove the receiver"))
	}
	return errors.Join(errs, c.validateController(), c.validateInstances(), c.validateOverlaps(), c.validateWeb(), c.Histograms.validate())
}

// validateController refuses what would scrape without a pause, or never in time.
func (c *Config) validateController() error {
	return errors.Join(
		probe.AtLeast("collection_interval", c.Controller.CollectionInterval, time.Second, collectionInterval),
		probe.ZeroOrAtLeast("initial_delay", c.Controller.InitialDelay, time.Millisecond, "none"),
		probe.ZeroOrAtLeast("timeout", c.Controller.Timeout, 100*time.Millisecond, "none"),
	)
}

// validateWeb refuses settings that would be sent nowhere.
func (c *Config) validateWeb() error {
	settings := c.Web.ForEndpointsOnly()
	hasEndpoint := slices.ContainsFunc(c.Instances, func(i InstanceConfig) bool { return i.Endpoint != "" })
	if !c.Web.Enabled || hasEndpoint || len(settings) == 0 {
		return nil
	}
	return fmt.Errorf("web: %s is set, and no instance has an endpoint: credentials, headers, TLS and proxies are for configured endpoints only, "+
		"never for servers that were found; name the server as instances[].endpoint, or remove the setting", strings.Join(settings, ", "))
}

func (c *Config) validateInstances() error {
	var errs error
	names := map[string]bool{}
	for i, instance := range c.Instances {
		if err := instance.validate(); err != nil {
			errs = errors.Join(errs, fmt.Errorf("instances[%d]: %w", i, err))
		}
		if instance.Match != nil && !c.Process.Enabled {
			errs = errors.Join(errs, fmt.Errorf("instances[%d]: match is given, and process.enabled is false: switch process on, or remove match", i))
		}
		if names[instance.Name] {
			errs = errors.Join(errs, fmt.Errorf("instances[%d]: name %q is used twice: give each instance its own", i, instance.Name))
		}
		names[instance.Name] = true
	}
	return errs
}

func (c *InstanceConfig) validate() error {
	errs := validateName(c.Name)
	if c.Path == "" && c.JobsPath == "" && c.Match == nil && c.Endpoint == "" && c.Health == nil {
		errs = errors.Join(errs, errors.New("path, jobs_path, match, endpoint and health are all empty: give the folder of the checkout, the jobs folder, what its processes look like, the URL of the web server or a health check"))
	}
	for _, field := range []struct{ name, value string }{{"path", c.Path}, {"jobs_path", c.JobsPath}} {
		if field.value != "" && !filepath.IsAbs(field.value) {
			errs = errors.Join(errs, fmt.Errorf("%s is %q: give an absolute path, as the FaceFusion process sees it", field.name, field.value))
		}
	}
	if !c.expected() && c.Path == "" && c.JobsPath == "" && c.Match == nil {
		errs = errors.Join(errs, errors.New("expected is false, and path, jobs_path and match are empty: only of a process is it seen how it ended; give the folder of the checkout, or leave expected out"))
	}
	return errors.Join(errs, validateEndpoint(c.Endpoint))
}

// expected is true unless the configuration says otherwise.
func (c *InstanceConfig) expected() bool { return c.Expected == nil || *c.Expected }

// Clients are the HTTP clients that are configured, by the settings that they are of.
func (c *Config) Clients() map[string]*confighttp.ClientConfig {
	clients := map[string]*confighttp.ClientConfig{"web": &c.Web.ClientConfig}
	for i := range c.Instances {
		if health := c.Instances[i].Health; health != nil {
			clients[fmt.Sprintf("instances[%d].health", i)] = &health.ClientConfig
		}
	}
	return clients
}

// folders are those of the instance as the collector sees them.
func (c *InstanceConfig) folders(root string) []string {
	var list []string
	if c.Path != "" {
		list = append(list, filepath.Join(root, c.Path), filepath.Join(root, c.Path, ".jobs"))
	}
	if c.JobsPath != "" {
		list = append(list, filepath.Join(root, c.JobsPath))
	}
	return list
}

func validateEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err == nil && u.User != nil {
		return errors.New("endpoint holds a user or a password: give them to an authentication extension, and name it as web.auth.authenticator")
	}
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("endpoint is %q: give a URL like http://127.0.0.1:7860", endpoint)
	}
	if webprobe.IsHealthPath(u) {
		return fmt.Errorf("endpoint is %q, which is the URL of a health check: write it as health.endpoint; endpoint is the web UI's, of which Gradio's own paths are asked", endpoint)
	}
	return nil
}
