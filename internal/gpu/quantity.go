package gpu

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// Quantity is a reading that consists of one number.
type Quantity int

// The quantities, with the driver's units. The driver may reset its counters.
const (
	QuantityClockGraphics Quantity = iota // MHz, as all clocks
	QuantityClockSM
	QuantityClockMemory
	QuantityClockVideo
	QuantityClockEvents      // bits
	QuantityPerformanceState // 0 to 15, 32 for unknown
	QuantityPCIeTransmitted  // bytes, counter that may wrap
	QuantityPCIeReceived
	QuantityNVLinkTransmitted // KiB, counter
	QuantityNVLinkReceived
	QuantityMemoryTemperature // degrees Celsius, as all temperatures
	QuantityPowerLimit        // milliwatts, as all limits of power
	QuantityCorrected         // counter, as all errors
	QuantityUncorrected
	QuantityAggregateCorrected
	QuantityAggregateUncorrected
	QuantityPCIeReplay
	QuantityLinkGeneration
	QuantityLinkWidth
	QuantityThrottlePower // nanoseconds, counter, as all throttle times
	QuantityThrottleThermal
	QuantityThrottleSyncBoost
	QuantityThrottleBoardLimit
	QuantityThrottleReliability
	QuantityThrottleSWThermal
	QuantityThrottleHWThermal
	QuantityThrottlePowerBrake
	QuantityTemperatureSlowdown
	QuantityTemperatureShutdown
	QuantityTemperatureMaximum
	QuantityTemperatureMemoryMaximum
	QuantityPowerLimitDefault
	QuantityPowerLimitMinimum
	QuantityPowerLimitMaximum
	QuantityMaxClockGraphics
	QuantityMaxClockSM
	QuantityMaxClockMemory
	QuantityMaxClockVideo
	QuantityMaxLinkGeneration
	QuantityMaxLinkWidth
	QuantityRetiredSingleBit
	QuantityRetiredDoubleBit
	QuantityRetirementPending // 0 or 1
	QuantityRecoveryAction    // nvmlDeviceGpuRecoveryAction_t
	QuantityFans
	quantities
)

// tier is how often a reading is taken. Durations were measured on an RTX 5090 with driver 610.57.
type tier int

const (
	fast   tier = iota // at most some microseconds: each cycle
	slow               // 0.2 to 3 ms: each SampleInterval
	rare               // as slow, or changes rarely: each rareInterval
	static             // hardly changes while the driver is loaded: each staticInterval
)

const (
	rareInterval   = 15 * time.Second
	staticInterval = 5 * time.Minute
)

// A clock of 20 GHz and a PCIe generation of 20 are far above any hardware.
const (
	clockLimitMHz = 20_000
	linkLimit     = 20
	laneLimit     = 32
	fanLimit      = 32
	bitLimit      = 1<<32 - 1
	// A higher count of errors comes from an uninitialized counter.
	errorLimit = 1 << 48
	// A board retires 64 pages at most.
	pageLimit = 1 << 16
	// Ten years in nanoseconds.
	throttleLimit = 315_360_000_000_000_000
	// A year at the full speed of 16 lanes of generation 6; the highest number of KiB that fits as
	// bytes.
	byteLimit     = 1 << 62
	kibibyteLimit = byteLimit >> 10
)

// quantitySpec describes a quantity: its tier, its range, and the field of Device that it sets.
type quantitySpec struct {
	group Group
	tier  tier
	// least and most are the plausible range, both inclusive.
	least, most uint64
	keep        func(*Details, uint64)
}

// performanceStateUnknown is NVML_PSTATE_UNKNOWN.
const performanceStateUnknown = 32

// unknown reports whether a number that is out of range means "unknown": a documented sentinel, or
// the zero of a board without the sensor.
func (q Quantity) unknown(v uint64) bool {
	return v == 0 || q == QuantityPerformanceState && v == performanceStateUnknown
}

