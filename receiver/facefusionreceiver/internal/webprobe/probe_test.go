package webprobe

import (
	"net/netip"
	"net/url"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/histogram"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		beChild(mode)
	}
	goleak.VerifyTestMain(m)
}

// servers are two of one instance and one of another, with a value of its own in every field.
func servers(start time.Time) []webui.Server {
	duration := histogram.New([]float64{0.1, 1})
	duration.Observe(0.05)
	duration.Observe(0.5)
	duration.Observe(7)
	return []webui.Server{
		{
			Instance: "facefusion-3f2a", Port: 7860, State: webui.StateReady, Kind: webui.KindGradio, QueueSize: reading.Known(int64(5)),
			Functions: []webui.Function{
				{Name: "run", Requests: 71, Failed: reading.Known(int64(2)), P50: reading.Known(61.5), P90: reading.Known(130.5), P99: reading.Known(171.5)},
				{Name: "other", Requests: 910},
			},
			Probes: []webui.ProbeStats{
				{Probe: webui.ProbeQueue, StatusCode: 200, Duration: duration.Snapshot(), Start: start},
				{Probe: webui.ProbeApp, ErrorType: "timeout", Duration: duration.Snapshot(), Start: start.Add(time.Second)},
			},
		},
		{Instance: "facefusion-3f2a", Port: 7861, State: webui.StateUnresponsive, Kind: webui.KindUnknown},
		{
			Instance: "facefusion-3f2a", Port: 8000, State: webui.StateUnhealthy, Kind: webui.KindHTTP,
			Health: &webui.CheckResult{StatusCode: 503, ErrorType: "status", Duration: 0.25, CertificateExpiry: reading.Known(start.Add(48 * time.Hour))},
		},
		{Instance: "facefusion-3f2a", Port: 8001, State: webui.StateAnswering, Kind: webui.KindHTTP, Health: &webui.CheckResult{OK: true, Duration: 0.5}},
		{Instance: "studio", State: webui.StateStarting},
		{Instance: "studio", Port: 7862, State: webui.StateUnknown},
		{Instance: "studio", Port: 7863, State: webui.StateNotProbed},
	}
}

func TestMetricsOfServersInSeveralStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, _ := probetest.Env()
		p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), nil, false, env)
		start := time.Now()
		time.Sleep(time.Minute)
		env.Snapshots.Processes.Publish(&process.Snapshot{Instances: []process.Instance{{ID: "facefusion-3f2a", Version: "3.8.1"}}})
		p.latest.Publish(&webui.Snapshot{Servers: servers(start)})
		probetest.Metrics(t, "testdata/servers.yaml", p.Scrape(time.Now()))
	})
}

func TestHistogramSwitchedOff(t *testing.T) {
	env, _ := probetest.Env()
	p := New(NewDefaultConfig(), HistogramsConfig{}, nil, false, env)
	p.latest.Publish(&webui.Snapshot{Servers: servers(time.Now())})
	for _, rm := range p.Scrape(time.Now()).ResourceMetrics().All() {
		for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
			require.NotEqual(t, serverProbeDuration.Name, m.Name())
		}
	}
}

func TestEventsOfStateChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, sink := probetest.Env()
		p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), nil, false, env)
		now := time.Now()
		p.emit(&webui.Snapshot{Changes: []webui.StateChange{
			// the first state is no change
			{Time: now, Instance: "facefusion-3f2a", Port: 7860, From: webui.StateUnknown, To: webui.StateReady},
			{Time: now, Instance: "facefusion-3f2a", Port: 7860, From: webui.StateReady, To: webui.StateSaturated},
			{Time: now.Add(time.Second), Instance: "facefusion-3f2a", Port: 7860, From: webui.StateSaturated, To: webui.StateDown},
		}})
		probetest.Logs(t, "testdata/events.yaml", sink.All)
	})
}

func TestStateSeverity(t *testing.T) {
	for state, want := range map[webui.ServerState]plog.SeverityNumber{
		webui.StateStarting: plog.SeverityNumberInfo, webui.StateReady: plog.SeverityNumberInfo, webui.StateSaturated: plog.SeverityNumberWarn,
		webui.StateUnresponsive: plog.SeverityNumberError, webui.StateDown: plog.SeverityNumberError, webui.StateStopped: plog.SeverityNumberInfo,
		webui.StateNotProbed: plog.SeverityNumberWarn, webui.StateAnswering: plog.SeverityNumberInfo, webui.StateUnhealthy: plog.SeverityNumberError,
	} {
		require.Equal(t, want, stateSeverity(state), state)
	}
}

