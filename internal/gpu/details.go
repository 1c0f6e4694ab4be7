package gpu

import "github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"

// Details are the readings of a GPU that Device itself does not hold.
type Details struct {
	// TemperatureLimits in degrees Celsius.
	TemperatureLimits TemperatureLimits
	// MemoryTemperature in degrees Celsius.
	MemoryTemperature reading.Value[float64]
	// PowerLimits in watts.
	PowerLimits PowerLimits
	// Clocks are the current clocks, MaxClocks the highest possible ones, in hertz.
	Clocks, MaxClocks Clocks
	// ClockEvents are the reasons for the current clocks.
	ClockEvents reading.Value[ClockEvents]
	// ThrottleTime is how long each policy has limited the clocks since the driver was loaded, in
	// seconds.
	ThrottleTime [throttles]reading.Value[float64]
	// PerformanceState is 0 for the fastest to 15 for the slowest.
	PerformanceState reading.Value[int64]
	// RecoveryAction is what the driver recommends to recover the GPU. Absent before R570.
	RecoveryAction reading.Value[RecoveryAction]
	// Errors are counters by kind; their start depends on the kind.
	Errors [errorKinds]reading.Value[int64]
	// PCIe is the link to the host.
	PCIe PCIe
	// NVLinkTransmitted and NVLinkReceived count bytes over all links since NewSampler. Absent
	// unless Settings.NVLink is set.
	NVLinkTransmitted, NVLinkReceived reading.Value[int64]
	// EncoderSessions is the number of encoder sessions, followed by their mean frame rate (frames
	// per second) and mean latency (seconds).
	EncoderSessions                  reading.Value[int64]
	EncoderFrameRate, EncoderLatency reading.Value[float64]
	// BAR1 is the aperture through which the host maps the GPU's memory, in bytes.
	BAR1Used, BAR1Total reading.Value[int64]
	// Fans in the driver's order.
	Fans []Fan
}

// TemperatureLimits of a GPU.
type TemperatureLimits struct {
	// Slowdown is where the hardware halves its clocks, Shutdown where it powers off.
	Slowdown, Shutdown reading.Value[float64]
	// Maximum is where the driver begins to lower the clocks of the die, MemoryMaximum those of the
	// memory.
	Maximum, MemoryMaximum reading.Value[float64]
}

// PowerLimits of a GPU.
type PowerLimits struct {
	// Enforced is the limit in effect, Default that of the board, Minimum and Maximum the range
	// that may be set.
	Enforced, Default, Minimum, Maximum reading.Value[float64]
}

// Clocks by domain.
type Clocks struct {
	Graphics, SM, Memory, Video reading.Value[int64]
}

// PCIe is the link of a GPU to its host.
type PCIe struct {
	// Transmitted and Received count bytes from the GPU's point of view since NewSampler.
	Transmitted, Received reading.Value[int64]
	// Generation and Width are current, MaxGeneration and MaxWidth what GPU and slot support
	// together. The generation decreases while the GPU is idle, the width should not.
	Generation, MaxGeneration, Width, MaxWidth reading.Value[int64]
}

// Fan of a GPU.
type Fan struct {
	// Ratio is the fraction of the nominal speed, which some fans exceed.
	Ratio reading.Value[float64]
	RPM   reading.Value[int64]
}

// ClockEvents is a set of reasons for the current clocks.
type ClockEvents uint64

// ClockEvent is a member of the set, by its bit (nvml.h, nvmlClocksEventReasons).
type ClockEvent struct {
	Name string
	Bit  ClockEvents
}

// AllClockEvents are the reasons that NVML knows. "None" is the empty set.
var AllClockEvents = []ClockEvent{
	{"gpu_idle", 1 << 0},
	{"applications_clocks_setting", 1 << 1},
	{"sw_power_cap", 1 << 2},
	{"hw_slowdown", 1 << 3},
	{"sync_boost", 1 << 4},
	{"sw_thermal_slowdown", 1 << 5},
	{"hw_thermal_slowdown", 1 << 6},
	{"hw_power_brake_slowdown", 1 << 7},
	{"display_clock_setting", 1 << 8},
	{"board_limit", 1 << 9},
	{"reliability", 1 << 10},
}

// Throttle is a policy that limits the clocks.
type Throttle int

// The policies.
const (
	ThrottlePower Throttle = iota
	ThrottleThermal
	ThrottleSyncBoost
	ThrottleBoardLimit
	ThrottleReliability
	ThrottleSWThermal
	ThrottleHWThermal
	ThrottlePowerBrake
	throttles
)

var throttleNames = [throttles]string{
	"power", "thermal", "sync_boost", "board_limit", "reliability", "sw_thermal_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown",
}

// String is the name of the policy as an attribute.
func (t Throttle) String() string { return throttleNames[t] }

// ErrorKind is a kind of error that the driver counts.
type ErrorKind int

// The kinds of errors. Volatile counters are reset when the driver is loaded, aggregate ones are
// stored on the board.
const (
	ErrorCorrected ErrorKind = iota
	ErrorUncorrected
	ErrorAggregateCorrected
	ErrorAggregateUncorrected
	ErrorPCIeReplay
	ErrorRetiredPageSingleBit
	ErrorRetiredPageDoubleBit
	ErrorRemappedRowCorrected
	ErrorRemappedRowUncorrected
	errorKinds
)

var errorNames = [errorKinds]string{
	"corrected", "uncorrected", "aggregate_corrected", "aggregate_uncorrected", "pcie_replay",
	"retired_page_single_bit", "retired_page_double_bit", "remapped_row_corrected", "remapped_row_uncorrected",
}

// String is the value of error.type.
func (k ErrorKind) String() string { return errorNames[k] }
