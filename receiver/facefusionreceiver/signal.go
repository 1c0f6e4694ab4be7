package facefusionreceiver

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/collector/component"
)

// signal is one of a receiver's metrics, logs and traces, as the Collector sees it. It is safe to
// shut down unstarted, twice and while it starts; the scrape controller that it may hold is not.
type signal struct {
	shared  *sharedReceiver
	inner   component.Component // the scrape controller, or a queue of package delivery
	closing func()              // before inner is shut down; nil for nothing
	ended   func()

	mu   sync.Mutex
	shut bool
}

var _ component.Component = (*signal)(nil)

// Start implements component.Component.
func (s *signal) Start(ctx context.Context, host component.Host) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return nil
	}
	if err := s.inner.Start(ctx, host); err != nil {
		return err
	}
	return s.shared.start(ctx, s, host)
}

// Shutdown implements component.Component.
func (s *signal) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return nil
	}
	s.shut = true
	defer s.ended()
	if s.closing != nil {
		s.closing()
	}
	err := s.inner.Shutdown(ctx)
	return errors.Join(err, s.shared.stop(ctx, s))
}
