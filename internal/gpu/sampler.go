package gpu

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/pci"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// Settings of a Sampler. Zero durations take the defaults.
type Settings struct {
	Driver Driver
	// Deadline is how long a call into the driver may take before the GPU counts as wedged. Default
	// 10 s: without persistence mode, the first call on a GPU loads its firmware, which takes
	// seconds.
	Deadline time.Duration
	// SampleInterval is how often energy and the driver's sample buffers are read. Default 5 s: a
	// buffer holds about 14 s.
	SampleInterval time.Duration
	// RootPath is where the host's root is mounted, for what the kernel says of PCI devices.
	// Default "/".
	RootPath string
	// LibraryNamed says that somebody configured where the driver's library is: that there is none
	// is then never taken for a property of the host.
	LibraryNamed bool
	// Include and Exclude select GPUs by UUID, index or PCI address. Without Include, all are
	// included.
	Include, Exclude []string
	// ReleaseWhenIdle is how long no process may use a GPU before the library is closed, so that
	// the GPUs can be reset, partitioned or put to sleep. The library is opened again after the
	// same time, at least a minute. 0 keeps the library open.
	ReleaseWhenIdle time.Duration
	// PeakWindow is how long a peak is reported after the Collect that closed its window. Default a
	// minute.
	PeakWindow time.Duration
	// ForgetAfter is how long a GPU that the driver does not list any more is reported as lost.
	// Default a day, as for an instance that is gone.
	ForgetAfter time.Duration
	// NVLink has its traffic read, which few need.
	NVLink bool
	// Profile has the engines measured, which costs calls that few need.
	Profile bool
	// KernelLog has the kernel's log read for XIDs that the driver's event set does not report.
	KernelLog bool
	// OnHint is called, from any goroutine, when an XID came that the next pass will report. It
	// must not block. May be nil.
	OnHint func()
}

const (
	defaultDeadline       = 10 * time.Second
	defaultSampleInterval = 5 * time.Second
	defaultForgetAfter    = 24 * time.Hour
	// longestPatience is how long an Observe waits for its calls. A GPU that takes longer is
	// reported with its previous readings, so that it delays no other.
	longestPatience = 500 * time.Millisecond
)

// Sampler observes all GPUs of the host. Observe is called by one loop; Latest and Collect by any
// goroutine.
type Sampler struct {
	driver      Driver
	deadline    time.Duration
	release     time.Duration
	peakWindow  time.Duration
	forgetAfter time.Duration
	// libraryNamed is Settings.LibraryNamed.
	libraryNamed bool
	latest       atomic.Pointer[Snapshot]

	// mu is held by Observe and Close, and guards everything down to the blank line.
	mu         sync.Mutex
	closed     bool
	connection connection
	slots      []*slot
	known      []Identity
	// unlisted is for how long a known GPU was not listed by a driver that answers, by UUID, and
	// listedAt when that was last looked at.
	unlisted map[string]time.Duration
	listedAt time.Time
	// running are goroutines other than workers, retired the workers that get no more requests.
	running sync.WaitGroup
	retired []*retiredWorker
	// kernelLog is nil unless it is to be read.
	kernelLog *xid.KernelLog

	shared shared

	// windowsMu is held by Collect.
	windowsMu     sync.Mutex
	windowsOpened time.Time
	lastReported  reportedWindows
}

// NewSampler makes a sampler. Nothing is read before Observe.
func NewSampler(settings Settings) *Sampler {
	s := &Sampler{
		driver:        settings.Driver,
		deadline:      settings.Deadline,
		release:       settings.ReleaseWhenIdle,
		peakWindow:    settings.PeakWindow,
		forgetAfter:   settings.ForgetAfter,
		unlisted:      make(map[string]time.Duration),
		libraryNamed:  settings.LibraryNamed,
		windowsOpened: time.Now(),
		lastReported:  reportedWindows{},
		shared: shared{
			interval:  settings.SampleInterval,
			nvlink:    settings.NVLink,
			profile:   settings.Profile,
			selection: selection{include: settings.Include, exclude: settings.Exclude},
			bus:       pci.Bus{Root: settings.RootPath},
			xids:      xid.NewCounter(settings.OnHint),
		},
	}
	if s.deadline <= 0 {
		s.deadline = defaultDeadline
	}
	if s.peakWindow <= 0 {
		s.peakWindow = defaultPeakWindow
	}
	if s.forgetAfter <= 0 {
		s.forgetAfter = defaultForgetAfter
	}
	if s.shared.interval <= 0 {
		s.shared.interval = defaultSampleInterval
	}
	if s.shared.bus.Root == "" {
		s.shared.bus.Root = "/"
	}
	if settings.KernelLog {
		s.kernelLog = xid.NewKernelLog(s.shared.bus.Root, s.shared.xids)
	}
	s.connection.library = Library{State: LibraryUnknown}
	s.latest.Store(&Snapshot{Library: s.connection.library})
	return s
}

