//go:build !linux || !cgo

package nvmldriver

import "github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"

// Driver is the driver of a build that cannot load the library.
type Driver struct{}

// New creates a driver whose Open always fails.
func New(Settings) *Driver { return &Driver{} }

// Open fails with gpu.ErrUnsupportedBuild.
func (*Driver) Open() (gpu.Session, error) { return nil, gpu.ErrUnsupportedBuild }
