package processprobe

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// instances is one that runs, with a value of its own in every field, and one that is configured
// and never ran.
func instances(now time.Time) []process.Instance {
	return []process.Instance{
		{
			ID: "facefusion-3f2a", Version: "3.8.1", Container: aContainer(),
			Processes: []process.Process{{ID: process.ID{PID: 4711, StartTicks: 99}, Role: process.RoleServer, Started: now.Add(-time.Hour)}},
			Roles: []process.RoleUsage{
				{
					Role: process.RoleFFmpeg, Count: 2, CPUUser: 21.5, CPUSystem: 22.5, ResidentMemory: 23 << 20, Threads: 24,
				},
				{
					Role: process.RoleRunner, Starts: 41, Exits: map[process.ExitReason]uint64{process.ExitCompleted: 39, process.ExitKilled: 2},
					CPUUser: 42.5, CPUSystem: 43.5,
				},
				{
					Role: process.RoleServer, Count: 1, Starts: 3, Exits: map[process.ExitReason]uint64{process.ExitCrashed: 2},
					CPUUser: 11.5, CPUSystem: 12.5, ResidentMemory: 13 << 20, Threads: 14,
					FileDescriptors: reading.Known(int64(15)), ReadBytes: reading.Known(int64(16)), WriteBytes: reading.Known(int64(17)),
					OldestStart: now.Add(-time.Hour),
				},
			},
		},
		{ID: "studio", Configured: true, Configuration: process.ConfigurationUnmatched, Unfit: []string{"path"}},
	}
}

// aContainer has a value of its own in every field.
func aContainer() *process.ContainerUsage {
	number, seconds := reading.Known[int64], reading.Known[float64]
	return &process.ContainerUsage{
		Location: container.Location{ID: strings.Repeat("0123456789abcdef", 4), PodUID: "4b5d7f6e-1a2b-4c3d-8e9f-0123456789ab", Unit: "facefusion.service"},
		Names:    container.Names{Name: "studio-1", Image: "facefusion:3.8.1-cuda", PodContainer: "ui"},
		Usage: container.Usage{
			Version: "v2", Memory: number(51), WorkingSet: number(52), MemoryPeak: number(53), MemoryLimit: number(54),
			CPUUser: seconds(61.5), CPUSystem: seconds(62.5), CPULimit: seconds(1.5), Throttled: seconds(63.5),
			ReadBytes: number(71), WriteBytes: number(72), Processes: number(73), ProcessLimit: number(74), OOMKills: number(75),
			Pressure: [3]container.Pressure{{Some: seconds(81), Full: seconds(82)}, {Some: seconds(83), Full: seconds(84)}, {Some: seconds(85), Full: seconds(86)}},
		},
		Network: container.Network{ReceivedBytes: number(91), SentBytes: number(92)},
	}
}

func TestMetricsOfARunningAndAConfiguredInstance(t *testing.T) {
	golden(t, "testdata/instances.yaml", func(now time.Time) *process.Snapshot { return &process.Snapshot{Instances: instances(now)} })
}

func TestMetricsWithoutAnInstance(t *testing.T) {
	golden(t, "testdata/none.yaml", func(time.Time) *process.Snapshot { return &process.Snapshot{} })
}

