package gpu

import "strconv"

// quantityNames are the names of the quantities, for logs and reports.
var quantityNames = [quantities]string{
	QuantityClockGraphics:            "clock_graphics",
	QuantityClockSM:                  "clock_sm",
	QuantityClockMemory:              "clock_memory",
	QuantityClockVideo:               "clock_video",
	QuantityClockEvents:              "clock_events",
	QuantityPerformanceState:         "performance_state",
	QuantityPCIeTransmitted:          "pcie_transmitted",
	QuantityPCIeReceived:             "pcie_received",
	QuantityNVLinkTransmitted:        "nvlink_transmitted",
	QuantityNVLinkReceived:           "nvlink_received",
	QuantityMemoryTemperature:        "memory_temperature",
	QuantityPowerLimit:               "power_limit",
	QuantityCorrected:                "corrected",
	QuantityUncorrected:              "uncorrected",
	QuantityAggregateCorrected:       "aggregate_corrected",
	QuantityAggregateUncorrected:     "aggregate_uncorrected",
	QuantityPCIeReplay:               "pcie_replay",
	QuantityLinkGeneration:           "link_generation",
	QuantityLinkWidth:                "link_width",
	QuantityThrottlePower:            "throttle_power",
	QuantityThrottleThermal:          "throttle_thermal",
	QuantityThrottleSyncBoost:        "throttle_sync_boost",
	QuantityThrottleBoardLimit:       "throttle_board_limit",
	QuantityThrottleReliability:      "throttle_reliability",
	QuantityThrottleSWThermal:        "throttle_sw_thermal",
	QuantityThrottleHWThermal:        "throttle_hw_thermal",
	QuantityThrottlePowerBrake:       "throttle_power_brake",
	QuantityTemperatureSlowdown:      "temperature_slowdown",
	QuantityTemperatureShutdown:      "temperature_shutdown",
	QuantityTemperatureMaximum:       "temperature_maximum",
	QuantityTemperatureMemoryMaximum: "temperature_memory_maximum",
	QuantityPowerLimitDefault:        "power_limit_default",
	QuantityPowerLimitMinimum:        "power_limit_minimum",
	QuantityPowerLimitMaximum:        "power_limit_maximum",
	QuantityMaxClockGraphics:         "max_clock_graphics",
	QuantityMaxClockSM:               "max_clock_sm",
	QuantityMaxClockMemory:           "max_clock_memory",
	QuantityMaxClockVideo:            "max_clock_video",
	QuantityMaxLinkGeneration:        "max_link_generation",
	QuantityMaxLinkWidth:             "max_link_width",
	QuantityRetiredSingleBit:         "retired_single_bit",
	QuantityRetiredDoubleBit:         "retired_double_bit",
	QuantityRetirementPending:        "retirement_pending",
	QuantityRecoveryAction:           "recovery_action",
	QuantityFans:                     "fans",
}

// String is the name of the quantity.
func (q Quantity) String() string { return quantityNames[q] }

// AllQuantities is how many quantities there are.
const AllQuantities = int(quantities)

// String is the name of the field, for logs.
func (f field) String() string {
	switch {
	case f >= fieldFan:
		return "fan_" + strconv.Itoa(int(f-fieldFan))
	case f >= fieldNumber && f < fieldNumber+field(quantities):
		return Quantity(f - fieldNumber).String()
	case f >= fieldBuffer && f < fieldNumber:
		return "utilization_samples_" + string(tasks[f-fieldBuffer])
	case f >= fieldPoll && f < fieldBuffer:
		return "utilization_" + string(tasks[f-fieldPoll])
	default:
		return fieldNames[f]
	}
}

var fieldNames = map[field]string{
	fieldMemory: "memory", fieldTemperature: "temperature", fieldPower: "power", fieldEnergy: "energy",
	fieldContexts: "processes", fieldProcessSamples: "process_utilization", fieldMIG: "mig", fieldRows: "remapped_rows",
	fieldEncoder: "encoder", fieldBAR1: "bar1", fieldProfile: "profile",
}
