//go:build linux && cgo

package nvmldriver

import (
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// failure turns a return code into an error. A code must not be formatted or compared as an error:
// SUCCESS is an error that is not nil, and the text of a code is a call into the library.
func failure(method string, code nvml.Return) error {
	if code == nvml.SUCCESS {
		return nil
	}
	if err := meaning(code); err != nil {
		return fmt.Errorf("nvml %s: %w", method, err)
	}
	return fmt.Errorf("nvml %s: code %d", method, int(code))
}

// meaning returns the error of package gpu for a code; nil if the code means only that the call
// failed.
func meaning(code nvml.Return) error {
	switch code {
	case nvml.ERROR_UNINITIALIZED:
		return gpu.ErrUninitialized
	case nvml.ERROR_NOT_SUPPORTED, nvml.ERROR_FUNCTION_NOT_FOUND, nvml.ERROR_ARGUMENT_VERSION_MISMATCH, nvml.ERROR_DEPRECATED:
		return gpu.ErrNotSupported
	case nvml.ERROR_NO_PERMISSION:
		return gpu.ErrNoPermission
	case nvml.ERROR_NOT_FOUND, nvml.ERROR_NO_DATA:
		return gpu.ErrNotFound
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return gpu.ErrDriverNotLoaded
	case nvml.ERROR_INVALID_ARGUMENT:
		return gpu.ErrInvalidArgument
	case nvml.ERROR_TIMEOUT:
		return gpu.ErrTimeout
	case nvml.ERROR_UNKNOWN:
		return gpu.ErrUnknown
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return gpu.ErrLibraryNotFound
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		// The version of the kernel module differs from that of the loaded library, which cannot be
		// unloaded.
		return gpu.ErrRestartRequired
	case nvml.ERROR_GPU_IS_LOST:
		return gpu.ErrLost
	case nvml.ERROR_RESET_REQUIRED:
		return gpu.ErrResetRequired
	default:
		return nil
	}
}