// TestNoZeroForWhatWasNotLookedAt: neither of the host, nor of a named instance that was not seen.
func TestNoZeroForWhatWasNotLookedAt(t *testing.T) {
	blind := []process.Blindness{{Visibility: process.VisibilityHidden, Lost: "all", Capability: "CAP_SYS_PTRACE", Remedy: "give it CAP_SYS_PTRACE"}}
	core, logs := observer.New(zap.InfoLevel)
	env, _ := probetest.Env()
	env.Settings.Logger = zap.New(core)
	p := New(NewDefaultConfig(), nil, env)
	for _, instances := range [][]process.Instance{nil, {{ID: "studio", Configured: true, Unseen: true}}} {
		snapshot := &process.Snapshot{Instances: instances, Blind: blind}
		env.Snapshots.Processes.Publish(snapshot)
		p.report(snapshot)
		states := map[string]int64{}
		got := p.Scrape(time.Now())
		for _, resource := range got.ResourceMetrics().All() {
			for _, m := range resource.ScopeMetrics().At(0).Metrics().All() {
				require.NotEqual(t, "facefusion.process.up", m.Name())
				if m.Name() == "facefusion.process.visibility" {
					for _, point := range m.Sum().DataPoints().All() {
						state, _ := point.Attributes().Get("facefusion.process.visibility")
						states[state.Str()] = point.IntValue()
					}
				}
			}
		}
		require.Equal(t, map[string]int64{"complete": 0, "processes_hidden": 1, "processes_denied": 0, "folders_denied": 0}, states)
	}
	require.Len(t, logs.All(), 1, "once, and nothing of a FaceFusion that was not found")
	require.Equal(t, map[string]any{"state": "processes_hidden", "capability": "CAP_SYS_PTRACE", "lost": "all", "remedy": "give it CAP_SYS_PTRACE"}, logs.All()[0].ContextMap())
}

// TestAnUpgradeKeepsTheResource: the version is on one metric, and everything else stays as it was.
func TestAnUpgradeKeepsTheResource(t *testing.T) {
	env, _ := probetest.Env()
	p := New(NewDefaultConfig(), nil, env)
	scrape := func(version string) (resource map[string]any, versions []string) {
		instance := instances(time.Now())[0]
		instance.Version = version
		env.Snapshots.Processes.Publish(&process.Snapshot{Instances: []process.Instance{instance}})
		rm := p.Scrape(time.Now()).ResourceMetrics().At(1)
		for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
			if m.Type() != pmetric.MetricTypeSum { // process.uptime
				continue
			}
			for _, dp := range m.Sum().DataPoints().All() {
				if v, ok := dp.Attributes().Get("service.version"); ok {
					require.Equal(t, "facefusion.instance.info", m.Name())
					versions = append(versions, v.Str())
				}
			}
		}
		return rm.Resource().Attributes().AsRaw(), versions
	}
	before, old := scrape("3.8.1")
	after, current := scrape("3.9.0")
	require.Equal(t, before, after)
	require.NotContains(t, before, "service.version")
	require.Equal(t, []string{"3.8.1"}, old)
	require.Equal(t, []string{"3.9.0"}, current)
	_, unknown := scrape("")
	require.Empty(t, unknown)
}

func TestNothingBeforeTheFirstPass(t *testing.T) {
	env, _ := probetest.Env()
	require.Zero(t, New(NewDefaultConfig(), nil, env).Scrape(time.Now()).DataPointCount())
}

func golden(t *testing.T, file string, snapshot func(time.Time) *process.Snapshot) {
	synctest.Test(t, func(t *testing.T) {
		env, _ := probetest.Env()
		p := New(NewDefaultConfig(), nil, env)
		time.Sleep(time.Minute)
		env.Snapshots.Processes.Publish(snapshot(time.Now()))
		env.Snapshots.Servers.Publish(&webui.Snapshot{Servers: []webui.Server{{Instance: "facefusion-3f2a", Inside: true}}})
		probetest.Metrics(t, file, p.Scrape(time.Now()))
	})
}

func TestEventsOfStartsAndExits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, sink := probetest.Env()
		p := New(NewDefaultConfig(), nil, env)
		now := time.Now()
		p.emit(&process.Snapshot{Instances: instances(now), Changes: []process.LifecycleEvent{
			{Time: now, Instance: "facefusion-3f2a", Role: process.RoleServer, PID: 4711},
			{Time: now.Add(time.Second), Instance: "facefusion-3f2a", Role: process.RoleRunner, PID: 4712, Exited: true, Reason: process.ExitFailed, ExitCode: reading.Known(1)},
			{Time: now.Add(2 * time.Second), Instance: "facefusion-3f2a", Role: process.RoleServer, PID: 4711, Exited: true, Reason: process.ExitKilled, Signal: reading.Known(9)},
		}})
		probetest.Logs(t, "testdata/events.yaml", sink.All)
	})
}

