package facefusionreceiver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// statusInterval is how soon a probe that begins to fail shows in the component's status.
const statusInterval = time.Second

// statusReporter reports how the probes are as the component's status, on change only. What fails
// may come back, so the error is a recoverable one.
type statusReporter struct {
	logger *zap.Logger
	probes []probe.Probe
	gate   *hostfs.Gate
	loop   *poll.Loop
	// failing and hanging are owned by the loop's goroutine.
	failing map[string]bool
	hanging map[hostfs.DeviceKey]bool

	mu    sync.Mutex
	hosts map[*signal]*reported
}

// reported is where a signal's status is reported, and what was reported last: nothing is OK, which
// a component that started is without saying so.
type reported struct {
	host component.Host
	text string
}

func newStatus(logger *zap.Logger, probes []probe.Probe, gate *hostfs.Gate) *statusReporter {
	s := &statusReporter{
		logger: logger, probes: probes, gate: gate, failing: map[string]bool{}, hanging: map[hostfs.DeviceKey]bool{}, hosts: map[*signal]*reported{},
	}
	s.loop = poll.New(statusInterval, s.report)
	return s
}

func (s *statusReporter) start() { s.loop.Start() }

func (s *statusReporter) stop() { s.loop.Stop() }

// attach reports to the host of a signal from now on. Each signal has a status of its own.
func (s *statusReporter) attach(sig *signal, host component.Host) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts[sig] = &reported{host: host}
}

func (s *statusReporter) detach(sig *signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.hosts, sig)
}

func (s *statusReporter) report(context.Context) error {
	var errs error
	for _, p := range s.probes {
		err := p.Health().Err
		s.log(p.Name(), err)
		if err != nil {
			errs = errors.Join(errs, fmt.Errorf("%s: %w", p.Name(), err))
		}
	}
	s.logHanging(s.gate.Unresponsive())
	s.publish(errs)
	return nil
}

// logHanging reports once that a file system does not answer, and once that it does again.
func (s *statusReporter) logHanging(list []hostfs.Hanging) {
	now := make(map[hostfs.DeviceKey]bool, len(list))
	for _, h := range list {
		if now[h.Key] = true; !s.hanging[h.Key] {
			s.logger.Warn("file system does not respond, what lies on it is reported as it was last seen; check the server of the share",
				zap.String("device", h.Key.Device), zap.Time("since", h.Since))
		}
	}
	for key := range s.hanging {
		if !now[key] {
			s.logger.Info("file system responds again", zap.String("device", key.Device))
		}
	}
	s.hanging = now
}

// log says once that a probe fails, and once that it does not any more.
func (s *statusReporter) log(name string, err error) {
	if (err != nil) == s.failing[name] {
		return
	}
	s.failing[name] = err != nil
	if err != nil {
		s.logger.Warn("probe failing, its data is absent or incomplete until it recovers", zap.String("probe", name), zap.Error(err))
	} else {
		s.logger.Info("probe recovered", zap.String("probe", name))
	}
}

func (s *statusReporter) publish(err error) {
	event, text := componentstatus.NewEvent(componentstatus.StatusOK), ""
	if err != nil {
		event, text = componentstatus.NewRecoverableErrorEvent(err), err.Error()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.hosts {
		if t.text != text {
			t.text = text
			componentstatus.ReportStatus(t.host, event)
		}
	}
}