// Observe is one pass. It returns within half a second or the deadline, whichever is shorter,
// however the driver behaves. The error is for what an operator should act on; a library or driver
// that is not there is a state of the snapshot only.
func (s *Sampler) Observe(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	now := time.Now()
	ctx, cancel := context.WithTimeout(ctx, min(s.deadline, longestPatience))
	defer cancel()
	s.connect(ctx, now)
	s.readDevices(ctx, now)
	err := s.publish(now)
	s.releaseIdle(now)
	return err
}

// Latest returns the newest snapshot, without utilization. It never waits.
func (s *Sampler) Latest() *Snapshot { return s.latest.Load() }

// Collect returns the newest snapshot with the utilization since the windows were opened, and opens
// new windows if these are at least minWidth wide. It never waits for the driver.
func (s *Sampler) Collect(now time.Time, minWidth time.Duration) *Snapshot {
	s.windowsMu.Lock()
	defer s.windowsMu.Unlock()
	width := now.Sub(s.windowsOpened)
	// A negative width is a clock that was set back; waiting for it to catch up could take hours.
	reset := width >= minWidth || width < 0
	if reset {
		s.windowsOpened = now
	}
	snapshot := *s.latest.Load()
	devices := make([]Device, len(snapshot.Devices))
	copy(devices, snapshot.Devices)
	for i := range devices {
		d := &devices[i]
		usage := s.shared.usages.of(d.UUID)
		windows, processes := usage.windows(reset)
		profile := usage.profile.collect(reset)
		if d.Answers() && !d.Suspended {
			d.Utilization, d.ProcessUtilization = s.lastReported.fill(d.UUID, windows, processes, now, 2*s.shared.interval)
			s.lastReported.fillPeaks(d.UUID, d.Utilization, now, s.peakWindow, reset)
			d.Profile = s.lastReported.fillProfile(d.UUID, profile, now, 2*s.shared.interval)
		}
	}
	snapshot.Devices = devices
	return &snapshot
}

// closeLimit is how long Close waits at most, whatever the deadline of calls is: a service that
// does not stop is killed.
const closeLimit = 2 * time.Second

// Close ends the workers and closes the library. It returns when they have ended, ctx is done or
// two seconds have passed, whichever is first. For a worker that is known to be stuck in the driver
// it does not wait at all: that ends when its call returns. It may be called at any time, and more
// than once.
func (s *Sampler) Close(ctx context.Context) error {
	workers, stuck := s.shut()
	ctx, cancel := context.WithTimeout(ctx, closeLimit)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		for _, worker := range workers {
			<-worker
		}
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		if stuck {
			return fmt.Errorf("close gpu sampler: %w", errStillInDriver)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close gpu sampler: %w", errors.Join(errStillInDriver, ctx.Err()))
	}
}

var errStillInDriver = errors.New("a call into the driver has not returned")

// shut has everything end. It returns the ends of the workers that are waited for, and whether
// there are others, which are stuck.
func (s *Sampler) shut() (workers []<-chan struct{}, stuck bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.endAll()
	}
	now := time.Now()
	for _, worker := range s.retired {
		if worker.stuck(now, s.deadline) {
			stuck = true
		} else {
			workers = append(workers, worker.ended)
		}
	}
	return workers, stuck
}

func (s *Sampler) endAll() {
	s.disconnect(time.Now())
	if s.kernelLog != nil {
		s.kernelLog.Stop()
	}
	for _, slot := range s.slots {
		s.retire(slot)
	}
	s.slots = nil
	if c := &s.connection; c.worker != nil {
		c.worker.close()
		s.retired = append(s.retired, &retiredWorker{ended: c.workerEnded, busy: c.worker.busy, since: c.worker.since})
	}
}

// usages are the windows by UUID. They outlive handles and sessions.
type usages struct {
	mu sync.Mutex
	by map[string]*usage
}

func (u *usages) of(uuid string) *usage {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.by == nil {
		u.by = make(map[string]*usage)
	}
	if u.by[uuid] == nil {
		u.by[uuid] = &usage{}
	}
	return u.by[uuid]
}
