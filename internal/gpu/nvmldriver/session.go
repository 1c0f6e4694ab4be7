//go:build linux && cgo

package nvmldriver

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// session is one user of the library.
type session struct {
	library *library
	api     nvml.Interface
	exports exports
	direct  direct
	release release
	closed  atomic.Bool

	profilers profilers
}

// may returns nil if a go-nvml method can be called without ending the process, else why not.
func (s *session) may(method string) error {
	if s.closed.Load() {
		return gpu.ErrUninitialized
	}
	if !s.exports[method] {
		return fmt.Errorf("nvml %s is missing: %w", method, gpu.ErrNotSupported)
	}
	return nil
}

// Versions implements gpu.Session.
func (s *session) Versions() (v gpu.Versions) {
	v.Driver = s.driverVersion()
	if s.may("SystemGetNVMLVersion") == nil {
		v.NVML = textOf(s.api.SystemGetNVMLVersion())
	}
	v.CUDA = s.cudaVersion()
	return v
}

func (s *session) driverVersion() string {
	if s.may("SystemGetDriverVersion") != nil {
		return ""
	}
	return textOf(s.api.SystemGetDriverVersion())
}

// cudaVersion decodes 1000*major + 10*minor. The older of the two functions returns the version of
// an installed CUDA library if there is one.
func (s *session) cudaVersion() string {
	version, code := 0, nvml.ERROR_NOT_SUPPORTED
	if s.may("SystemGetCudaDriverVersion_v2") == nil {
		version, code = s.api.SystemGetCudaDriverVersion_v2()
	} else if s.may("SystemGetCudaDriverVersion") == nil {
		version, code = s.api.SystemGetCudaDriverVersion()
	}
	if code != nvml.SUCCESS || version <= 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d", version/1000, version%1000/10)
}

// textOf returns the text of a successful call, else an empty string.
func textOf(text string, code nvml.Return) string {
	if code != nvml.SUCCESS {
		return ""
	}
	return text
}

// Count implements gpu.Session.
func (s *session) Count() (int, error) {
	if err := s.may("DeviceGetCount"); err != nil {
		return 0, err
	}
	count, code := s.api.DeviceGetCount()
	return count, failure("DeviceGetCount", code)
}

// Handle implements gpu.Session.
func (s *session) Handle(index int) (gpu.Handle, error) {
	if err := s.may("DeviceGetHandleByIndex"); err != nil {
		return nil, err
	}
	device, code := s.api.DeviceGetHandleByIndex(index)
	if err := failure("DeviceGetHandleByIndex", code); err != nil {
		return nil, err
	}
	return &handle{session: s, device: device, index: index}, nil
}

// Close implements gpu.Session. A second Close does nothing, because sessions are counted.
func (s *session) Close() error {
	freed := s.freeSamples()
	if s.closed.Swap(true) {
		return nil
	}
	return errors.Join(freed, s.library.close())
}
