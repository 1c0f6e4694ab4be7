//go:build linux && cgo

package nvmldriver

import "github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"

// Driver opens sessions of the library of this process.
type Driver struct{ settings Settings }

// New makes a driver. Nothing is loaded before Open.
func New(settings Settings) *Driver { return &Driver{settings: settings} }

// Open loads and initializes the library unless another session has done so. It may block in the
// driver.
func (d *Driver) Open() (gpu.Session, error) { return process.open(d.settings) }
