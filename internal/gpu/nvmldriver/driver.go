//go:build linux && cgo

package nvmldriver

import "github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"

// Driver opens sessions of the library of this process.
type Driver struct{ settings Settings }

// New creates a driver. It loads nothing before Open.
func New(settings Settings) *Driver { return &Driver{settings: settings} }

// Open loads and initializes the library unless another session has done so. It may block in the
// driver without limit. Any goroutine may call it.
func (d *Driver) Open() (gpu.Session, error) { return process.open(d.settings) }
