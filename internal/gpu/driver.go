package gpu

import (
	"errors"
	"fmt"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// Driver opens the driver's library. Open may block for as long as the driver likes, and may be
// called again after it failed or the session was closed.
type Driver interface {
	Open() (Session, error)
}

// Session is an open library. Close is called once, when no other call is under way, and no call
// follows it.
type Session interface {
	Versions() Versions
	// Count is how many GPUs the driver has, those in a bad state included.
	Count() (int, error)
	// Handle finds a GPU by its index. For a lost GPU it fails, for the others it does not.
	Handle(index int) (Handle, error)
	// Events makes an event set, for XIDs. There is one for all GPUs, because waiting holds a
	// thread.
	Events() (Events, error)
	Close() error
}

// Events is a set of GPUs whose XIDs are waited for. Register and Wait may be called at the same
// time; Close is called when neither is under way.
type Events interface {
	// Register adds a GPU. Its XIDs come with the given name.
	Register(h Handle, uuid string) error
	// Wait returns the next XID; ErrNotFound means that none came: it may be called again, and
	// waiting works. It returns as soon as over is closed.
	Wait(over <-chan struct{}) (xid.DriverReport, error)
	Close() error
}

// Handle is one GPU. Calls on it are never concurrent: two concurrent calls on one handle have
// crashed drivers. All numbers are the driver's own, unchecked; a call whose answer holds no number
// at all fails with ErrImplausible.
type Handle interface {
	// Identity fails only where the UUID cannot be had; the rest is left empty.
	Identity() (Identity, error)
	// Utilization of a task in percent, averaged by the driver over its last sample period (1/6 s
	// to 1 s).
	Utilization(Task) (uint32, error)
	// Samples returns what the driver's own sample buffer holds for a task after a timestamp;
	// ErrNotFound means nothing new.
	Samples(task Task, after uint64) ([]Sample, error)
	Memory() (Memory, error)
	// Temperature in degrees Celsius.
	Temperature() (int, error)
	// Power in milliwatts.
	Power() (uint32, error)
	// Energy in millijoules.
	Energy() (uint64, error)
	// Number is any other single reading, in the unit that its Quantity says.
	Number(Quantity) (Number, error)
	Rows() (Rows, error)
	Encoder() (Encoder, error)
	// BAR1 is the window through which the host sees the GPU's memory.
	BAR1() (Memory, error)
	// Fan by number; QuantityFans says how many there are.
	Fan(number int) (FanSpeed, error)
	// Contexts are those of all kinds. A process has one for each kind (compute, graphics, MPS) and
	// each MIG instance that it uses.
	Contexts() ([]Context, error)
	// ProcessSamples are the utilization of processes since a timestamp; ErrNotFound means that
	// none used the GPU.
	ProcessSamples(after uint64) ([]ProcessSample, error)
	// Profile is how the engines were used since the Profile before; ErrNotFound means that there
	// was none, or that it is too early for another.
	Profile() (ProfileSample, error)
	// MIG is how the GPU is divided. The devices answer Identity, Memory, Contexts and Profile.
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

// Rows of memory that the GPU replaced by spare ones.
type Rows struct {
	Corrected, Uncorrected int
	// Pending rows are replaced at the next reset; Failed means that there was no spare one.
	Pending, Failed bool
}

// Encoder is what the sessions of the video encoder do.
type Encoder struct {
	Sessions int
	// FrameRate and Latency are means over all sessions, in frames per second and microseconds.
	FrameRate, Latency uint32
}

// FanSpeed of one fan.
type FanSpeed struct {
	// Percent of the highest speed, which some fans exceed.
	Percent uint32
	// RPM is 0 where the driver does not report it.
	RPM uint32
}

// Context is the memory of one process, in the list of one kind. A process that uses several MIG
// instances is in the list once for each.
type Context struct {
	PID    uint32
	Memory uint64
	Kind   ContextKind
}

// ContextKind is what a context is for.
type ContextKind uint8

// The kinds of contexts.
const (
	ContextCompute ContextKind = iota
	ContextGraphics
	ContextMPS
)

// ProcessSample is how busy a process kept a GPU, in percent.
type ProcessSample struct {
	PID uint32
	// Timestamp is the host's clock in microseconds.
	Timestamp                 uint64
	General, Encoder, Decoder uint32
}

// What a Driver, Session or Handle fails with. Any other error means that the one call went wrong.
var (
	// ErrUnsupportedBuild: this program was built without the means to load the library.
	ErrUnsupportedBuild = errors.New("built without support for the driver's library")
	// ErrLibraryNotFound: there is no library to load.
	ErrLibraryNotFound = errors.New("driver library not found")
	// ErrDriverNotLoaded: the library is there, the kernel's driver is not.
	ErrDriverNotLoaded = errors.New("driver not loaded")
	// ErrRestartRequired: the loaded library cannot be used any more, and glibc keeps it for the
	// life of the process.
	ErrRestartRequired = errors.New("process must be restarted to load another driver library")
	// ErrUninitialized: the session is over.
	ErrUninitialized = errors.New("driver library not initialized")
	// ErrNoPermission: the driver refuses this user or container.
	ErrNoPermission = errors.New("no permission")
	// ErrNotSupported: the GPU or the library does not have what was asked for, at this moment.
	ErrNotSupported = errors.New("not supported")
	// ErrUnreliable: the driver answers in a way that cannot be trusted, and is not asked.
	ErrUnreliable = fmt.Errorf("unreliable: %w", ErrNotSupported)
	// ErrNotFound: there is nothing now.
	ErrNotFound = errors.New("not found")
	// ErrInvalidArgument, ErrTimeout and ErrUnknown: the call failed, as the driver names it.
	ErrInvalidArgument = errors.New("invalid argument")
	ErrTimeout         = error(silence("timeout"))
	ErrUnknown         = errors.New("unknown error")
	// ErrLost: the GPU fell off the bus.
	ErrLost = errors.New("gpu is lost")
	// ErrResetRequired: the GPU must be reset before it can be used again.
	ErrResetRequired = errors.New("gpu requires a reset")
)

// silence is an error of a driver that took too long. It counts as a timeout (poll.KindOf).
type silence string

func (s silence) Error() string { return string(s) }

// Timeout is always true.
func (s silence) Timeout() bool { return true }

// endsSession distinguishes errors after which the whole library has to be opened again from those
// of one GPU.
func endsSession(err error) bool {
	return errors.Is(err, ErrUninitialized) || errors.Is(err, ErrDriverNotLoaded) || errors.Is(err, ErrRestartRequired)
}

// stateAfter names the state that an error of the library leaves it in.
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

// deviceHealth names the state that an error of one GPU leaves it in.
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
