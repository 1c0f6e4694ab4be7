package gpuprobe

import (
	"errors"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// Config is the section gpu.
type Config struct {
	// Enabled switches the probe.
	Enabled bool `mapstructure:"enabled"`
	// Interval is how often the GPUs are sampled in the background.
	Interval time.Duration `mapstructure:"interval"`
	// Deadline is how long a driver call may take before its GPU counts as wedged.
	Deadline time.Duration `mapstructure:"deadline"`
	// LibraryPath is the file of the driver's library; empty to look for libnvidia-ml.so.1 where
	// the system does.
	LibraryPath string `mapstructure:"library_path"`
	// Devices selects GPUs.
	Devices DevicesConfig `mapstructure:"devices"`
	// ReleaseWhenIdle is how long no process may use a GPU before the driver's library is closed.
	// An open one keeps GPUs from being reset, partitioned or put to sleep. 0 keeps it open.
	ReleaseWhenIdle time.Duration `mapstructure:"release_when_idle"`
	// PeakWindow is for how long a peak stays on the page: whoever reads it at least as often sees
	// every one.
	PeakWindow time.Duration `mapstructure:"peak_window"`
	// ForgetAfter is how long a GPU that the driver no longer lists is reported as lost.
	ForgetAfter time.Duration `mapstructure:"forget_after"`
	// KernelLog has /dev/kmsg read for XIDs that the driver's event set does not report. It needs a
	// permission that nothing else here needs.
	KernelLog bool `mapstructure:"kernel_log"`
}

// DevicesConfig is the section gpu.devices. An entry is a UUID, an index or a PCI address. One that
// no GPU goes by is reported, not an error.
type DevicesConfig struct {
	// Include are the GPUs that are watched; all without any.
	Include []string `mapstructure:"include"`
	// Exclude are those that are not, also when they are included.
	Exclude []string `mapstructure:"exclude"`
}

var _ confmap.Validator = (*Config)(nil)

// NewDefaultConfig works on every host with an NVIDIA driver.
func NewDefaultConfig() Config {
	return Config{Enabled: true, Interval: time.Second, Deadline: 5 * time.Second, PeakWindow: time.Minute, ForgetAfter: 24 * time.Hour}
}

// Validate names the field, the value and the remedy.
func (c *Config) Validate() error {
	if !c.Enabled {
		return nil
	}
	normal := NewDefaultConfig()
	errs := errors.Join(
		probe.AtLeast("interval", c.Interval, 100*time.Millisecond, normal.Interval),
		probe.AtLeast("deadline", c.Deadline, 100*time.Millisecond, normal.Deadline),
		probe.Between("peak_window", c.PeakWindow, time.Second, time.Hour, normal.PeakWindow),
		probe.AtLeast("forget_after", c.ForgetAfter, time.Minute, normal.ForgetAfter),
		probe.ZeroOrAtLeast("release_when_idle", c.ReleaseWhenIdle, time.Second, "never"),
	)
	for _, entry := range slices.Concat(c.Devices.Include, c.Devices.Exclude) {
		if strings.TrimSpace(entry) == "" {
			errs = errors.Join(errs, errors.New("devices has an empty entry: give a UUID, an index or a PCI address"))
		}
	}
	return errs
}
