package facefusionreceiver

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/delivery"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/trigger"
)

// sharedReceiver is what runs behind a receiver: its probes, and the delivery of their events and
// spans. The Collector creates a receiver's metrics, logs and traces separately; all share one. The
// first signal that starts starts it, the last that is shut down stops it.
type sharedReceiver struct {
	trigger   *trigger.Trigger
	gate      *hostfs.Gate
	sink      *delivery.Sink
	status    *statusReporter
	page      *pageFinder
	telemetry *metadata.TelemetryBuilder
	probes    []probe.Probe
	parts     []*trigger.Part // of the probes

	mu      sync.Mutex
	started map[*signal]bool
	running bool
}

func newSharedReceiver(cfg *Config, set receiver.Settings) (*sharedReceiver, error) {
	telemetry, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	sink, err := delivery.NewSink(set, cfg.Logs, telemetry)
	if err != nil {
		return nil, err
	}
	interval := cfg.Controller.CollectionInterval
	r := &sharedReceiver{
		trigger:   trigger.New(interval),
		gate:      hostfs.NewGate(hostfs.Settings{}),
		sink:      sink,
		telemetry: telemetry,
		started:   map[*signal]bool{},
	}
	r.probes, r.parts = newProbes(cfg, probe.Env{
		Settings:  set,
		Metrics:   cfg.Metrics,
		Logs:      cfg.Logs,
		Snapshots: &snapshots.Store{},
		Log:       runlog.For(set.ID.String()),
		Host:      host.Read(cfg.RootPath),
		Storage:   cfg.Storage,
		Gate:      r.gate,
		RootPath:  cfg.RootPath,
		Window:    interval - interval/10,
		Sink:      r.sink,
	}, r.trigger)
	r.status = newStatus(set.Logger, r.probes, r.gate)
	r.page = newPageFinder(set.Logger)
	return r, registerTelemetry(telemetry, set.ID, r.probes, r.gate)
}

// start is called by each signal that starts.
func (r *sharedReceiver) start(ctx context.Context, s *signal, host component.Host) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started[s] = true
	r.status.attach(s, host)
	if r.running {
		return nil
	}
	r.running = true
	r.trigger.Start()
	for _, p := range r.probes {
		if err := p.Start(ctx, host); err != nil {
			return errors.Join(err, r.stopLocked(ctx))
		}
	}
	r.status.start()
	r.page.start(host)
	return nil
}

// flush has the probes send what they hold back, while there is a pipeline for it.
func (r *sharedReceiver) flush() {
	for _, p := range r.probes {
		if f, ok := p.(probe.Flusher); ok {
			f.Flush()
		}
	}
}

// stop is called by each signal that is shut down, also by one that never started. The last one
// waits until everything has ended.
func (r *sharedReceiver) stop(ctx context.Context, s *signal) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.started, s)
	r.status.detach(s)
	if !r.running || len(r.started) > 0 {
		return nil
	}
	return r.stopLocked(ctx)
}

func (r *sharedReceiver) stopLocked(ctx context.Context) error {
	r.running = false
	r.page.stop()
	r.status.stop()
	var errs error
	for _, p := range slices.Backward(r.probes) {
		errs = errors.Join(errs, p.Shutdown(ctx))
	}
	r.trigger.Stop()
	r.telemetry.Shutdown()
	return errs
}
