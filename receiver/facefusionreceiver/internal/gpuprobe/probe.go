package gpuprobe

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// Probe watches the GPUs of the host.
type Probe struct {
	env     probe.Env
	sampler *gpu.Sampler
	loop    *poll.Loop
	mb      *metadata.MetricsBuilder // owned by the goroutine that scrapes
	// Owned by the goroutine that observes
	lb     *metadata.LogsBuilder
	before *gpu.Snapshot
	logged map[string]bool
	usedAt map[string]time.Time // by instance, when it last computed on a GPU
	// missing are the readings that were reported as missing, by GPU and name
	missing map[string]map[string]*missingReading
	// owners is used by both
	owners *owners
}

// New makes the probe over a driver.
func New(cfg Config, driver gpu.Driver, env probe.Env) *Probe {
	p := &Probe{
		env:     env,
		mb:      metadata.NewMetricsBuilder(env.Metrics, env.Settings),
		lb:      metadata.NewLogsBuilder(env.Logs, env.Settings),
		before:  &gpu.Snapshot{Library: gpu.Library{State: gpu.LibraryUnknown}},
		logged:  make(map[string]bool),
		usedAt:  make(map[string]time.Time),
		missing: make(map[string]map[string]*missingReading),
		owners:  newOwners(env.RootPath),
	}
	p.loop = poll.New(cfg.Interval, p.observe)
	p.sampler = gpu.NewSampler(gpu.Settings{
		Driver:          driver,
		Deadline:        cfg.Deadline,
		RootPath:        env.RootPath,
		LibraryNamed:    cfg.LibraryPath != "",
		Include:         cfg.Devices.Include,
		Exclude:         cfg.Devices.Exclude,
		ReleaseWhenIdle: cfg.ReleaseWhenIdle,
		PeakWindow:      cfg.PeakWindow,
		ForgetAfter:     cfg.ForgetAfter,
		NVLink:          env.Metrics.Metrics.NvidiaGpuNvlinkIo.Enabled,
		Profile:         wantsProfile(&env.Metrics.Metrics),
		KernelLog:       cfg.KernelLog,
		OnHint:          p.loop.Trigger,
	})
	return p
}

// Name implements probe.Probe.
func (*Probe) Name() string { return "gpu" }

// Health implements probe.Probe.
func (p *Probe) Health() poll.LoopHealth {
	h := p.loop.Health()
	if s := p.sampler.Latest(); s != nil {
		h.Oldest(s.Oldest)
	}
	return h
}

// Start implements probe.Probe. A driver that is not there yet is a state, not an error.
func (p *Probe) Start(context.Context, component.Host) error {
	p.loop.Start()
	return nil
}

// Shutdown implements probe.Probe. A driver call that does not return is left behind, which is no
// failure of the Collector's.
func (p *Probe) Shutdown(ctx context.Context) error {
	p.loop.Stop()
	if err := p.sampler.Close(ctx); err != nil {
		p.env.Settings.Logger.Warn("shutdown timed out waiting for the NVIDIA driver", zap.Error(err))
	}
	return nil
}

func (p *Probe) observe(ctx context.Context) error {
	err := p.sampler.Observe(ctx)
	snapshot := p.sampler.Latest()
	if snapshot == nil {
		return err
	}
	p.owners.update(p.env.Snapshots.Processes.Load(), snapshot, time.Now())
	p.publishUse(snapshot)
	p.publishWork(snapshot)
	changes := compare(p.before, snapshot)
	p.report(snapshot, changes)
	p.before = snapshot
	p.emitEvents(changes)
	p.emitXIDs(snapshot)
	p.emitSuppressed(snapshot.XIDsSuppressed)
	if changes.any() || len(snapshot.XIDs) > 0 {
		p.env.RequestScrape()
	}
	return err
}

