package gpu

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// Snapshot is the state of the host's GPUs at one moment. It is immutable, so any goroutine may
// read it.
type Snapshot struct {
	// Time is when the snapshot was taken.
	Time time.Time
	// Oldest is when the oldest readings of a GPU that can be read were requested; zero if all were
	// read in this pass. A wedged GPU does not count: its state shows that.
	Oldest time.Time
	// Library is the state of the driver's library.
	Library Library
	// Devices holds every GPU seen since the start, in the driver's order. A lost GPU stays, with
	// its last identity and no readings.
	Devices []Device
	// XIDs are those since the previous snapshot, at most 1024; XIDsSuppressed is how many more
	// there were. XIDsUnmatched counts those of GPUs that are not observed.
	XIDs           []xid.Event
	XIDsSuppressed int64
	XIDsUnmatched  int64
	// XIDWatch is the state of the driver's event set.
	XIDWatch xid.WatchStatus
	// Beyond is how many GPUs are not observed because the driver reports more than 64.
	Beyond int
	// DuplicateUUIDs are those that several GPUs report. Such GPUs have their PCI address in
	// Identity.UUID.
	DuplicateUUIDs []string
	// KernelLog is the state of the kernel's log as a source of XIDs.
	KernelLog xid.LogStatus
	// Unmatched are the entries of the selection that match no GPU; nil until every GPU was
	// identified.
	Unmatched []string
}

// LibraryState is whether the driver's library can be used, and if not, why.
type LibraryState string

// The states of the driver's library. LibraryUnknown is the state before the first pass.
const (
	LibraryUnknown         LibraryState = "unknown"
	LibraryAvailable       LibraryState = "available"
	LibraryNotFound        LibraryState = "library_not_found"
	LibraryDriverNotLoaded LibraryState = "driver_not_loaded"
	LibraryNoPermission    LibraryState = "no_permission"
	// LibraryRestartRequired: the driver was replaced on disk. glibc keeps the old library until
	// the process ends.
	LibraryRestartRequired LibraryState = "restart_required"
	LibraryFailed          LibraryState = "failed"
	// LibraryReleased: closed while no process uses a GPU, so that GPUs can be reset, partitioned
	// or suspended.
	LibraryReleased LibraryState = "released"
	// LibrarySuspended: the kernel has suspended every GPU, and a call would resume them.
	LibrarySuspended LibraryState = "suspended"
	// LibraryNoNVML: there is no library, and none is expected: the host is a Jetson, or has no
	// NVIDIA GPU on the PCI bus.
	LibraryNoNVML LibraryState = "no_nvml"
	// LibraryUnsupported: this build cannot load it (built without cgo, or not for Linux).
	LibraryUnsupported LibraryState = "unsupported"
)

// Library describes the driver and its library. Versions are empty while unknown.
type Library struct {
	State LibraryState
	// Err is why State is not LibraryAvailable; otherwise nil.
	Err error
	// DriverVersion is for example "570.124.06".
	DriverVersion string
	// NVMLVersion is for example "12.570.124.06".
	NVMLVersion string
	// CUDAVersion is the newest CUDA version that the driver supports, for example "12.8".
	CUDAVersion string
}

// Identity identifies a GPU. It is kept while the device is lost.
type Identity struct {
	// UUID is the driver's, for example "GPU-8f6d…".
	UUID string
	// Index is the driver's number of the device, from 0; it may change at a reboot.
	Index int
	// Name is the product name, for example "NVIDIA H200".
	Name string
	// PCIAddress is for example "0000:65:00.0".
	PCIAddress string
	// VBIOSVersion is the firmware's version; empty where the driver does not report it.
	VBIOSVersion string
}

// Health is the state of one GPU, named as the values of hw.state.
type Health string

// The states of a GPU.
const (
	HealthOK       Health = "ok"
	HealthDegraded Health = "degraded"
	HealthFailed   Health = "failed"
)

// HealthReason is why a GPU is not ok. The set is fixed, because it is the value of an attribute.
type HealthReason string