var quantitySpecs = [quantities]quantitySpec{
	QuantityClockGraphics:    {GroupClock, fast, 1, clockLimitMHz, func(d *Details, v uint64) { d.Clocks.Graphics = hertz(v) }},
	QuantityClockSM:          {GroupClock, fast, 1, clockLimitMHz, func(d *Details, v uint64) { d.Clocks.SM = hertz(v) }},
	QuantityClockMemory:      {GroupClock, fast, 1, clockLimitMHz, func(d *Details, v uint64) { d.Clocks.Memory = hertz(v) }},
	QuantityClockVideo:       {GroupClock, fast, 1, clockLimitMHz, func(d *Details, v uint64) { d.Clocks.Video = hertz(v) }},
	QuantityClockEvents:      {GroupClock, fast, 0, bitLimit, func(d *Details, v uint64) { d.ClockEvents = reading.Known(ClockEvents(v)) }},
	QuantityPerformanceState: {GroupClock, fast, 0, 15, func(d *Details, v uint64) { d.PerformanceState = whole(v) }},

	QuantityPCIeTransmitted:   {GroupLink, slow, 0, byteLimit, func(d *Details, v uint64) { d.PCIe.Transmitted = whole(v) }},
	QuantityPCIeReceived:      {GroupLink, slow, 0, byteLimit, func(d *Details, v uint64) { d.PCIe.Received = whole(v) }},
	QuantityNVLinkTransmitted: {GroupLink, slow, 0, kibibyteLimit, func(d *Details, v uint64) { d.NVLinkTransmitted = whole(v << 10) }},
	QuantityNVLinkReceived:    {GroupLink, slow, 0, kibibyteLimit, func(d *Details, v uint64) { d.NVLinkReceived = whole(v << 10) }},

	QuantityMemoryTemperature:    {GroupTemperature, rare, 1, temperatureLimit, func(d *Details, v uint64) { d.MemoryTemperature = celsius(v) }},
	QuantityPowerLimit:           {GroupPower, rare, 1, powerLimitMilliwatts, func(d *Details, v uint64) { d.PowerLimits.Enforced = watts(v) }},
	QuantityCorrected:            {GroupError, rare, 0, errorLimit, func(d *Details, v uint64) { d.Errors[ErrorCorrected] = whole(v) }},
	QuantityUncorrected:          {GroupError, rare, 0, errorLimit, func(d *Details, v uint64) { d.Errors[ErrorUncorrected] = whole(v) }},
	QuantityAggregateCorrected:   {GroupError, rare, 0, errorLimit, func(d *Details, v uint64) { d.Errors[ErrorAggregateCorrected] = whole(v) }},
	QuantityAggregateUncorrected: {GroupError, rare, 0, errorLimit, func(d *Details, v uint64) { d.Errors[ErrorAggregateUncorrected] = whole(v) }},
	QuantityPCIeReplay:           {GroupError, rare, 0, bitLimit - 1, func(d *Details, v uint64) { d.Errors[ErrorPCIeReplay] = whole(v) }},
	QuantityRecoveryAction:       {GroupError, rare, 0, recoveryLimit, func(d *Details, v uint64) { d.RecoveryAction = reading.Known(actionOf(v)) }},
	QuantityLinkGeneration:       {GroupLink, rare, 1, linkLimit, func(d *Details, v uint64) { d.PCIe.Generation = whole(v) }},
	QuantityLinkWidth:            {GroupLink, rare, 1, laneLimit, func(d *Details, v uint64) { d.PCIe.Width = whole(v) }},
	QuantityThrottlePower:        throttleSpec(ThrottlePower),
	QuantityThrottleThermal:      throttleSpec(ThrottleThermal),
	QuantityThrottleSyncBoost:    throttleSpec(ThrottleSyncBoost),
	QuantityThrottleBoardLimit:   throttleSpec(ThrottleBoardLimit),
	QuantityThrottleReliability:  throttleSpec(ThrottleReliability),
	QuantityThrottleSWThermal:    throttleSpec(ThrottleSWThermal),
	QuantityThrottleHWThermal:    throttleSpec(ThrottleHWThermal),
	QuantityThrottlePowerBrake:   throttleSpec(ThrottlePowerBrake),

	QuantityTemperatureSlowdown:      {GroupTemperature, static, 1, temperatureLimit, func(d *Details, v uint64) { d.TemperatureLimits.Slowdown = celsius(v) }},
	QuantityTemperatureShutdown:      {GroupTemperature, static, 1, temperatureLimit, func(d *Details, v uint64) { d.TemperatureLimits.Shutdown = celsius(v) }},
	QuantityTemperatureMaximum:       {GroupTemperature, static, 1, temperatureLimit, func(d *Details, v uint64) { d.TemperatureLimits.Maximum = celsius(v) }},
	QuantityTemperatureMemoryMaximum: {GroupTemperature, static, 1, temperatureLimit, func(d *Details, v uint64) { d.TemperatureLimits.MemoryMaximum = celsius(v) }},
	QuantityPowerLimitDefault:        {GroupPower, static, 1, powerLimitMilliwatts, func(d *Details, v uint64) { d.PowerLimits.Default = watts(v) }},
	QuantityPowerLimitMinimum:        {GroupPower, static, 1, powerLimitMilliwatts, func(d *Details, v uint64) { d.PowerLimits.Minimum = watts(v) }},
	QuantityPowerLimitMaximum:        {GroupPower, static, 1, powerLimitMilliwatts, func(d *Details, v uint64) { d.PowerLimits.Maximum = watts(v) }},
	QuantityMaxClockGraphics:         {GroupClock, static, 1, clockLimitMHz, func(d *Details, v uint64) { d.MaxClocks.Graphics = hertz(v) }},
	QuantityMaxClockSM:               {GroupClock, static, 1, clockLimitMHz, func(d *Details, v uint64) { d.MaxClocks.SM = hertz(v) }},
	QuantityMaxClockMemory:           {GroupClock, static, 1, clockLimitMHz, func(d *Details, v uint64) { d.MaxClocks.Memory = hertz(v) }},
	QuantityMaxClockVideo:            {GroupClock, static, 1, clockLimitMHz, func(d *Details, v uint64) { d.MaxClocks.Video = hertz(v) }},
	QuantityMaxLinkGeneration:        {GroupLink, static, 1, linkLimit, func(d *Details, v uint64) { d.PCIe.MaxGeneration = whole(v) }},
	QuantityMaxLinkWidth:             {GroupLink, static, 1, laneLimit, func(d *Details, v uint64) { d.PCIe.MaxWidth = whole(v) }},
	QuantityRetiredSingleBit:         {GroupError, static, 0, pageLimit, func(d *Details, v uint64) { d.Errors[ErrorRetiredPageSingleBit] = whole(v) }},
	QuantityRetiredDoubleBit:         {GroupError, static, 0, pageLimit, func(d *Details, v uint64) { d.Errors[ErrorRetiredPageDoubleBit] = whole(v) }},
	// These two control other readings and are not reported.
	QuantityRetirementPending: {GroupError, static, 0, 1, func(*Details, uint64) {}},
	QuantityFans:              {GroupFan, static, 0, fanLimit, func(*Details, uint64) {}},
}

func throttleSpec(t Throttle) quantitySpec {
	return quantitySpec{GroupClock, rare, 0, throttleLimit, func(d *Details, v uint64) { d.ThrottleTime[t] = reading.Known(float64(v) / 1e9) }}
}

func hertz(mhz uint64) reading.Value[int64]   { return reading.Known(int64(mhz) * 1_000_000) }
func whole(v uint64) reading.Value[int64]     { return reading.Known(int64(v)) }
func celsius(v uint64) reading.Value[float64] { return reading.Known(float64(v)) }
func watts(milliwatts uint64) reading.Value[float64] {
	return reading.Known(float64(milliwatts) / 1000)
}
