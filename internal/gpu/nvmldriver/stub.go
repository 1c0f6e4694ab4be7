//go:build !linux || !cgo

package nvmldriver

import "github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"

// Driver of a build that cannot load the library.
type Driver struct{}

// New makes a driver that has nothing to open.
func New(Settings) *Driver { return &Driver{} }

// Open fails with gpu.ErrUnsupportedBuild.
func (*Driver) Open() (gpu.Session, error) { return nil, gpu.ErrUnsupportedBuild }