func TestExitSeverity(t *testing.T) {
	for reason, want := range map[process.ExitReason]plog.SeverityNumber{
		process.ExitCompleted: plog.SeverityNumberInfo, process.ExitTerminated: plog.SeverityNumberInfo,
		process.ExitFailed: plog.SeverityNumberWarn, process.ExitCheckFailed: plog.SeverityNumberWarn, process.ExitUnknown: plog.SeverityNumberWarn,
		process.ExitKilled: plog.SeverityNumberError, process.ExitOOMKilled: plog.SeverityNumberError, process.ExitCrashed: plog.SeverityNumberError,
	} {
		require.Equal(t, want, exitSeverity(&process.LifecycleEvent{Role: process.RoleServer, Reason: reason}), reason)
	}
	require.Equal(t, plog.SeverityNumberInfo, exitSeverity(&process.LifecycleEvent{Role: process.RoleRunner, Reason: process.ExitUnknown}))
}

// TestEveryValueIsDeclared keeps the domain's fixed sets and the contract the same.
func TestEveryValueIsDeclared(t *testing.T) {
	roles := []process.Role{
		process.RoleServer, process.RoleService, process.RoleRunner, process.RoleDownloader, process.RoleBenchmark, process.RoleAdmin,
		process.RoleWorker, process.RoleFFmpeg, process.RoleFFprobe, process.RoleCurl, process.RoleNvidiaSMI, process.RoleNode, process.RoleOther,
	}
	require.Len(t, metadata.MapAttributeFacefusionProcessRole, len(roles))
	for _, role := range roles {
		require.Contains(t, metadata.MapAttributeFacefusionProcessRole, string(role))
	}
	reasons := []process.ExitReason{
		process.ExitCompleted, process.ExitFailed, process.ExitCheckFailed, process.ExitTerminated, process.ExitKilled, process.ExitOOMKilled, process.ExitCrashed, process.ExitUnknown,
	}
	require.Len(t, metadata.MapAttributeFacefusionExitReason, len(reasons))
	for _, reason := range reasons {
		require.Contains(t, metadata.MapAttributeFacefusionExitReason, string(reason))
	}
}

func TestConfigErrorsNameFieldValueAndRemedy(t *testing.T) {
	cfg := NewDefaultConfig()
	require.NoError(t, cfg.Validate())
	cfg.Interval, cfg.ForgetAfter = 0, -time.Hour
	require.EqualError(t, cfg.Validate(), "interval is 0s: give at least 100ms, or leave it out for 1s\n"+
		"forget_after is -1h0m0s: give at least 1s, or leave it out for 24h")
}

// TestWhatNothingFitsIsLoggedOnce: with the fields and the remedy, and again when others fit
// nothing.
func TestWhatNothingFitsIsLoggedOnce(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	env, _ := probetest.Env()
	env.Settings.Logger = zap.New(core)
	p := New(NewDefaultConfig(), nil, env)
	p.observed = true
	snapshot := func(state process.ConfigurationState, unfit ...string) *process.Snapshot {
		return &process.Snapshot{Instances: []process.Instance{{ID: "ff", Configured: true, Configuration: state, Unfit: unfit}}}
	}
	p.report(snapshot(process.ConfigurationWaiting, "path"))
	require.Empty(t, logs.All())
	for range 3 {
		p.report(snapshot(process.ConfigurationUnmatched, "path"))
	}
	p.report(snapshot(process.ConfigurationMatched))
	require.Len(t, logs.All(), 1)
	require.Equal(t, map[string]any{"instance": "ff", "fields": "path", "state": "unmatched", "remedy": "correct the path, as the host or the process names it, or start what makes the folder (docs/instances.md)"}, logs.All()[0].ContextMap())
	for n, fields := range [][]string{{"match"}, {"match.user"}, {"match", "path"}} {
		p.report(snapshot(process.ConfigurationUnmatched, fields...))
		require.Len(t, logs.All(), n+2)
		remedy := logs.All()[n+1].ContextMap()["remedy"]
		require.Equal(t, n == 2, strings.Contains(remedy.(string), "correct the path"), "of an instance that has none")
		require.Equal(t, n == 1, strings.Contains(remedy.(string), "match.user"))
	}
	p.report(snapshot(process.ConfigurationDenied, "match"))
	require.Len(t, logs.All(), 5)
}