// report logs changes of state, not each pass.
func (p *Probe) report(snapshot *gpu.Snapshot, changes changes) {
	logger := p.env.Settings.Logger
	if changes.library {
		p.reportLibrary(snapshot)
	}
	p.reportKernelLog(snapshot.KernelLog)
	for _, entry := range snapshot.Unmatched {
		if p.once("unmatched " + entry) {
			logger.Warn("an entry of gpu.devices matches no GPU of this host: give a UUID, an index or a PCI address as nvidia-smi -L and lspci print them", zap.String("entry", entry))
		}
	}
	p.reportVisibility(p.owners.state())
	p.reportReadings(snapshot)
	p.reportXIDWatch(snapshot)
	if snapshot.Beyond > 0 && p.once("beyond") {
		logger.Warn("the NVIDIA driver claims to have more GPUs than any host, the others are not watched", zap.Int("beyond", snapshot.Beyond))
	}
	for _, uuid := range snapshot.DuplicateUUIDs {
		if p.once("duplicate " + uuid) {
			logger.Warn("several GPUs report the same UUID, they are told apart by their PCI addresses", zap.String("uuid", uuid))
		}
	}
	for _, d := range changes.failed {
		logger.Warn("GPU unhealthy", zap.String("gpu", deviceID(d)), zap.String("state", string(d.Health)), zap.String("fault", string(d.Reason)))
	}
	for _, d := range changes.recovered {
		logger.Info("GPU healthy again", zap.String("gpu", deviceID(d)))
	}
}

// once says whether something has not been logged yet.
func (p *Probe) once(what string) bool {
	if p.logged[what] {
		return false
	}
	p.logged[what] = true
	return true
}

func (p *Probe) reportLibrary(snapshot *gpu.Snapshot) {
	logger, library := p.env.Settings.Logger, snapshot.Library
	switch library.State {
	case gpu.LibraryAvailable:
		// After each release it is opened again, which is no change.
		if p.before.Library.State != gpu.LibraryReleased {
			logger.Info("NVIDIA driver available", zap.String("driver", library.DriverVersion),
				zap.String("cuda", library.CUDAVersion), zap.Int("gpus", gpuCount(snapshot)))
		}
	case gpu.LibraryReleased, gpu.LibrarySuspended:
		if p.once(string(library.State)) {
			logger.Info("GPUs are not read while no process uses them", zap.String("state", string(library.State)))
		}
	case gpu.LibraryUnsupported:
		logger.Info("this build has no GPU probe: it was built without cgo, which loads the NVIDIA driver's library")
	default:
		logger.Info("no GPU can be read, it will be picked up when the driver answers",
			zap.String("state", string(library.State)), zap.Error(library.Err))
	}
}

// Scrape implements probe.Probe.
func (p *Probe) Scrape(now time.Time) pmetric.Metrics {
	snapshot := p.sampler.Collect(now, p.env.Window)
	if snapshot == nil {
		return pmetric.NewMetrics()
	}
	record(p.mb, snapshot, now)
	state := p.owners.state()
	ts := pcommon.NewTimestampFromTime(now)
	recordVisibility(p.mb, ts, state)
	if p.owners.matches() {
		recordOthers(p.mb, ts, snapshot, p.owners.instance)
	}
	p.mb.EmitForResource(metadata.WithResource(p.env.HostResource()))
	if p.owners.matches() {
		p.scrapeShares(snapshot, ts)
	}
	return p.mb.Emit()
}

// scrapeShares records what each known instance has of each GPU, also when it is nothing.
func (p *Probe) scrapeShares(snapshot *gpu.Snapshot, ts pcommon.Timestamp) {
	processes := p.env.Snapshots.Processes.Load()
	if processes == nil || len(processes.Instances) == 0 {
		return
	}
	divided := withMIGDevices(snapshot.Devices)
	shares := make([]map[string]*share, len(snapshot.Devices))
	for i := range snapshot.Devices {
		if d := &snapshot.Devices[i]; !divided[d.UUID] {
			shares[i] = sharesOf(d, p.owners.instance)
		}
	}
	for i := range processes.Instances {
		instance := &processes.Instances[i]
		for k := range snapshot.Devices {
			if shares[k] == nil {
				continue
			}
			d := &snapshot.Devices[k]
			s := shares[k][instance.ID]
			if s == nil {
				none := nothing(d)
				s = &none
			}
			recordShare(p.mb, ts, s, deviceID(d), deviceName(d))
		}
		p.mb.EmitForResource(metadata.WithResource(p.env.InstanceResource(instance.ID)))
	}
}
