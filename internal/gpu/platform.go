package gpu

import (
	"errors"
	"fmt"
)

// What a host is where the library reports no GPU, and none is to be expected of it.
var (
	errJetson      = errors.New("a Jetson: NVML does not report the GPU of its chip")
	errNoNVIDIAGPU = errors.New("no NVIDIA GPU on the PCI bus")
)

// explain says what it means that the library could not be opened. On a Jetson, and where the bus
// has no NVIDIA GPU, no installation would help. A library that an operator named is expected to be
// there.
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
