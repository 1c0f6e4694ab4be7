//go:build linux && cgo

package nvmldriver

import (
	"errors"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// migIndexLimit bounds how many indexes are tried; NVML has 7 today.
const migIndexLimit = 32

// MIG implements gpu.Handle. The indexes of MIG devices are sparse.
func (h *handle) MIG() (gpu.MIG, error) {
	enabled, err := h.migEnabled()
	if err != nil {
		return gpu.MIG{}, err
	}
	if enabled != h.divided {
		h.divided, h.refusals = enabled, refusals{}
	}
	mig := gpu.MIG{Enabled: enabled}
	if !enabled {
		return mig, nil
	}
	indexes, err := h.migIndexes()
	if err != nil {
		return mig, err
	}
	mig.Claimed = indexes
	for i := range min(indexes, migIndexLimit) {
		device, err := h.migDevice(i)
		switch {
		case errors.Is(err, gpu.ErrNotFound):
		case err != nil:
			return mig, err
		default:
			mig.Devices = append(mig.Devices, &handle{session: h.session, device: device, index: h.index, parent: h})
		}
	}
	return mig, nil
}

// migIndexes returns the upper bound (exclusive) of the indexes of MIG devices.
func (h *handle) migIndexes() (int, error) {
	if err := h.may("GetMaxMigDeviceCount"); err != nil {
		return 0, err
	}
	indexes, code := h.device.GetMaxMigDeviceCount()
	return indexes, failure("GetMaxMigDeviceCount", code)
}

// migEnabled reports whether MIG mode is on now.
func (h *handle) migEnabled() (bool, error) {
	if err := h.may("GetMigMode"); err != nil {
		return false, err
	}
	current, _, code := h.device.GetMigMode()
	return current == nvml.DEVICE_MIG_ENABLE, failure("GetMigMode", code)
}

func (h *handle) migDevice(index int) (nvml.Device, error) {
	if err := h.may("GetMigDeviceHandleByIndex"); err != nil {
		return nil, err
	}
	device, code := h.device.GetMigDeviceHandleByIndex(index)
	return device, failure("GetMigDeviceHandleByIndex", code)
}
