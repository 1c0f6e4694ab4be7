package gpu

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// Snapshot is what is known about the host's GPUs at one moment. It is never changed after it was
// published, so any goroutine may read it.
type Snapshot struct {
	// Time is when the snapshot was taken.
	Time time.Time
	// Oldest is when the GPU was asked that answers, and whose readings are the oldest; zero where
	// each was asked in this pass. One that does not answer any more has a state of its own.
	Oldest time.Time
	// Library says whether the driver's library can be used.
	Library Library
	// Devices holds every GPU seen since the start, in the driver's order. A lost GPU stays, with
	// its last identity and no readings.
	Devices []Device
	// XIDs are those that came since the snapshot before, at most 1024 of them, and XIDsSuppressed
	// how many more there were. XIDsUnmatched counts those of GPUs that are not watched.
	XIDs           []xid.Event
	XIDsSuppressed int64
	XIDsUnmatched  int64
	// XIDWatch says whether the driver's events are watched.
	XIDWatch xid.WatchStatus
	// Beyond is how many GPUs the driver claims to have that are too many to be watched.
	Beyond int
	// DuplicateUUIDs are those that several GPUs report. Such GPUs have their PCI address in
	// Identity.UUID.
	DuplicateUUIDs []string
	// KernelLog says whether XIDs are read from the kernel's log as well.
	KernelLog xid.LogStatus
	// Unmatched are the entries of the selection that match no GPU; nil until every GPU was
	// identified.
	Unmatched []string
}

// LibraryState says whether the driver's library can be used, and if not, what would help.
type LibraryState string

// The states of the driver's library. LibraryUnknown is the state before the first pass.
const (
	LibraryUnknown         LibraryState = "unknown"
	LibraryAvailable       LibraryState = "available"
	LibraryNotFound        LibraryState = "library_not_found"
	LibraryDriverNotLoaded LibraryState = "driver_not_loaded"
	LibraryNoPermission    LibraryState = "no_permission"
	// LibraryRestartRequired: the driver was replaced on disk. glibc pins the old library for the
	// life of the process.
	LibraryRestartRequired LibraryState = "restart_required"
	LibraryFailed          LibraryState = "failed"
	// LibraryReleased: closed by us while no process used a GPU, so that it can be reset,
	// partitioned or put to sleep.
	LibraryReleased LibraryState = "released"
	// LibrarySuspended: the kernel has put every GPU to sleep, and asking would wake them.
	LibrarySuspended LibraryState = "suspended"
	// LibraryNoNVML: there is no library, and the host is one where none is to be expected: a
	// Jetson, or without an NVIDIA GPU on the PCI bus.
	LibraryNoNVML LibraryState = "no_nvml"
	// LibraryUnsupported: this build cannot load it (built without cgo, or not for Linux).
	LibraryUnsupported LibraryState = "unsupported"
)

// Library describes the driver and its library. Versions are empty while unknown.
type Library struct {
	State LibraryState
	// Err is why State is not LibraryAvailable; nil when it is.
	Err error
	// DriverVersion is for example "570.124.06".
	DriverVersion string
	// NVMLVersion is for example "12.570.124.06".
	NVMLVersion string
	// CUDAVersion is the newest CUDA version that the driver supports, for example "12.8".
	CUDAVersion string
}

// Identity distinguishes a GPU from every other. It survives a lost device.
type Identity struct {
	// UUID is the driver's, for example "GPU-8f6d…".
	UUID string
	// Index is the driver's number of the device; it may change at a reboot.
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

// HealthReason says why a GPU is not ok. The set is fixed, so that it may become an attribute.
type HealthReason string

// The reasons. ReasonNone goes with HealthOK.
const (
	ReasonNone          HealthReason = ""
	ReasonLost          HealthReason = "lost"
	ReasonResetRequired HealthReason = "reset_required"
	ReasonWedged        HealthReason = "wedged"
	ReasonNoPermission  HealthReason = "no_permission"
	ReasonDriverError   HealthReason = "driver_error"
	// Those that follow are of a GPU that answers, and should be reset or replaced soon.
	ReasonRowRemapFailed        HealthReason = "row_remap_failed"
	ReasonRowRemapPending       HealthReason = "row_remap_pending"
	ReasonPageRetirementPending HealthReason = "page_retirement_pending"
)

// Answers says whether a GPU with this reason can be read all the same.
func (r HealthReason) Answers() bool {
	switch r {
	case ReasonNone, ReasonRowRemapFailed, ReasonRowRemapPending, ReasonPageRetirementPending:
		return true
	default:
		return false
	}
}

// Device is one GPU: who it is, how it is, and what it reads.
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
	// Energy used since the driver was loaded (joules). It may go back to zero when the driver is
	// reloaded.
	Energy reading.Value[float64]
	// Utilization by task over the window since the previous Collect. Tasks that the GPU does not
	// have are missing.
	Utilization map[Task]Window

	// Parent is the UUID of the GPU that a MIG device belongs to; empty for a GPU. MIGIndex is its
	// number there.
	Parent   string
	MIGIndex int
	// Suspended: the kernel has put the GPU to sleep, and it is not woken.
	Suspended bool
	// Details are readings of the second rank.
	Details
	// ProcessList says why Processes is absent, ProcessUse why ProcessUtilization and Activity are.
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
	// Implausible counts what the driver said and cannot be true, Failures the readings that
	// failed.
	Implausible Implausible
	Failures    Failures
	// Missing are the readings that the GPU has had and does not answer any more.
	Missing []MissingReading
}

// Answers says whether the GPU can be read.
func (d *Device) Answers() bool { return d.Reason.Answers() }

// Availability says why a reading is absent; empty where it is not.
type Availability string

// The reasons. Unreliable: this driver's answers cannot be trusted, and it is not asked.
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
	// TaskMemory is how busy the memory controller is: no engine, and measured like one.
	TaskMemory Task = "memory"
)

// Window sums up what was observed of a fraction (0 to 1) over a stretch of time.
type Window struct {
	// Mean is weighted by time.
	Mean float64
	// Max is the highest single sample.
	Max float64
	// Peak is the highest single sample of this window and of those that were closed within
	// Settings.PeakWindow. It is set by Collect, and of GPUs only.
	Peak float64
	// Samples is how many went in. With none, Mean and Max mean nothing.
	Samples int
}