func TestTargetsComeFromProcessesAndConfiguration(t *testing.T) {
	proxy, err := url.Parse("https://ff.example.com/ui")
	require.NoError(t, err)
	got := targets(&process.Snapshot{Instances: []process.Instance{{ID: "facefusion-3f2a", UID: 1000, Servers: []process.ServerProcess{
		{ID: process.ID{PID: 11, StartTicks: 12}, Port: 7861, Address: netip.MustParseAddrPort("127.0.0.1:7861")},
		{ID: process.ID{PID: 13, StartTicks: 14}},
		{ID: process.ID{PID: 15, StartTicks: 16}, PortUnknown: true},
		{ID: process.ID{PID: 17, StartTicks: 18}, Port: 7860},
	}}}}, []ConfiguredInstance{{Name: "studio", Endpoint: proxy}})
	require.Equal(t, []webui.Target{
		{Instance: "studio", Port: 443, URL: proxy},
		{Instance: "facefusion-3f2a", Owner: "user 1000", Process: "11/12", Port: 7861, URL: &url.URL{Scheme: "http", Host: "127.0.0.1:7861"}},
		{Instance: "facefusion-3f2a", Owner: "user 1000", Process: "13/14"},
		{Instance: "facefusion-3f2a", Owner: "user 1000", Process: "15/16", Unknown: true},
		{Instance: "facefusion-3f2a", Owner: "user 1000", Process: "17/18", Port: 7860, NotProbed: true},
	}, got)
}

// TestEveryValueIsDeclared keeps the domain's fixed sets and the contract the same.
func TestEveryValueIsDeclared(t *testing.T) {
	require.Len(t, metadata.MapAttributeFacefusionServerState, len(webui.States))
	for _, state := range webui.States {
		require.Contains(t, metadata.MapAttributeFacefusionServerState, string(state))
		require.Contains(t, metadata.MapAttributeFacefusionServerStatePrevious, string(state))
	}
	for _, kind := range []webui.ServerKind{webui.KindGradio, webui.KindHTTP, webui.KindUnknown} {
		require.Contains(t, metadata.MapAttributeFacefusionServerKind, string(kind))
	}
}

func TestConfigErrorsNameFieldValueAndRemedy(t *testing.T) {
	cfg := NewDefaultConfig()
	require.NoError(t, cfg.Validate())
	cfg.Interval, cfg.ClientConfig.Timeout, cfg.ClientConfig.Endpoint = 0, 2*time.Minute, "http://127.0.0.1:7860"
	cfg.FailureThreshold = 13
	require.EqualError(t, cfg.Validate(), "interval is 0s: give at least 500ms, or leave it out for 5s\n"+
		"timeout is 2m0s: give 100ms to 1m, or leave it out for 3s\n"+
		"failure_threshold is 13: give 1 to 12, or leave it out for 2\n"+
		`endpoint is "http://127.0.0.1:7860": servers are found from their processes; name one behind a proxy as instances[].endpoint`)
}

// TestTheIntervalDecidesHowOftenIsAsked: the processes are published every second; only a change of
// theirs is a reason to ask.
func TestTheIntervalDecidesHowOftenIsAsked(t *testing.T) {
	env, _ := probetest.Env()
	cfg := NewDefaultConfig()
	cfg.Interval = time.Hour
	p := New(cfg, NewDefaultHistogramsConfig(), nil, true, env)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	defer func() { require.NoError(t, p.Shutdown(t.Context())) }()
	starting := &process.Snapshot{Instances: []process.Instance{{ID: "facefusion-3f2a", Servers: []process.ServerProcess{{ID: process.ID{PID: 11}}}}}}
	for _, change := range []*process.Snapshot{{}, starting} {
		before := p.latest.Load()
		env.Snapshots.Processes.Publish(change)
		require.Eventually(t, func() bool { return p.latest.Load() != before }, 10*time.Second, time.Millisecond)
	}
	for range 5 {
		env.Snapshots.Processes.Publish(starting)
	}
	// Before the processes were known, when they were, and when one came.
	require.Never(t, func() bool { return p.Health().Observations > 3 }, 200*time.Millisecond, 10*time.Millisecond)
}

// TestNothingIsAskedBeforeTheProcessesAreKnown: what a server counted before our first pass must
// not look as if it had happened since.
func TestNothingIsAskedBeforeTheProcessesAreKnown(t *testing.T) {
	env, _ := probetest.Env()
	p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), nil, true, env)
	p.started, p.tracker = time.Now(), webui.NewTracker(webui.Settings{})
	require.NoError(t, p.observe(t.Context()))
	require.Nil(t, p.latest.Load())
	env.Snapshots.Processes.Publish(&process.Snapshot{})
	require.NoError(t, p.observe(t.Context()))
	require.NotNil(t, p.latest.Load())
	require.NoError(t, p.Shutdown(t.Context()))

	env, _ = probetest.Env()
	p = New(NewDefaultConfig(), NewDefaultHistogramsConfig(), nil, true, env)
	p.started, p.tracker = time.Now().Add(-time.Minute), webui.NewTracker(webui.Settings{})
	require.NoError(t, p.observe(t.Context()))
	require.NotNil(t, p.latest.Load(), "it does not wait for ever")
}