// The reasons. ReasonNone goes with HealthOK.
const (
	ReasonNone          HealthReason = ""
	ReasonLost          HealthReason = "lost"
	ReasonResetRequired HealthReason = "reset_required"
	ReasonWedged        HealthReason = "wedged"
	ReasonNoPermission  HealthReason = "no_permission"
	ReasonDriverError   HealthReason = "driver_error"
	// A GPU with one of the reasons below can be read, and should be reset or replaced soon.
	ReasonRowRemapFailed        HealthReason = "row_remap_failed"
	ReasonRowRemapPending       HealthReason = "row_remap_pending"
	ReasonPageRetirementPending HealthReason = "page_retirement_pending"
)

// Answers reports whether a GPU with this reason can still be read.
func (r HealthReason) Answers() bool {
	switch r {
	case ReasonNone, ReasonRowRemapFailed, ReasonRowRemapPending, ReasonPageRetirementPending:
		return true
	default:
		return false
	}
}

// Device is the identity, health and readings of one GPU or MIG device.
type Device struct {
	Identity
	Health Health
	Reason HealthReason

	// MemoryUsed excludes what the driver reserves where the driver reports that apart (bytes).
	MemoryUsed reading.Value[int64]
	// MemoryTotal is the physical memory (bytes).
	MemoryTotal reading.Value[int64]
	// Temperature of the die (degrees Celsius).
	Temperature reading.Value[float64]
	// Power drawn (watts).
	Power reading.Value[float64]
	// Energy used since the driver was loaded (joules). A reload of the driver may reset it.
	Energy reading.Value[float64]
	// Utilization by task over the window since the previous Collect. Tasks that the GPU does not
	// have have no entry.
	Utilization map[Task]Window

	// Parent is the UUID of the GPU that a MIG device belongs to; empty for a GPU. MIGIndex is its
	// number there.
	Parent   string
	MIGIndex int
	// Suspended means that the kernel has suspended the GPU. No call is made, because it would
	// resume the GPU.
	Suspended bool
	// Details are the less used readings.
	Details
	// ProcessList is why Processes is absent, ProcessUse why ProcessUtilization and Activity are.
	ProcessList, ProcessUse Availability
	// Processes are those with a context on the GPU, sorted by PID. Absent where the driver does
	// not report them.
	Processes reading.Value[[]ProcessMemory]
	// ProcessUtilization by PID over the window since the previous Collect; nil where the driver
	// does not report it. A process without an entry was idle.
	ProcessUtilization map[int]ProcessUtilization
	// Profile over the window since the previous Collect; nil where it is not measured.
	Profile *Profile
	// Sampled is when Energy, Processes and Activity were read, which is every few seconds. Zero
	// before the first time.
	Sampled time.Time
	// Activity by PID is the fraction of the time between Sampled and the time before that for
	// which each process kept the GPU busy; nil where the driver does not report it. A process
	// without an entry was idle.
	Activity map[int]float64
	// XIDs by code since the sampler was made. Absent while they are not watched.
	XIDs reading.Value[[]xid.Count]
	// LastXID is when the last one came; zero before the first.
	LastXID time.Time
	// Implausible counts the driver's implausible answers, Failures the readings that failed.
	Implausible Implausible
	Failures    Failures
	// Missing are the readings that the GPU returned before and does not return any more.
	Missing []MissingReading
}

// Answers reports whether the GPU can be read.
func (d *Device) Answers() bool { return d.Reason.Answers() }

// Availability is why a reading is absent; empty if it is not.
type Availability string

// The reasons. Unreliable: this driver is known to return wrong results, so no call is made.
const (
	Available   Availability = ""
	Unsupported Availability = "unsupported"
	Unreliable  Availability = "unreliable"
	Failing     Availability = "failing"
)

// Task is an engine of the GPU, named as the values of hw.gpu.task.
type Task string

// The tasks.
const (
	TaskGeneral Task = "general"
	TaskEncoder Task = "encoder"
	TaskDecoder Task = "decoder"
	TaskJPEG    Task = "jpeg"
	TaskOFA     Task = "ofa"
	// TaskMemory is the memory controller: not an engine, but measured like one.
	TaskMemory Task = "memory"
)

// Window summarizes the samples of a fraction (0 to 1) over a stretch of time.
type Window struct {
	// Mean is weighted by time.
	Mean float64
	// Max is the highest single sample.
	Max float64
	// Peak is the highest single sample of this window and of those that were closed within
	// Settings.PeakWindow. It is set by Collect, and of GPUs only.
	Peak float64
	// Samples is the number of samples. Without any, Mean and Max are undefined.
	Samples int
}
