package facefusionreceiver

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// NewFactory makes the factory of the facefusion receiver.
func NewFactory() receiver.Factory {
	r := &registry{observers: map[component.ID]*entry{}}
	return receiver.NewFactory(
		metadata.Type,
		createDefaultConfig,
		receiver.WithMetrics(r.createMetrics, metadata.MetricsStability),
		receiver.WithLogs(r.createLogs, metadata.LogsStability),
		receiver.WithTraces(r.createTraces, metadata.TracesStability),
	)
}

// registry finds the observer that the signals of one receiver share.
type registry struct {
	mu        sync.Mutex
	observers map[component.ID]*entry
}

// entry counts the signals that were created and not yet shut down.
type entry struct {
	cfg      *Config
	observer *observer
	signals  int
}

func (r *registry) createMetrics(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
	return r.attach(set, cfg.(*Config), func(o *observer, s *signal) (err error) {
		s.inner, err = newScraping(o, cfg.(*Config), set, next)
		return err
	})
}

func (r *registry) createLogs(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
	return r.attach(set, cfg.(*Config), func(o *observer, s *signal) error {
		s.inner = o.sink.connectLogs(next)
		return nil
	})
}

func (r *registry) createTraces(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Traces) (receiver.Traces, error) {
	return r.attach(set, cfg.(*Config), func(o *observer, s *signal) error {
		s.inner = o.sink.connectTraces(next)
		return nil
	})
}

// attach gives a new signal the observer of its receiver. A configuration of its own makes an observer of its own: after a reload the
// receiver of the same name is another one.
func (r *registry) attach(set receiver.Settings, cfg *Config, fill func(*observer, *signal) error) (*signal, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, there := r.observers[set.ID]
	if !there || e.cfg != cfg {
		o, err := newObserver(cfg, set)
		if err != nil {
			return nil, err
		}
		e = &entry{cfg: cfg, observer: o}
		r.observers[set.ID] = e
	}
	s := &signal{observer: e.observer, ended: func() { r.detach(set.ID, e) }}
	if err := fill(e.observer, s); err != nil {
		return nil, err
	}
	e.signals++
	return s, nil
}

func (r *registry) detach(id component.ID, e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.signals--
	if e.signals == 0 && r.observers[id] == e {
		delete(r.observers, id)
	}
}
