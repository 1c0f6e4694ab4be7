//go:build linux && cgo

package nvmldriver

import (
	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// numbers is the function that reads each quantity.
var numbers = map[gpu.Quantity]func(*handle) (gpu.Number, error){
	gpu.QuantityClockGraphics:            plain(clock(nvml.CLOCK_GRAPHICS)),
	gpu.QuantityClockSM:                  plain(clock(nvml.CLOCK_SM)),
	gpu.QuantityClockMemory:              plain(clock(nvml.CLOCK_MEM)),
	gpu.QuantityClockVideo:               plain(clock(nvml.CLOCK_VIDEO)),
	gpu.QuantityClockEvents:              plain((*handle).clockEvents),
	gpu.QuantityPerformanceState:         plain((*handle).performanceState),
	gpu.QuantityPCIeTransmitted:          field(nvml.FI_DEV_PCIE_COUNT_TX_BYTES, 0),
	gpu.QuantityPCIeReceived:             field(nvml.FI_DEV_PCIE_COUNT_RX_BYTES, 0),
	gpu.QuantityNVLinkTransmitted:        field(nvml.FI_DEV_NVLINK_THROUGHPUT_DATA_TX, allLinks),
	gpu.QuantityNVLinkReceived:           field(nvml.FI_DEV_NVLINK_THROUGHPUT_DATA_RX, allLinks),
	gpu.QuantityMemoryTemperature:        field(nvml.FI_DEV_MEMORY_TEMP, 0),
	gpu.QuantityPowerLimit:               plain((*handle).powerLimit),
	gpu.QuantityPowerLimitDefault:        plain((*handle).powerLimitDefault),
	gpu.QuantityPowerLimitMinimum:        plain((*handle).powerLimitMinimum),
	gpu.QuantityPowerLimitMaximum:        plain((*handle).powerLimitMaximum),
	gpu.QuantityCorrected:                plain(ecc(nvml.MEMORY_ERROR_TYPE_CORRECTED, nvml.VOLATILE_ECC)),
	gpu.QuantityUncorrected:              plain(ecc(nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.VOLATILE_ECC)),
	gpu.QuantityAggregateCorrected:       plain(ecc(nvml.MEMORY_ERROR_TYPE_CORRECTED, nvml.AGGREGATE_ECC)),
	gpu.QuantityAggregateUncorrected:     plain(ecc(nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.AGGREGATE_ECC)),
	gpu.QuantityPCIeReplay:               plain((*handle).replays),
	gpu.QuantityLinkGeneration:           plain((*handle).linkGeneration),
	gpu.QuantityLinkWidth:                plain((*handle).linkWidth),
	gpu.QuantityMaxLinkGeneration:        plain((*handle).maxLinkGeneration),
	gpu.QuantityMaxLinkWidth:             plain((*handle).maxLinkWidth),
	gpu.QuantityThrottlePower:            field(nvml.FI_DEV_PERF_POLICY_POWER, 0),
	gpu.QuantityThrottleThermal:          field(nvml.FI_DEV_PERF_POLICY_THERMAL, 0),
	gpu.QuantityThrottleSyncBoost:        field(nvml.FI_DEV_PERF_POLICY_SYNC_BOOST, 0),
	gpu.QuantityThrottleBoardLimit:       field(nvml.FI_DEV_PERF_POLICY_BOARD_LIMIT, 0),
	gpu.QuantityThrottleReliability:      field(nvml.FI_DEV_PERF_POLICY_RELIABILITY, 0),
	gpu.QuantityThrottleSWThermal:        renumbered(swThermal),
	gpu.QuantityThrottleHWThermal:        renumbered(hwThermal),
	gpu.QuantityThrottlePowerBrake:       renumbered(powerBrake),
	gpu.QuantityTemperatureSlowdown:      plain(threshold(nvml.TEMPERATURE_THRESHOLD_SLOWDOWN)),
	gpu.QuantityTemperatureShutdown:      plain(threshold(nvml.TEMPERATURE_THRESHOLD_SHUTDOWN)),
	gpu.QuantityTemperatureMaximum:       plain(threshold(nvml.TEMPERATURE_THRESHOLD_GPU_MAX)),
	gpu.QuantityTemperatureMemoryMaximum: plain(threshold(nvml.TEMPERATURE_THRESHOLD_MEM_MAX)),
	gpu.QuantityMaxClockGraphics:         plain(maxClock(nvml.CLOCK_GRAPHICS)),
	gpu.QuantityMaxClockSM:               plain(maxClock(nvml.CLOCK_SM)),
	gpu.QuantityMaxClockMemory:           plain(maxClock(nvml.CLOCK_MEM)),
	gpu.QuantityMaxClockVideo:            plain(maxClock(nvml.CLOCK_VIDEO)),
	gpu.QuantityRetiredSingleBit:         plain(retiredPages(nvml.PAGE_RETIREMENT_CAUSE_MULTIPLE_SINGLE_BIT_ECC_ERRORS)),
	gpu.QuantityRetiredDoubleBit:         plain(retiredPages(nvml.PAGE_RETIREMENT_CAUSE_DOUBLE_BIT_ECC_ERROR)),
	gpu.QuantityRetirementPending:        plain((*handle).retirementPending),
	gpu.QuantityRecoveryAction:           field(nvml.FI_DEV_GET_GPU_RECOVERY_ACTION, 0),
	gpu.QuantityFans:                     plain((*handle).fans),
}

// Number implements gpu.Handle.
func (h *handle) Number(q gpu.Quantity) (gpu.Number, error) {
	ask := numbers[q]
	if ask == nil {
		return gpu.Number{}, gpu.ErrNotSupported
	}
	return ask(h)
}

// plain reads a number whose width does not matter, because it is not made into a monotonic
// counter.
func plain(ask func(*handle) (uint64, error)) func(*handle) (gpu.Number, error) {
	return func(h *handle) (gpu.Number, error) {
		value, err := ask(h)
		return gpu.Number{Value: value}, err
	}
}

func clock(domain nvml.ClockType) func(*handle) (uint64, error) {
	return func(h *handle) (uint64, error) {
		if err := h.may("GetClockInfo"); err != nil {
			return 0, err
		}
		mhz, code := h.device.GetClockInfo(domain)
		return uint64(mhz), failure("GetClockInfo", code)
	}
}

func maxClock(domain nvml.ClockType) func(*handle) (uint64, error) {
	return func(h *handle) (uint64, error) {
		if err := h.may("GetMaxClockInfo"); err != nil {
			return 0, err
		}
		mhz, code := h.device.GetMaxClockInfo(domain)
		return uint64(mhz), failure("GetMaxClockInfo", code)
	}
}

// clockEvents falls back to the deprecated function, which every driver still exports.
func (h *handle) clockEvents() (uint64, error) {
	if h.newerClockEvents.due() && h.may("GetCurrentClocksEventReasons") == nil {
		bits, code := h.device.GetCurrentClocksEventReasons()
		if !outdated(code) {
			return bits, failure("GetCurrentClocksEventReasons", code)
		}
		h.newerClockEvents.refuse()
	}
	if err := h.may("GetCurrentClocksThrottleReasons"); err != nil {
		return 0, err
	}
	bits, code := h.device.GetCurrentClocksThrottleReasons()
	return bits, failure("GetCurrentClocksThrottleReasons", code)
}

func (h *handle) performanceState() (uint64, error) {
	if err := h.may("GetPerformanceState"); err != nil {
		return 0, err
	}
	state, code := h.device.GetPerformanceState()
	return uint64(state), failure("GetPerformanceState", code)
}

func (h *handle) powerLimit() (uint64, error) {
	if err := h.may("GetEnforcedPowerLimit"); err != nil {
		return 0, err
	}
	milliwatts, code := h.device.GetEnforcedPowerLimit()
	return uint64(milliwatts), failure("GetEnforcedPowerLimit", code)
}

func (h *handle) powerLimitDefault() (uint64, error) {
	if err := h.may("GetPowerManagementDefaultLimit"); err != nil {
		return 0, err
	}
	milliwatts, code := h.device.GetPowerManagementDefaultLimit()
	return uint64(milliwatts), failure("GetPowerManagementDefaultLimit", code)
}

func (h *handle) powerLimitMinimum() (uint64, error) {
	least, _, err := h.powerLimits()
	return least, err
}

func (h *handle) powerLimitMaximum() (uint64, error) {
	_, most, err := h.powerLimits()
	return most, err
}

func (h *handle) powerLimits() (least, most uint64, err error) {
	if err := h.may("GetPowerManagementLimitConstraints"); err != nil {
		return 0, 0, err
	}
	from, to, code := h.device.GetPowerManagementLimitConstraints()
	return uint64(from), uint64(to), failure("GetPowerManagementLimitConstraints", code)
}

func ecc(kind nvml.MemoryErrorType, since nvml.EccCounterType) func(*handle) (uint64, error) {
	return func(h *handle) (uint64, error) {
		if err := h.may("GetTotalEccErrors"); err != nil {
			return 0, err
		}
		count, code := h.device.GetTotalEccErrors(kind, since)
		return count, failure("GetTotalEccErrors", code)
	}
}

func threshold(kind nvml.TemperatureThresholds) func(*handle) (uint64, error) {
	return func(h *handle) (uint64, error) {
		if err := h.may("GetTemperatureThreshold"); err != nil {
			return 0, err
		}
		celsius, code := h.device.GetTemperatureThreshold(kind)
		return uint64(celsius), failure("GetTemperatureThreshold", code)
	}
}

func retiredPages(cause nvml.PageRetirementCause) func(*handle) (uint64, error) {
	return func(h *handle) (uint64, error) { return h.retired(cause) }
}

func (h *handle) retirementPending() (uint64, error) {
	if err := h.may("GetRetiredPagesPendingStatus"); err != nil {
		return 0, err
	}
	pending, code := h.device.GetRetiredPagesPendingStatus()
	return uint64(pending), failure("GetRetiredPagesPendingStatus", code)
}
