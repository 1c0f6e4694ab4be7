package container

import "github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"

// Usage is what a control group allows and has counted. What the kernel does not report is absent:
// an absent limit is none.
type Usage struct {
	// Version is "v2", "v1" or, where a host has both, that of the memory controller.
	Version string
	// Memory in bytes. WorkingSet is Memory without the file pages that were not used for long,
	// which the kernel takes back first; Peak is the highest Memory since the group exists.
	Memory, WorkingSet, MemoryPeak, MemoryLimit reading.Value[int64]
	// CPUUser and CPUSystem are seconds. CPULimit is the quota in cores; Throttled are the seconds
	// for which it held all processes of a core back.
	CPUUser, CPUSystem, CPULimit, Throttled reading.Value[float64]
	// ReadBytes and WriteBytes of all block devices together.
	ReadBytes, WriteBytes reading.Value[int64]
	// Processes counts threads as well, as the kernel's limit does.
	Processes, ProcessLimit reading.Value[int64]
	// OOMKills counts the processes that the kernel killed for memory.
	OOMKills reading.Value[int64]
	// Pressure are the seconds for which some, or all, processes waited for a resource.
	Pressure [3]Pressure
}

// Pressure is that of one resource, in the order of Resources.
type Pressure struct{ Some, Full reading.Value[float64] }

// Resources name the entries of Usage.Pressure.
var Resources = [3]string{"cpu", "memory", "io"}
