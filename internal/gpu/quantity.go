package gpu

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// Quantity is a reading that is one number.
type Quantity int

// The quantities, with the driver's units. A counter of the driver may begin anew.
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
	QuantityFans
	quantities
)

// tier is how often a reading is taken. Times are of one RTX 5090 with driver 610.57, the only machine that somebody has published them for.
type tier int

const (
	fast   tier = iota // at most some microseconds: each cycle
	slow               // 0.2 to 3 ms: each SampleInterval
	rare               // as slow, or about what changes rarely: each rareInterval
	static             // does not change while the driver runs, or hardly: each staticInterval
)

const (
	rareInterval   = 15 * time.Second
	staticInterval = 5 * time.Minute
)

// A clock of 20 GHz and a PCIe generation of 20 are far beyond any hardware.
const (
	clockLimitMHz = 20_000
	linkLimit     = 20
	laneLimit     = 32
	fanLimit      = 32
	bitLimit      = 1<<32 - 1
	// A counter with more errors than this has never been initialized.
	errorLimit = 1 << 48
	// Ten years in nanoseconds.
	throttleLimit = 315_360_000_000_000_000
	// The counters of bytes may be anything.
	anything = 1<<64 - 1
)

// quantitySpec says when a quantity is asked for, what it can be, and where it goes.
type quantitySpec struct {
	tier tier
	// least and most are what the number can be at all; everything else is the driver's way of saying unknown, or a leftover.
	least, most uint64
	keep        func(*Details, uint64)
}

