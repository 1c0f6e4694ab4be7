package gpuprobe

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"
	zapobserver "go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// observedProbe runs a probe over a scripted driver, one pass a second.
type observedProbe struct {
	*testing.T
	*Probe
	driver *gputest.Driver
	logs   *zapobserver.ObservedLogs
	sink   *probetest.Sink
}

func observe(t *testing.T, driver *gputest.Driver, act func(o *observedProbe)) {
	synctest.Test(t, func(t *testing.T) {
		env, sink := probetest.Env()
		core, logs := zapobserver.New(zap.InfoLevel)
		env.Settings.Logger, env.RootPath = zap.New(core), t.TempDir()
		o := &observedProbe{T: t, Probe: New(NewDefaultConfig(), driver, env), driver: driver, logs: logs, sink: sink}
		act(o)
		require.NoError(t, o.Shutdown(context.Background()))
	})
}

func (o *observedProbe) passes(n int) {
	for range n {
		_ = o.observe(context.Background())
		time.Sleep(time.Second)
	}
}

func (o *observedProbe) count(message string) int { return o.logs.FilterMessageSnippet(message).Len() }

// points are the values of a metric by one of its attributes, as of the next scrape.
func (o *observedProbe) points(name, attribute string) map[string]int64 {
	values := make(map[string]int64)
	resources := o.Scrape(time.Now()).ResourceMetrics()
	for i := range resources.Len() {
		metrics := resources.At(i).ScopeMetrics().At(0).Metrics()
		for k := range metrics.Len() {
			if m := metrics.At(k); m.Name() == name {
				add(values, m.Sum().DataPoints(), attribute)
			}
		}
	}
	return values
}

func add(values map[string]int64, points pmetric.NumberDataPointSlice, attribute string) {
	for i := range points.Len() {
		key := ""
		if v, has := points.At(i).Attributes().Get(attribute); has {
			key = v.AsString()
		}
		values[key] += points.At(i).IntValue()
	}
}

// A reading that fails at every pass is one line in the log, a count, and a line when it is back.
func TestALostReadingIsReported(t *testing.T) {
	device := gputest.NewGPU(0)
	observe(t, gputest.New(device), func(o *observedProbe) {
		o.passes(5)
		o.driver.Change(func(*gputest.Script) { device.Errs = map[gputest.Call]error{gputest.CallPower: gpu.ErrUnknown} })
		o.passes(60)
		require.Equal(o.T, 1, o.count("GPU reading lost"))
		require.Equal(o.T, "power", o.logs.FilterMessage("GPU reading lost").All()[0].ContextMap()["reading"])
		require.Equal(o.T, map[string]int64{"unknown": 60}, o.points("nvidia.gpu.reading.failed", "error.type"))
		o.driver.Change(func(*gputest.Script) { device.Errs = nil })
		o.passes(1)
		require.Equal(o.T, 1, o.count("GPU reading back"))
		// One that comes and goes does not fill the log.
		for range 20 {
			o.driver.Change(func(*gputest.Script) { device.Errs = map[gputest.Call]error{gputest.CallPower: gpu.ErrUnknown} })
			o.passes(4)
			o.driver.Change(func(*gputest.Script) { device.Errs = nil })
			o.passes(4)
		}
		require.Equal(o.T, 1, o.count("GPU reading lost"))
		require.Equal(o.T, 1, o.count("GPU reading back"))
	})
}