// TestDescriptorsOverTheLimitAreLoggedOnce: they were counted, and nobody was told.
func TestDescriptorsOverTheLimitAreLoggedOnce(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	env, _ := probetest.Env()
	env.Settings.Logger = zap.New(core)
	p := New(NewDefaultConfig(), nil, env)
	p.observed = true
	for _, waiting := range []int{0, 3, 0, 5} {
		p.report(&process.Snapshot{Waiting: waiting})
	}
	require.Len(t, logs.All(), 1)
	require.Equal(t, "descriptors", logs.All()[0].ContextMap()["limit"])
	require.Equal(t, int64(3), logs.All()[0].ContextMap()["processes"])
}

// TestEveryConfigurationStateIsDeclared keeps the domain's fixed set and the contract the same.
func TestEveryConfigurationStateIsDeclared(t *testing.T) {
	states := []process.ConfigurationState{
		process.ConfigurationMatched, process.ConfigurationWaiting, process.ConfigurationUnmatched, process.ConfigurationDenied, process.ConfigurationUnresponsive,
	}
	require.Len(t, metadata.MapAttributeFacefusionInstanceConfigurationState, len(states))
	for _, state := range states {
		require.Contains(t, metadata.MapAttributeFacefusionInstanceConfigurationState, string(state))
	}
	visibilities := []process.Visibility{process.VisibilityComplete, process.VisibilityHidden, process.VisibilityDenied, process.VisibilityFoldersDenied}
	require.Len(t, metadata.MapAttributeFacefusionProcessVisibility, len(visibilities))
	for _, v := range visibilities {
		require.Contains(t, metadata.MapAttributeFacefusionProcessVisibility, string(v))
	}
}

// TestHintsAreLoggedOnce: with a match that can be pasted, quoted as YAML wants it.
func TestHintsAreLoggedOnce(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	env, _ := probetest.Env()
	env.Settings.Logger = zap.New(core)
	p := New(NewDefaultConfig(), nil, env)
	p.observed = true
	for pid := range 3 {
		p.report(&process.Snapshot{Hints: []process.Hint{{PID: pid, Reason: "near", Cmdline: "^python it's( |$)"}}})
	}
	require.Len(t, logs.All(), 1)
	require.Equal(t, "instances: [{name: CHOOSE-A-NAME, match: {cmdline: '^python it''s( |$)'}}]", logs.All()[0].ContextMap()["match"])
	p.report(&process.Snapshot{Hints: []process.Hint{{PID: 9, Reason: "-c"}}})
	require.Len(t, logs.All(), 2)
	require.Equal(t, "instances: [{name: CHOOSE-A-NAME, match: {pid_file: /PATH/OF/ITS.pid}}]", logs.All()[1].ContextMap()["match"])
}

// TestAMatchThatAnybodyFitsIsWarnedOf: once, at the start, where people work on the host.
func TestAMatchThatAnybodyFitsIsWarnedOf(t *testing.T) {
	host, err := proctest.NewProcRoot(t.TempDir(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.NoError(t, host.WriteFile("/etc/passwd", "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/zsh\n"))
	match := func(user string) *process.Match {
		return &process.Match{Cmdline: regexp.MustCompile("app:app"), User: user}
	}
	core, logs := observer.New(zap.WarnLevel)
	env, _ := probetest.Env()
	env.RootPath, env.Settings.Logger = host.Root(), zap.New(core)
	p := New(NewDefaultConfig(), []process.Configured{
		{Name: "open", Match: match("")}, {Name: "of a user", Match: match("swap")}, {Name: "of a checkout", Path: "/opt/ff", Match: match("")},
	}, env)
	require.NoError(t, p.Start(t.Context(), nil))
	require.NoError(t, p.Shutdown(t.Context()))
	lines := logs.FilterMessage("whoever works on this host may run a process that fits the match of an instance, and keep it up").All()
	require.Len(t, lines, 1)
	require.Equal(t, zap.WarnLevel, lines[0].Level)
	require.Equal(t, map[string]any{"instance": "open", "remedy": "give match.user, whose it is, or path, the checkout"}, lines[0].ContextMap())
}
