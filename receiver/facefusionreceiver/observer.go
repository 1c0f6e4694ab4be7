package facefusionreceiver

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// observer is what runs behind a receiver: its probes, and the way out for events. The Collector creates a receiver's metrics, logs and
// traces separately; all share one observer. The first signal that starts starts it, the last that is shut down stops it.
type observer struct {
	pulse     *pulse
	sink      *sink
	status    *status
	telemetry *metadata.TelemetryBuilder
	probes    []probe.Probe

	mu      sync.Mutex
	started map[*signal]bool
	running bool
}

func newObserver(cfg *Config, set receiver.Settings) (*observer, error) {
	telemetry, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	interval := cfg.Controller.CollectionInterval
	o := &observer{
		pulse:     newPulse(interval),
		sink:      newSink(set, cfg.Logs, telemetry),
		telemetry: telemetry,
		started:   map[*signal]bool{},
	}
	o.probes = newProbes(cfg, probe.Env{
		Settings:  set,
		Metrics:   cfg.Metrics,
		Logs:      cfg.Logs,
		Snapshots: &snapshots.Store{},
		Host:      host.Read(cfg.RootPath),
		Storage:   cfg.Storage,
		RootPath:  cfg.RootPath,
		Window:    interval - interval/10,
		Changed:   o.pulse.changed,
		Sink:      o.sink,
	})
	o.status = newStatus(set.Logger, o.probes)
	return o, registerTelemetry(telemetry, o.probes)
}

// start is called by each signal that starts.
func (o *observer) start(ctx context.Context, s *signal, host component.Host) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.started[s] = true
	o.status.attach(s, host)
	if o.running {
		return nil
	}
	o.running = true
	o.pulse.start()
	for _, p := range o.probes {
		if err := p.Start(ctx, host); err != nil {
			return errors.Join(err, o.stopLocked(ctx))
		}
	}
	o.status.start()
	return nil
}

// stop is called by each signal that is shut down, also by one that never started. The last one waits until everything has ended.
func (o *observer) stop(ctx context.Context, s *signal) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.started, s)
	o.status.detach(s)
	if !o.running || len(o.started) > 0 {
		return nil
	}
	return o.stopLocked(ctx)
}

func (o *observer) stopLocked(ctx context.Context) error {
	o.running = false
	o.status.stop()
	var errs error
	for i := len(o.probes) - 1; i >= 0; i-- {
		errs = errors.Join(errs, o.probes[i].Shutdown(ctx))
	}
	o.pulse.stop()
	o.telemetry.Shutdown()
	return errs
}
