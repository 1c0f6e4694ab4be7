package statestorage

import (
	"context"
	"errors"
	"path/filepath"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension"
)

// Type of the extension.
var Type = component.MustNewType("state_storage")

// Config is what is written under extensions: state_storage.
type Config struct {
	// Directory is where the state is kept; it is made if it is not there.
	Directory string `mapstructure:"directory"`
	// MaxMemoryMiB bounds what each component keeps in memory while the disk takes no writes.
	MaxMemoryMiB int64 `mapstructure:"max_memory_mib"`
	// Fsync has each write wait for the disk. Without it a power cut may lose the last seconds; the
	// end of the process, however it comes, loses nothing.
	Fsync bool `mapstructure:"fsync"`
}

var _ confmap.Validator = (*Config)(nil)

// Validate names the field, the value and the remedy.
func (c *Config) Validate() error {
	var errs error
	if !filepath.IsAbs(c.Directory) {
		errs = errors.Join(errs, errors.New("directory is "+quoted(c.Directory)+": give an absolute path, for example ${env:STATE_DIRECTORY:-/var/lib/otelcol-facefusion}"))
	}
	if c.MaxMemoryMiB < 1 || c.MaxMemoryMiB > 1024 {
		errs = errors.Join(errs, errMaxMemory(c.MaxMemoryMiB))
	}
	return errs
}

// NewFactory makes the factory of the extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(Type, func() component.Config {
		return &Config{Directory: "/var/lib/otelcol-facefusion", MaxMemoryMiB: 32}
	}, create, component.StabilityLevelAlpha)
}

func create(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	return newStorage(set, cfg.(*Config))
}