func TestTheStateOfTheXIDWatchIsReported(t *testing.T) {
	device := gputest.NewGPU(0)
	driver := gputest.New(device)
	driver.Change(func(s *gputest.Script) { s.Events, s.EventsErr = true, gpu.ErrUnknown })
	observe(t, driver, func(o *observedProbe) {
		o.passes(3)
		require.Equal(o.T, 1, o.count("XIDs cannot be watched"))
		require.Equal(o.T, map[string]int64{"failing": 1, "watching": 0, "unavailable": 0}, o.points("nvidia.gpu.xid.watch", "nvidia.xid.watch.state"))
		require.Empty(o.T, o.points("hw.errors", "error.type"), "no zero is claimed")
		driver.Change(func(s *gputest.Script) { s.EventsErr = nil })
		o.passes(30)
		require.Equal(o.T, 1, o.count("XIDs are watched again"))
		require.Contains(o.T, o.points("hw.errors", "error.type"), "xid_79")
		driver.UnknownXID(79)
		synctest.Wait()
		o.passes(2)
		require.Equal(o.T, map[string]int64{"": 1}, o.points("nvidia.gpu.xid.unmatched", ""))
		require.Equal(o.T, 1, o.count("XID of a GPU that is not watched"))
	})
}

// Every XID that is not sent as an event is counted in one.
func TestXIDsBeyondTheRoomAreAnEvent(t *testing.T) {
	device := gputest.NewGPU(0)
	driver := gputest.New(device)
	driver.Change(func(s *gputest.Script) { s.Events = true })
	observe(t, driver, func(o *observedProbe) {
		o.passes(1)
		for range 1500 {
			driver.XID(device, 31)
		}
		synctest.Wait()
		o.passes(2)
		require.Equal(o.T, 1025, o.sink.All.LogRecordCount())
		last := o.sink.All.ResourceLogs().At(1024).ScopeLogs().At(0).LogRecords().At(0)
		require.Equal(o.T, "facefusion.event.suppressed", last.EventName())
		require.Equal(o.T, "476 more facefusion.gpu.xid events were held back", last.Body().Str())
	})
}

func TestEqualUUIDsAreReportedOnce(t *testing.T) {
	first, second := gputest.NewGPU(0), gputest.NewGPU(1)
	second.Identity.UUID = first.Identity.UUID
	observe(t, gputest.New(first, second), func(o *observedProbe) {
		o.passes(10)
		require.Equal(o.T, 1, o.count("several GPUs report the same UUID"))
		require.Equal(o.T, map[string]int64{"ok": 2, "degraded": 0, "failed": 0}, o.points("hw.status", "hw.state"))
	})
}

// Every reason for which a share is unknown is a state, and one line in the log.
func TestWhyAShareIsUnknown(t *testing.T) {
	mine := gpu.Context{PID: 101, Memory: 1 << 20}
	for name, c := range map[string]struct {
		contexts, samples error
		want              visibility
	}{
		"a driver that lists no processes":   {gpu.ErrNotSupported, gpu.ErrNotSupported, unsupported},
		"the drivers 535.43 to 535.98":       {gpu.ErrUnreliable, nil, unreliable},
		"a list that fails":                  {gpu.ErrUnknown, nil, failing},
		"a driver without utilization (MIG)": {nil, gpu.ErrNotSupported, memoryOnly},
		"utilization that fails":             {nil, gpu.ErrUnknown, failing},
		"all is known":                       {nil, nil, visible},
	} {
		t.Run(name, func(t *testing.T) {
			device := gputest.NewGPU(0)
			device.Contexts, device.ProcessSamples = []gpu.Context{mine}, []gpu.ProcessSample{}
			device.Errs = map[gputest.Call]error{gputest.CallContexts: c.contexts, gputest.CallProcesses: c.samples}
			observe(t, gputest.New(device), func(o *observedProbe) {
				o.env.Snapshots.Processes.Publish(instances())
				o.passes(20)
				require.Equal(o.T, c.want, o.owners.state())
				states := o.points("nvidia.gpu.process.visibility", "nvidia.process.visibility")
				require.Len(o.T, states, 8)
				require.Equal(o.T, int64(1), states[string(c.want)])
				lines := 0
				if advice := visibilityAdvice[c.want]; advice != "" {
					lines = 1
					require.Equal(o.T, 1, o.count(advice))
				}
				require.Equal(o.T, lines, o.count("FaceFusion's share of"))
			})
		})
	}
}
