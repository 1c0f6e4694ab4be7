package gpu

import (
	"errors"
	"fmt"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// Driver opens the driver's library. Open may block without limit. It may be called again after it
// failed or the session was closed.
type Driver interface {
	Open() (Session, error)
}

// Session is an open library. Close is called once, as the last call, while no other is under way.
type Session interface {
	Versions() Versions
	// Count returns the number of GPUs, unhealthy ones included.
	Count() (int, error)
	// Handle returns a GPU by its index. It fails only for a lost GPU, with ErrLost.
	Handle(index int) (Handle, error)
	// Events creates an event set for XIDs. One set serves all GPUs, because waiting occupies a
	// thread.
	Events() (Events, error)
	Close() error
}

// Events is an event set: it reports the XIDs of its registered GPUs. Register and Wait may be
// called concurrently; Close is called when neither is under way.
type Events interface {
	// Register adds a GPU. Its XIDs are reported with the given UUID.
	Register(h Handle, uuid string) error
	// Wait returns the next XID. ErrNotFound means that none came, and that Wait may be called
	// again. It returns as soon as over is closed.
	Wait(over <-chan struct{}) (xid.DriverReport, error)
	Close() error
}

// Handle is one GPU. Calls on it are never concurrent: two concurrent calls on one handle have
// crashed drivers. All numbers are the driver's own, unchecked. A call whose result is not a number
// fails with ErrImplausible.
type Handle interface {
	// Identity fails only if the UUID cannot be read; other fields that cannot be read are empty.
	Identity() (Identity, error)
	// Utilization of a task in percent, averaged by the driver over its last sample period (1/6 s
	// to 1 s).
	Utilization(Task) (uint32, error)
	// Samples returns the entries of the driver's sample buffer for a task that are newer than a
	// timestamp (microseconds). ErrNotFound means that there are none.
	Samples(task Task, after uint64) ([]Sample, error)
	Memory() (Memory, error)
	// Temperature in degrees Celsius.
	Temperature() (int, error)
	// Power in milliwatts.
	Power() (uint32, error)
	// Energy in millijoules.
	Energy() (uint64, error)
	// Number is any other single reading, in the unit of its Quantity.
	Number(Quantity) (Number, error)
	Rows() (Rows, error)
	Encoder() (Encoder, error)
	// BAR1 is the aperture through which the host maps the GPU's memory, in bytes.
	BAR1() (Memory, error)
	// Fan returns a fan by its number, from 0 to QuantityFans-1.
	Fan(number int) (FanSpeed, error)
	// Contexts returns the contexts of all kinds. A process has one for each kind (compute,
	// graphics, MPS) and each MIG instance that it uses.
	Contexts() ([]Context, error)
	// ProcessSamples returns the utilization of processes since a timestamp (microseconds).
	// ErrNotFound means that no process used the GPU.
	ProcessSamples(after uint64) ([]ProcessSample, error)
	// Profile returns the utilization of the engines since the previous call. ErrNotFound means
	// that there was no previous call, or that it is too recent.
	Profile() (ProfileSample, error)
	// MIG returns the MIG mode and the MIG devices. These support Identity, Memory, Contexts and
	// Profile only.
	MIG() (MIG, error)
}

// Versions are those of the library; empty where it does not report them.
type Versions struct {
	Driver, NVML, CUDA string
}

// Memory of a GPU in bytes.
type Memory struct {
	Used, Total uint64
}

// Sample is an entry of the driver's sample buffer.
type Sample struct {
	// Timestamp is the host's clock in microseconds. Entries that were never filled have 0.
	Timestamp uint64
	// Value in percent.
	Value float64
}

// Rows is the state of row remapping: rows of memory that the GPU replaced by spare ones.
type Rows struct {
	Corrected, Uncorrected int
	// Pending means that rows are replaced at the next reset, Failed that there was no spare row.
	Pending, Failed bool
}

// Encoder describes the sessions of the video encoder.
type Encoder struct {
	Sessions int
	// FrameRate and Latency are means over all sessions, in frames per second and microseconds.
	FrameRate, Latency uint32
}

// FanSpeed of one fan.
type FanSpeed struct {
	// Percent of the nominal speed, which some fans exceed.
	Percent uint32
	// RPM is 0 where the driver does not report it.
	RPM uint32
}

// Context is the memory of one process (bytes), in the list of one kind. A process that uses
// several MIG instances has one entry for each.
type Context struct {
	PID    uint32
	Memory uint64
	Kind   ContextKind
}

// ContextKind is the kind of a context.
type ContextKind uint8

// The kinds of contexts.
const (
	ContextCompute ContextKind = iota
	ContextGraphics
	ContextMPS
)

// ProcessSample is the utilization of a GPU by one process, in percent.
type ProcessSample struct {
	PID uint32
	// Timestamp is the host's clock in microseconds.
	Timestamp                 uint64
	General, Encoder, Decoder uint32
}

// The errors of a Driver, Session or Handle. Any other error means only that the one call failed.
var (
	// ErrUnsupportedBuild: this build cannot load the library.
	ErrUnsupportedBuild = errors.New("built without support for the driver's library")
	// ErrLibraryNotFound: no library was found.
	ErrLibraryNotFound = errors.New("driver library not found")
	// ErrDriverNotLoaded: the library was loaded, the kernel module is not.
	ErrDriverNotLoaded = errors.New("driver not loaded")
	// ErrRestartRequired: the loaded library cannot be used any more, and glibc keeps it for the
	// life of the process.
	ErrRestartRequired = errors.New("process must be restarted to load another driver library")
	// ErrUninitialized: the session has ended.
	ErrUninitialized = errors.New("driver library not initialized")
	// ErrNoPermission: the driver refuses this user or container.
	ErrNoPermission = errors.New("no permission")
	// ErrNotSupported: the GPU or the library does not support the call at this moment.
	ErrNotSupported = errors.New("not supported")
	// ErrUnreliable: this driver is known to return wrong results, so the call is not made.
	ErrUnreliable = fmt.Errorf("unreliable: %w", ErrNotSupported)
	// ErrNotFound: there is no data at this moment.
	ErrNotFound = errors.New("not found")
	// ErrInvalidArgument, ErrTimeout and ErrUnknown: the call failed with the driver's code of that
	// name.
	ErrInvalidArgument = errors.New("invalid argument")
	ErrTimeout         = error(silence("timeout"))
	ErrUnknown         = errors.New("unknown error")
	// ErrLost: the GPU fell off the bus.
	ErrLost = errors.New("gpu is lost")
	// ErrResetRequired: the GPU must be reset before it can be used again.
	ErrResetRequired = errors.New("gpu requires a reset")
)

// silence is the error of a call that took too long. poll.KindOf classifies it as a timeout.
type silence string

func (s silence) Error() string { return string(s) }

// Timeout implements the interface of net.Error; it is always true.
func (s silence) Timeout() bool { return true }

// endsSession reports whether the library has to be opened again after an error, rather than one
// GPU's handle.
func endsSession(err error) bool {
	return errors.Is(err, ErrUninitialized) || errors.Is(err, ErrDriverNotLoaded) || errors.Is(err, ErrRestartRequired)
}

// stateAfter returns the state of the library after an error.
func stateAfter(err error) LibraryState {
	switch {
	case err == nil:
		return LibraryAvailable
	case errors.Is(err, ErrUnsupportedBuild):
		return LibraryUnsupported
	case errors.Is(err, ErrLibraryNotFound):
		return LibraryNotFound
	case errors.Is(err, ErrDriverNotLoaded):
		return LibraryDriverNotLoaded
	case errors.Is(err, ErrNoPermission):
		return LibraryNoPermission
	case errors.Is(err, ErrRestartRequired):
		return LibraryRestartRequired
	default:
		return LibraryFailed
	}
}

// deviceHealth returns the health of a GPU after an error.
func deviceHealth(err error) (Health, HealthReason) {
	switch {
	case err == nil:
		return HealthOK, ReasonNone
	case errors.Is(err, ErrLost):
		return HealthFailed, ReasonLost
	case errors.Is(err, ErrResetRequired):
		return HealthFailed, ReasonResetRequired
	case errors.Is(err, ErrNoPermission):
		return HealthDegraded, ReasonNoPermission
	case errors.Is(err, errWedged):
		return HealthDegraded, ReasonWedged
	default:
		return HealthDegraded, ReasonDriverError
	}
}
