package facefusionreceiver

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"
	zapobserver "go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// fakeProbe is a probe whose health the test decides.
type fakeProbe struct {
	name   string
	health atomic.Pointer[poll.LoopHealth]
}

func newFakeProbe(name string) *fakeProbe {
	p := &fakeProbe{name: name}
	p.health.Store(&poll.LoopHealth{})
	return p
}

func (p *fakeProbe) Name() string                                { return p.name }
func (p *fakeProbe) Start(context.Context, component.Host) error { return nil }
func (p *fakeProbe) Scrape(time.Time) pmetric.Metrics            { return pmetric.NewMetrics() }
func (p *fakeProbe) Health() poll.LoopHealth                     { return *p.health.Load() }
func (p *fakeProbe) Shutdown(context.Context) error              { return nil }
func (p *fakeProbe) fails(err error)                             { p.health.Store(&poll.LoopHealth{Err: err}) }

// statusHost collects what is reported to it.
type statusHost struct {
	component.Host
	events []*componentstatus.Event
}

func (h *statusHost) Report(e *componentstatus.Event) { h.events = append(h.events, e) }

func TestStatusIsReportedOnChangeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpu, web := newFakeProbe("gpu"), newFakeProbe("web")
		core, logs := zapobserver.New(zap.InfoLevel)
		s := newStatus(zap.New(core), []probe.Probe{gpu, web}, hostfs.NewGate(hostfs.Settings{}))
		host := &statusHost{Host: componenttest.NewNopHost()}
		s.attach(&signal{}, host)
		s.start()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Empty(t, host.events, "a component that started is OK without saying so")

		gpu.fails(errors.New("GPU 3 is lost"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Len(t, host.events, 1)
		require.Equal(t, componentstatus.StatusRecoverableError, host.events[0].Status())
		require.EqualError(t, host.events[0].Err(), "gpu: GPU 3 is lost")

		gpu.fails(nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		s.stop()
		require.Len(t, host.events, 2)
		require.Equal(t, componentstatus.StatusOK, host.events[1].Status())
		require.Equal(t, 2, logs.Len())
	})
}

func TestASignalThatLeftIsNotReportedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpu := newFakeProbe("gpu")
		s := newStatus(zap.NewNop(), []probe.Probe{gpu}, hostfs.NewGate(hostfs.Settings{}))
		gone, stays := &statusHost{Host: componenttest.NewNopHost()}, &statusHost{Host: componenttest.NewNopHost()}
		metrics, logs := &signal{}, &signal{ended: func() {}}
		s.attach(metrics, gone)
		s.attach(logs, stays)
		s.detach(metrics)
		gpu.fails(errors.New("driver error"))
		s.start()
		synctest.Wait()
		s.stop()
		require.Empty(t, gone.events)
		require.Len(t, stays.events, 1)
	})
}

// TestAShareThatHangsIsLoggedOnce, and once more when it answers.
func TestAShareThatHangsIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := zapobserver.New(zap.InfoLevel)
		gate := hostfs.NewGate(hostfs.Settings{})
		s := newStatus(zap.New(core), nil, gate)
		s.start()
		release := make(chan struct{})
		call, err := gate.Start(hostfs.DeviceKey{Device: "0:53", Share: true}, "facefusion-3f2a", func() { <-release })
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.Equal(t, 1, logs.Len())
		require.Equal(t, "0:53", logs.All()[0].ContextMap()["device"])
		close(release)
		call.Await()
		time.Sleep(time.Minute)
		require.Equal(t, 2, logs.Len())
		s.stop()
	})
}
