//go:build linux && cgo

package nvmldriver

import (
	"fmt"
	"unsafe"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// handle is one GPU. Calls on it come from one goroutine at a time.
type handle struct {
	*session
	device nvml.Device
	index  int
	// parent is the GPU of a MIG device; nil for a GPU.
	parent *handle
	// uuid is the GPU's UUID; raw is its handle for direct calls, nil before the first one.
	uuid string
	raw  unsafe.Pointer
	// divided means that MIG mode was on at the last read.
	divided bool
	refusals
}

// Identity implements gpu.Handle.
func (h *handle) Identity() (gpu.Identity, error) {
	if err := h.may("GetUUID"); err != nil {
		return gpu.Identity{}, err
	}
	uuid, code := h.device.GetUUID()
	if err := failure("GetUUID", code); err != nil {
		return gpu.Identity{}, err
	}
	h.uuid = uuid
	id := gpu.Identity{UUID: uuid, Index: h.index}
	if h.may("GetName") == nil {
		id.Name = textOf(h.device.GetName())
	}
	if h.may("GetVbiosVersion") == nil {
		id.VBIOSVersion = textOf(h.device.GetVbiosVersion())
	}
	if h.may("GetPciInfo") == nil {
		if pci, code := h.device.GetPciInfo(); code == nvml.SUCCESS {
			// In the form of /sys/bus/pci; the library pads the domain to eight digits. A GPU is
			// function 0.
			id.PCIAddress = fmt.Sprintf("%04x:%02x:%02x.0", pci.Domain, pci.Bus, pci.Device)
		}
	}
	return id, nil
}

// Utilization implements gpu.Handle.
func (h *handle) Utilization(task gpu.Task) (uint32, error) {
	switch task {
	case gpu.TaskGeneral:
		return h.generalUtilization()
	case gpu.TaskEncoder:
		return h.encoderUtilization()
	case gpu.TaskDecoder:
		return h.decoderUtilization()
	case gpu.TaskJPEG:
		return h.jpegUtilization()
	case gpu.TaskOFA:
		return h.ofaUtilization()
	case gpu.TaskMemory:
		return h.memoryUtilization()
	default:
		return 0, gpu.ErrNotSupported
	}
}

func (h *handle) generalUtilization() (uint32, error) {
	if err := h.may("GetUtilizationRates"); err != nil {
		return 0, err
	}
	rates, code := h.device.GetUtilizationRates()
	return rates.Gpu, failure("GetUtilizationRates", code)
}

// memoryUtilization is the utilization of the memory controller in percent. Reading its sample
// buffer costs 1.5 ms, the current rate 1 µs, so only the rate is read.
func (h *handle) memoryUtilization() (uint32, error) {
	if err := h.may("GetUtilizationRates"); err != nil {
		return 0, err
	}
	rates, code := h.device.GetUtilizationRates()
	return rates.Memory, failure("GetUtilizationRates", code)
}

func (h *handle) encoderUtilization() (uint32, error) {
	if err := h.may("GetEncoderUtilization"); err != nil {
		return 0, err
	}
	percent, _, code := h.device.GetEncoderUtilization()
	return percent, failure("GetEncoderUtilization", code)
}

func (h *handle) decoderUtilization() (uint32, error) {
	if err := h.may("GetDecoderUtilization"); err != nil {
		return 0, err
	}
	percent, _, code := h.device.GetDecoderUtilization()
	return percent, failure("GetDecoderUtilization", code)
}

func (h *handle) jpegUtilization() (uint32, error) {
	if err := h.may("GetJpgUtilization"); err != nil {
		return 0, err
	}
	percent, _, code := h.device.GetJpgUtilization()
	return percent, failure("GetJpgUtilization", code)
}

// ofaUtilization is the utilization of the optical flow accelerator in percent.
func (h *handle) ofaUtilization() (uint32, error) {
	if err := h.may("GetOfaUtilization"); err != nil {
		return 0, err
	}
	percent, _, code := h.device.GetOfaUtilization()
	return percent, failure("GetOfaUtilization", code)
}

// Memory implements gpu.Handle. The newer call reports the memory that the driver reserves
// separately from the used memory; drivers before R510 do not have it. Once it has succeeded for a
// GPU, the older one is not called any more, because its "used" includes reserved memory.
func (h *handle) Memory() (gpu.Memory, error) {
	answered := h.library.newerMemory.of(h.uuid)
	if (answered.Load() || h.newerMemory.due()) && h.may("GetMemoryInfo_v2") == nil {
		m, code := h.device.GetMemoryInfo_v2()
		if err := failure("GetMemoryInfo_v2", code); err == nil || answered.Load() || !outdated(code) {
			if err == nil {
				answered.Store(true)
			}
			return gpu.Memory{Used: m.Used, Total: m.Total}, err
		}
		h.newerMemory.refuse()
	}
	if err := h.may("GetMemoryInfo"); err != nil {
		return gpu.Memory{}, err
	}
	m, code := h.device.GetMemoryInfo()
	return gpu.Memory{Used: m.Used, Total: m.Total}, failure("GetMemoryInfo", code)
}

// Temperature implements gpu.Handle. The older call is deprecated since CUDA 13.
func (h *handle) Temperature() (int, error) {
	if h.newerTemperature.due() && h.may("GetTemperatureV") == nil {
		t, code := h.device.GetTemperatureV().V1()
		if !outdated(code) {
			return int(t.Temperature), failure("GetTemperatureV", code)
		}
		h.newerTemperature.refuse()
	}
	if err := h.may("GetTemperature"); err != nil {
		return 0, err
	}
	celsius, code := h.device.GetTemperature(nvml.TEMPERATURE_GPU)
	return int(celsius), failure("GetTemperature", code)
}

// outdated reports whether the older form of a call should be tried.
func outdated(code nvml.Return) bool {
	switch code {
	case nvml.ERROR_NOT_SUPPORTED, nvml.ERROR_FUNCTION_NOT_FOUND, nvml.ERROR_ARGUMENT_VERSION_MISMATCH, nvml.ERROR_INVALID_ARGUMENT:
		return true
	default:
		return false
	}
}

// Power implements gpu.Handle.
func (h *handle) Power() (uint32, error) {
	if err := h.may("GetPowerUsage"); err != nil {
		return 0, err
	}
	milliwatts, code := h.device.GetPowerUsage()
	return milliwatts, failure("GetPowerUsage", code)
}

// Energy implements gpu.Handle.
func (h *handle) Energy() (uint64, error) {
	if err := h.may("GetTotalEnergyConsumption"); err != nil {
		return 0, err
	}
	millijoules, code := h.device.GetTotalEnergyConsumption()
	return millijoules, failure("GetTotalEnergyConsumption", code)
}
