package gpu

import (
	"errors"
	"fmt"
)

// The reasons why NVML is not expected on a host.
var (
	errJetson      = errors.New("a Jetson: NVML does not report the GPU of its chip")
	errNoNVIDIAGPU = errors.New("no NVIDIA GPU on the PCI bus")
)

// explain returns the state of a library that could not be opened. On a Jetson, and on a host
// without an NVIDIA GPU on the PCI bus, it is LibraryNoNVML, because no installation would help;
// not where the operator configured the library's path.
func (s *Sampler) explain(err error) Library {
	state := stateAfter(err)
	switch {
	case s.libraryNamed || state != LibraryNotFound && state != LibraryDriverNotLoaded:
	case s.shared.bus.IsJetson():
		return Library{State: LibraryNoNVML, Err: fmt.Errorf("%w: %w", errJetson, err)}
	case state == LibraryNotFound && s.shared.bus.LacksGPU():
		return Library{State: LibraryNoNVML, Err: fmt.Errorf("%w: %w", errNoNVIDIAGPU, err)}
	}
	return Library{State: state, Err: err}
}
