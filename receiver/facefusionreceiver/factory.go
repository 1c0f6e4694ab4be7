package facefusionreceiver

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	// the encoding of the agent's log
	_ "github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/logencoding"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// NewFactory makes the factory of the facefusion receiver.
func NewFactory() receiver.Factory {
	r := &sharedReceivers{shared: map[component.ID]*attached{}}
	return receiver.NewFactory(
		metadata.Type,
		createDefaultConfig,
		receiver.WithMetrics(r.createMetrics, metadata.MetricsStability),
		receiver.WithLogs(r.createLogs, metadata.LogsStability),
		receiver.WithTraces(r.createTraces, metadata.TracesStability),
	)
}

// sharedReceivers finds the sharedReceiver that the signals of one receiver share.
type sharedReceivers struct {
	mu     sync.Mutex
	shared map[component.ID]*attached
}

// attached counts the signals that were created and not yet shut down.
type attached struct {
	cfg     *Config
	shared  *sharedReceiver
	signals int
}

func (r *sharedReceivers) createMetrics(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
	return r.attach(set, cfg.(*Config), func(shared *sharedReceiver, s *signal) (err error) {
		s.inner, err = newScraping(shared, cfg.(*Config), set, next)
		return err
	})
}

func (r *sharedReceivers) createLogs(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
	return r.attach(set, cfg.(*Config), func(shared *sharedReceiver, s *signal) error {
		s.inner = shared.sink.ConnectLogs(next)
		return nil
	})
}

func (r *sharedReceivers) createTraces(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Traces) (receiver.Traces, error) {
	return r.attach(set, cfg.(*Config), func(shared *sharedReceiver, s *signal) error {
		s.inner, s.closing = shared.sink.ConnectTraces(next), shared.flush
		return nil
	})
}

// attach gives a new signal the sharedReceiver of its receiver. Another configuration makes another
// one: after a reload the receiver of the same name is a new one.
func (r *sharedReceivers) attach(set receiver.Settings, cfg *Config, fill func(*sharedReceiver, *signal) error) (*signal, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, there := r.shared[set.ID]
	if !there || e.cfg != cfg {
		shared, err := newSharedReceiver(cfg, set)
		if err != nil {
			return nil, err
		}
		e = &attached{cfg: cfg, shared: shared}
		r.shared[set.ID] = e
	}
	s := &signal{shared: e.shared, ended: func() { r.detach(set.ID, e) }}
	if err := fill(e.shared, s); err != nil {
		return nil, err
	}
	e.signals++
	return s, nil
}

func (r *sharedReceivers) detach(id component.ID, e *attached) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.signals--
	if e.signals == 0 && r.shared[id] == e {
		delete(r.shared, id)
	}
}
