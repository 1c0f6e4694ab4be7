//go:build linux && cgo

package nvmldriver

import (
	"errors"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// MIGDevices implements gpu.Handle. The indexes of MIG devices are sparse.
func (h *handle) MIGDevices() ([]gpu.Handle, error) {
	on, err := h.migEnabled()
	if err != nil || !on {
		return nil, err
	}
	if err := h.may("GetMaxMigDeviceCount"); err != nil {
		return nil, err
	}
	places, code := h.device.GetMaxMigDeviceCount()
	if err := failure("GetMaxMigDeviceCount", code); err != nil {
		return nil, err
	}
	var parts []gpu.Handle
	for i := range places {
		device, err := h.migDevice(i)
		switch {
		case errors.Is(err, gpu.ErrNotFound):
		case err != nil:
			return parts, err
		default:
			parts = append(parts, &handle{session: h.session, device: device, index: h.index, parent: h})
		}
	}
	return parts, nil
}

// migEnabled says whether MIG is on now.
func (h *handle) migEnabled() (bool, error) {
	if err := h.may("GetMigMode"); err != nil {
		return false, err
	}
	current, _, code := h.device.GetMigMode()
	return current == nvml.DEVICE_MIG_ENABLE, failure("GetMigMode", code)
}

func (h *handle) migDevice(place int) (nvml.Device, error) {
	if err := h.may("GetMigDeviceHandleByIndex"); err != nil {
		return nil, err
	}
	device, code := h.device.GetMigDeviceHandleByIndex(place)
	return device, failure("GetMigDeviceHandleByIndex", code)
}