var quantitySpecs = [quantities]quantitySpec{
	QuantityClockGraphics:    {fast, 1, clockLimitMHz, func(d *Details, v uint64) { d.Clocks.Graphics = hertz(v) }},
	QuantityClockSM:          {fast, 1, clockLimitMHz, func(d *Details, v uint64) { d.Clocks.SM = hertz(v) }},
	QuantityClockMemory:      {fast, 1, clockLimitMHz, func(d *Details, v uint64) { d.Clocks.Memory = hertz(v) }},
	QuantityClockVideo:       {fast, 1, clockLimitMHz, func(d *Details, v uint64) { d.Clocks.Video = hertz(v) }},
	QuantityClockEvents:      {fast, 0, bitLimit, func(d *Details, v uint64) { d.ClockEvents = reading.Known(ClockEvents(v)) }},
	QuantityPerformanceState: {fast, 0, 15, func(d *Details, v uint64) { d.PerformanceState = whole(v) }},

	QuantityPCIeTransmitted:   {slow, 0, anything, func(d *Details, v uint64) { d.PCIe.Transmitted = whole(v) }},
	QuantityPCIeReceived:      {slow, 0, anything, func(d *Details, v uint64) { d.PCIe.Received = whole(v) }},
	QuantityNVLinkTransmitted: {slow, 0, anything, func(d *Details, v uint64) { d.NVLinkTransmitted = whole(v << 10) }},
	QuantityNVLinkReceived:    {slow, 0, anything, func(d *Details, v uint64) { d.NVLinkReceived = whole(v << 10) }},

	QuantityMemoryTemperature:    {rare, 1, temperatureLimit, func(d *Details, v uint64) { d.MemoryTemperature = celsius(v) }},
	QuantityPowerLimit:           {rare, 1, powerLimitMilliwatts, func(d *Details, v uint64) { d.PowerLimits.Enforced = watts(v) }},
	QuantityCorrected:            {rare, 0, errorLimit, func(d *Details, v uint64) { d.Errors[ErrorCorrected] = whole(v) }},
	QuantityUncorrected:          {rare, 0, errorLimit, func(d *Details, v uint64) { d.Errors[ErrorUncorrected] = whole(v) }},
	QuantityAggregateCorrected:   {rare, 0, errorLimit, func(d *Details, v uint64) { d.Errors[ErrorAggregateCorrected] = whole(v) }},
	QuantityAggregateUncorrected: {rare, 0, errorLimit, func(d *Details, v uint64) { d.Errors[ErrorAggregateUncorrected] = whole(v) }},
	QuantityPCIeReplay:           {rare, 0, bitLimit - 1, func(d *Details, v uint64) { d.Errors[ErrorPCIeReplay] = whole(v) }},
	QuantityLinkGeneration:       {rare, 1, linkLimit, func(d *Details, v uint64) { d.PCIe.Generation = whole(v) }},
	QuantityLinkWidth:            {rare, 1, laneLimit, func(d *Details, v uint64) { d.PCIe.Width = whole(v) }},
	QuantityThrottlePower:        throttleSpec(ThrottlePower),
	QuantityThrottleThermal:      throttleSpec(ThrottleThermal),
	QuantityThrottleSyncBoost:    throttleSpec(ThrottleSyncBoost),
	QuantityThrottleBoardLimit:   throttleSpec(ThrottleBoardLimit),
	QuantityThrottleReliability:  throttleSpec(ThrottleReliability),
	QuantityThrottleSWThermal:    throttleSpec(ThrottleSWThermal),
	QuantityThrottleHWThermal:    throttleSpec(ThrottleHWThermal),
	QuantityThrottlePowerBrake:   throttleSpec(ThrottlePowerBrake),

	QuantityTemperatureSlowdown:      {static, 1, temperatureLimit, func(d *Details, v uint64) { d.TemperatureLimits.Slowdown = celsius(v) }},
	QuantityTemperatureShutdown:      {static, 1, temperatureLimit, func(d *Details, v uint64) { d.TemperatureLimits.Shutdown = celsius(v) }},
	QuantityTemperatureMaximum:       {static, 1, temperatureLimit, func(d *Details, v uint64) { d.TemperatureLimits.Maximum = celsius(v) }},
	QuantityTemperatureMemoryMaximum: {static, 1, temperatureLimit, func(d *Details, v uint64) { d.TemperatureLimits.MemoryMaximum = celsius(v) }},
	QuantityPowerLimitDefault:        {static, 1, powerLimitMilliwatts, func(d *Details, v uint64) { d.PowerLimits.Default = watts(v) }},
	QuantityPowerLimitMinimum:        {static, 1, powerLimitMilliwatts, func(d *Details, v uint64) { d.PowerLimits.Minimum = watts(v) }},
	QuantityPowerLimitMaximum:        {static, 1, powerLimitMilliwatts, func(d *Details, v uint64) { d.PowerLimits.Maximum = watts(v) }},
	QuantityMaxClockGraphics:         {static, 1, clockLimitMHz, func(d *Details, v uint64) { d.MaxClocks.Graphics = hertz(v) }},
	QuantityMaxClockSM:               {static, 1, clockLimitMHz, func(d *Details, v uint64) { d.MaxClocks.SM = hertz(v) }},
	QuantityMaxClockMemory:           {static, 1, clockLimitMHz, func(d *Details, v uint64) { d.MaxClocks.Memory = hertz(v) }},
	QuantityMaxClockVideo:            {static, 1, clockLimitMHz, func(d *Details, v uint64) { d.MaxClocks.Video = hertz(v) }},
	QuantityMaxLinkGeneration:        {static, 1, linkLimit, func(d *Details, v uint64) { d.PCIe.MaxGeneration = whole(v) }},
	QuantityMaxLinkWidth:             {static, 1, laneLimit, func(d *Details, v uint64) { d.PCIe.MaxWidth = whole(v) }},
	QuantityRetiredSingleBit:         {static, 0, errorLimit, func(d *Details, v uint64) { d.Errors[ErrorRetiredPageSingleBit] = whole(v) }},
	QuantityRetiredDoubleBit:         {static, 0, errorLimit, func(d *Details, v uint64) { d.Errors[ErrorRetiredPageDoubleBit] = whole(v) }},
	// These two decide about other readings and are none of their own.
	QuantityRetirementPending: {static, 0, 1, func(*Details, uint64) {}},
	QuantityFans:              {static, 0, fanLimit, func(*Details, uint64) {}},
}

func throttleSpec(t Throttle) quantitySpec {
	return quantitySpec{rare, 0, throttleLimit, func(d *Details, v uint64) { d.ThrottleTime[t] = reading.Known(float64(v) / 1e9) }}
}

func hertz(mhz uint64) reading.Value[int64]   { return reading.Known(int64(mhz) * 1_000_000) }
func whole(v uint64) reading.Value[int64]     { return reading.Known(int64(v)) }
func celsius(v uint64) reading.Value[float64] { return reading.Known(float64(v)) }
func watts(milliwatts uint64) reading.Value[float64] {
	return reading.Known(float64(milliwatts) / 1000)
}
