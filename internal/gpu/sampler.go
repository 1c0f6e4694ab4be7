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
	// several seconds.
	Deadline time.Duration
	// SampleInterval is how often energy and the driver's sample buffers are read. Default 5 s: a
	// buffer holds about 14 s.
	SampleInterval time.Duration
	// RootPath is where the host's root is mounted, for sysfs and /dev/kmsg. Default "/".
	RootPath string
	// LibraryNamed means that the path of the driver's library is configured. A missing library is
	// then LibraryNotFound, never LibraryNoNVML.
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
	// Default 24 h.
	ForgetAfter time.Duration
	// NVLink enables reading of NVLink traffic.
	NVLink bool
	// Profile enables the performance counters of the engines (GPM), which take additional calls.
	Profile bool
	// KernelLog enables reading of the kernel's log for XIDs that the driver's event set does not
	// report.
	KernelLog bool
	// OnHint is called, from any goroutine, when an XID came that the next pass reports. It must
	// not block. May be nil.
	OnHint func()
}

const (
	defaultDeadline       = 10 * time.Second
	defaultSampleInterval = 5 * time.Second
	defaultForgetAfter    = 24 * time.Hour
	// longestPatience is how long Observe waits for its calls. A GPU that takes longer is reported
	// with its previous readings, so that it does not delay the others.
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
	// unlisted is for how long a working driver has not listed a known GPU, by UUID. listedAt is
	// when that was last updated.
	unlisted map[string]time.Duration
	listedAt time.Time
	// running counts goroutines other than workers. retired are the workers that get no more
	// requests.
	running sync.WaitGroup
	retired []*retiredWorker
	// kernelLog is nil unless Settings.KernelLog is set.
	kernelLog *xid.KernelLog

	shared shared

	// windowsMu is held by Collect.
	windowsMu     sync.Mutex
	windowsOpened time.Time
	lastReported  reportedWindows
}

// NewSampler creates a sampler. It reads nothing before the first Observe.
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

// Observe makes one pass and publishes a snapshot. It returns within half a second or the deadline,
// whichever is shorter, even if the driver blocks. The error is for what an operator should act on;
// a missing library or driver is a state of the snapshot only.
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
// new windows if these are at least minWidth long. It never waits for the driver.
func (s *Sampler) Collect(now time.Time, minWidth time.Duration) *Snapshot {
	s.windowsMu.Lock()
	defer s.windowsMu.Unlock()
	width := now.Sub(s.windowsOpened)
	// A negative width means that the clock was set back; catching up could take hours.
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

// closeLimit is how long Close waits at most, independent of Settings.Deadline, because a service
// manager kills a service that does not stop.
const closeLimit = 2 * time.Second

// Close ends the workers and closes the library. It returns when they have ended, ctx is done or
// two seconds have passed, whichever is first. It does not wait for a worker that is stuck in the
// driver: that one ends when its call returns. Any goroutine may call it, more than once.
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

// shut ends the session, the workers and the kernel log. It returns the channels that workers close
// when they end, and whether there are stuck workers, which are not among them.
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

// usages holds the windows by UUID. They outlive handles and sessions.
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
