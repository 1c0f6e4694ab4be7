// Package gpuprobe translates what internal/gpu sees into metrics and events.
package gpuprobe

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
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
	// owned by the goroutine that observes
	lb     *metadata.LogsBuilder
	before *gpu.Snapshot
}

// New makes the probe over a driver.
func New(cfg Config, driver gpu.Driver, env probe.Env) *Probe {
	p := &Probe{
		env:     env,
		sampler: gpu.NewSampler(gpu.Settings{Driver: driver, Deadline: cfg.Deadline}),
		mb:      metadata.NewMetricsBuilder(env.Metrics, env.Settings),
		lb:      metadata.NewLogsBuilder(env.Logs, env.Settings),
		before:  &gpu.Snapshot{Library: gpu.Library{State: gpu.LibraryUnknown}},
	}
	p.loop = poll.New(cfg.Interval, p.observe)
	return p
}

// Name implements probe.Probe.
func (*Probe) Name() string { return "gpu" }

// Health implements probe.Probe.
func (p *Probe) Health() poll.Health { return p.loop.Health() }

// Start implements probe.Probe. A driver that is not there yet is a state, not an error.
func (p *Probe) Start(context.Context, component.Host) error {
	p.loop.Start()
	return nil
}

// Shutdown implements probe.Probe. A driver call that does not return is left behind, which is no failure of the Collector's.
func (p *Probe) Shutdown(ctx context.Context) error {
	p.loop.Stop()
	if err := p.sampler.Close(ctx); err != nil {
		p.env.Settings.Logger.Warn("the NVIDIA driver was left as it is", zap.Error(err))
	}
	return nil
}

func (p *Probe) observe(ctx context.Context) error {
	err := p.sampler.Observe(ctx)
	snapshot := p.sampler.Latest()
	if snapshot == nil {
		return err
	}
	p.env.Board.GPUs.Publish(snapshot)
	changes := compare(p.before, snapshot)
	p.before = snapshot
	p.report(snapshot, changes)
	p.tell(changes)
	if changes.any() {
		p.env.Changed()
	}
	return err
}

// report logs changes of state, not each look.
func (p *Probe) report(snapshot *gpu.Snapshot, changes changes) {
	logger := p.env.Settings.Logger
	if changes.library {
		library := snapshot.Library
		if library.State == gpu.LibraryAvailable {
			logger.Info("the NVIDIA driver answers", zap.String("driver", library.DriverVersion),
				zap.String("cuda", library.CUDAVersion), zap.Int("gpus", len(snapshot.Devices)))
		} else {
			logger.Info("no GPU can be read, it will be picked up when the driver answers",
				zap.String("state", string(library.State)), zap.Error(library.Err))
		}
	}
	for _, d := range changes.failed {
		logger.Warn("a GPU is not ok", zap.String("gpu", deviceID(d)), zap.String("state", string(d.Health)), zap.String("fault", string(d.Reason)))
	}
	for _, d := range changes.recovered {
		logger.Info("a GPU is ok again", zap.String("gpu", deviceID(d)))
	}
}

// Scrape implements probe.Probe.
func (p *Probe) Scrape(now time.Time) pmetric.Metrics {
	snapshot := p.sampler.Collect(now, p.env.Window)
	if snapshot == nil {
		return pmetric.NewMetrics()
	}
	record(p.mb, snapshot, now)
	return p.mb.Emit(metadata.WithResource(p.env.HostResource()))
}
