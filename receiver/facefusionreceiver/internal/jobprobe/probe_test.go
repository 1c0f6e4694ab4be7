package jobprobe

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/histogram"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run is a second attempt, with a value of its own in every field; its first step completed, its
// second failed, to its third it did not come.
func run(now time.Time) *jobqueue.Run {
	at := func(seconds int) reading.Value[time.Time] {
		return reading.Known(now.Add(time.Duration(seconds) * time.Second))
	}
	traits := jobfile.Traits{Media: jobfile.MediaVideo, Processors: "face_enhancer,face_swapper", Models: "gfpgan_1.4,hyperswap_1a_256", Encoder: "libx264"}
	id := jobqueue.RunID{Job: "nightly-001", Created: now.Add(-time.Hour), Attempt: 2}
	return &jobqueue.Run{
		RunID: id, Trace: jobqueue.TraceOf(id),
		Origin: jobfile.OriginOther, Media: jobfile.MediaVideo, Outcome: jobqueue.OutcomeFailed, Basis: jobqueue.BasisFile,
		Queued: at(-100), Started: at(-70), Ended: at(-1),
		Steps: []jobqueue.Step{
			{Outcome: jobqueue.OutcomeCompleted, Started: at(-70), Ended: at(-40), Traits: traits},
			{Outcome: jobqueue.OutcomeFailed, Started: at(-40), Ended: at(-2), Traits: traits},
			{Traits: traits},
		},
	}
}

// lost is the attempt after, whose process was killed.
func lost(now time.Time) *jobqueue.Run {
	r := run(now)
	r.Attempt++
	r.Trace = jobqueue.TraceOf(r.RunID)
	r.Outcome, r.Basis, r.Reason, r.Media = jobqueue.OutcomeOrphaned, jobqueue.BasisProcessExit, jobqueue.ReasonOOMKilled, jobfile.MediaMixed
	return r
}

func durations(run jobqueue.RunID, step int, values ...float64) jobqueue.Durations {
	h := histogram.New([]float64{1, 60})
	d := jobqueue.Durations{}
	for _, v := range values {
		h.Observe(v)
		d.Exemplars = append(d.Exemplars, jobqueue.Exemplar{
			Value: v, Time: time.Unix(1800000000, 0), Run: run, Step: step, Trace: jobqueue.TraceOf(run).ID, Span: run.Span(step),
		})
	}
	d.Snapshot = h.Snapshot()
	e := histogram.NewExponential()
	for _, v := range values {
		e.Observe(v)
	}
	exponential := e.Snapshot()
	d.Exponential = &exponential
	return d
}

// snapshot is a folder that was looked at, and one that is not there, as with FaceFusion 2.x.
func snapshot(now time.Time) *jobqueue.Snapshot {
	id := run(now).RunID
	queue := jobqueue.Queue{
		Instances: []string{"facefusion-3f2a"}, Access: jobqueue.AccessOpen, ActiveTasks: 21, Contended: 22, Irregular: 23, StopsKnown: true, Orphans: map[jobqueue.LossReason]uint64{jobqueue.ReasonException: 27, jobqueue.ReasonGone: 28}, Start: now.Add(-10 * time.Minute),
		OldestWaiting: reading.Known(now.Add(-24 * time.Second)), OldestRunning: reading.Known(now.Add(-25 * time.Second)),
		Runs: []jobqueue.RunTotals{{
			RunKey: jobqueue.RunKey{Outcome: jobqueue.OutcomeFailed, Origin: jobfile.OriginOther, Media: jobfile.MediaVideo},
			Count:  26, Duration: durations(id, -1, 0.5, 69), Wait: durations(id, -1, 30),
		}},
		Steps: []jobqueue.StepTotals{{
			StepKey:  jobqueue.StepKey{Outcome: jobqueue.OutcomeCompleted, Media: jobfile.MediaVideo, Processors: "face_swapper", Models: "hyperswap_1a_256"},
			Duration: durations(id, 0, 30),
		}},
	}
	for i := range queue.Jobs {
		queue.Jobs[i] = 11 + i
	}
	return &jobqueue.Snapshot{Queues: []jobqueue.Queue{queue, {Instances: []string{"old"}, Access: jobqueue.AccessAbsent, Start: now}}}
}

func TestMetricsOfAQueueAndOfNone(t *testing.T) {
	golden(t, "testdata/queues.yaml", NewDefaultHistogramsConfig())
}

func TestMetricsInExponentialBuckets(t *testing.T) {
	cfg := NewDefaultHistogramsConfig()
	cfg.JobDuration.Exponential, cfg.JobWaitDuration.Exponential, cfg.StepDuration.Exponential = true, true, true
	golden(t, "testdata/exponential.yaml", cfg)
}

func golden(t *testing.T, file string, histograms HistogramsConfig) {
	synctest.Test(t, func(t *testing.T) {
		env, _ := probetest.Env()
		p := New(NewDefaultConfig(), histograms, env)
		defer p.watcher.Close()
		time.Sleep(time.Minute)
		env.Snapshots.Processes.Publish(&process.Snapshot{Instances: []process.Instance{{ID: "facefusion-3f2a", Version: "3.8.1"}}})
		p.latest.Publish(snapshot(time.Now()))
		probetest.Metrics(t, file, p.Scrape(time.Now()))
	})
}

// TestTheIntervalDecidesHowOftenIsLooked: the processes are published every second, whatever the
// interval of the jobs is.
func TestTheIntervalDecidesHowOftenIsLooked(t *testing.T) {
	env, _ := probetest.Env()
	cfg := NewDefaultConfig()
	cfg.Interval = time.Hour
	p := New(cfg, NewDefaultHistogramsConfig(), env)
	require.NoError(t, p.Start(t.Context(), nil))
	defer func() { require.NoError(t, p.Shutdown(t.Context())) }()
	env.Snapshots.Processes.Publish(&process.Snapshot{})
	require.Eventually(t, func() bool { return p.latest.Load() != nil }, 10*time.Second, time.Millisecond)
	for range 5 {
		env.Snapshots.Processes.Publish(&process.Snapshot{})
	}
	// Before the processes were known, and when they were.
	require.Eventually(t, func() bool { return p.Health().Observations == 2 }, 10*time.Second, time.Millisecond)
	require.Never(t, func() bool { return p.Health().Observations > 2 }, 200*time.Millisecond, 10*time.Millisecond)
	// The list after a run began is taken in at once: whoever has the run may be gone from the
	// next.
	p.begun.Store(true)
	for range 5 {
		env.Snapshots.Processes.Publish(&process.Snapshot{})
	}
	require.Eventually(t, func() bool { return p.Health().Observations == 3 }, 10*time.Second, time.Millisecond)
	require.Never(t, func() bool { return p.Health().Observations > 3 }, 200*time.Millisecond, 10*time.Millisecond)
}

func TestHistogramsSwitchedOff(t *testing.T) {
	env, _ := probetest.Env()
	p := New(NewDefaultConfig(), HistogramsConfig{}, env)
	defer p.watcher.Close()
	p.latest.Publish(snapshot(time.Now()))
	for _, rm := range p.Scrape(time.Now()).ResourceMetrics().All() {
		for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
			require.NotContains(t, m.Name(), "duration")
		}
	}
}

func TestEventsAndTracesOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, sink := probetest.Env()
		p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), env)
		defer p.watcher.Close()
		now := time.Now()
		s := &jobqueue.Snapshot{Changes: []jobqueue.Change{
			{Time: now.Add(-200 * time.Second), Instance: "facefusion-3f2a", Job: "nightly-001", From: jobqueue.StateNone, To: jobqueue.StateDrafted, Basis: jobqueue.BasisFile},
			{Time: now.Add(-50 * time.Second), Instance: "facefusion-3f2a", Job: "nightly-001", From: jobqueue.StateRunning, To: jobqueue.StateStalled, Basis: jobqueue.BasisSilence, Run: run(now)},
			{Time: now, Instance: "facefusion-3f2a", Job: "nightly-001", From: jobqueue.StateRunning, To: jobqueue.StateFailed, Basis: jobqueue.BasisFile, Run: run(now), Ended: true},
			{Time: now, Instance: "facefusion-3f2a", Job: "nightly-001", From: jobqueue.StateRunning, To: jobqueue.StateOrphaned, Basis: jobqueue.BasisProcessExit, Run: lost(now), Ended: true},
		}}
		p.emitsEvents, p.emitsTraces = true, true
		p.send(p.batches(s))
		probetest.Logs(t, "testdata/events.yaml", sink.All)
		probetest.Traces(t, "testdata/traces.yaml", sink.Spans)
	})
}

func TestARunWithoutABeginningBeginsWithItsEnd(t *testing.T) {
	env, _ := probetest.Env()
	p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), env)
	defer p.watcher.Close()
	r := run(time.Now())
	r.Queued, r.Started = reading.Value[time.Time]{}, reading.Value[time.Time]{}
	traces := p.spans([]jobqueue.Change{{Time: time.Now(), To: jobqueue.StateFailed, Run: r, Ended: true}})
	root := traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	require.Equal(t, pcommon.NewTimestampFromTime(r.Ended.V), root.EndTimestamp())
	require.Equal(t, root.EndTimestamp(), root.StartTimestamp())
}

func TestFoldersAndEvidenceComeFromTheProcessTable(t *testing.T) {
	now := time.Now()
	s := &process.Snapshot{Time: now, Instances: []process.Instance{
		{
			ID: "facefusion-3f2a", Checkout: "/opt/facefusion", JobsHostPath: "/host/opt/facefusion/.jobs",
			Processes: []process.Process{
				{ID: process.ID{PID: 11}, Role: process.RoleFFmpeg, Paths: []string{"/in/clip.mp4"}}, {ID: process.ID{PID: 12, StartTicks: 34}, Role: process.RoleRunner, Command: "job-run", Started: now.Add(-time.Minute)},
			},
			Roles: []process.RoleUsage{
				{Role: process.RoleFFmpeg, Count: 3, CPUUser: 1, CPUSystem: 2}, {Role: process.RoleRunner, CPUUser: 4, CPUSystem: 8},
				{Role: process.RoleServer, CPUUser: 16, CPUSystem: 32},
			},
		},
		{ID: "gone", UID: 1001, JobsHostPath: "/host/data/jobs"},
		{
			ID: "container", Checkout: "/facefusion", JobsHostPath: "/host/proc/14/root/facefusion/.jobs",
			Processes: []process.Process{{ID: process.ID{PID: 13}, Role: process.RoleServer}, {ID: process.ID{PID: 14}, Role: process.RoleRunner}},
		},
		{ID: "stopped container", JobsHostPath: "/host/proc/15/root/facefusion/.jobs"},
		{ID: "a claim", JobsHostPath: "/host/home/eve/facefusion/.jobs", ClaimRefused: true},
	}}
	gate := hostfs.NewGate(hostfs.Settings{})
	root := func(dir, owner string) *hostfs.Root { return &hostfs.Root{Gate: gate, Dir: dir, Owner: owner} }
	r := newRoots(gate, "/host")
	require.Equal(t, []jobqueue.Folder{
		{
			Instance: "facefusion-3f2a", Files: root("/host", "facefusion-3f2a"), Path: "/opt/facefusion/.jobs",
			Process: root("/host/proc/12/root", "facefusion-3f2a"), Payer: "user 0", Dir: "/opt/facefusion",
		},
		{Instance: "gone", Files: root("/host", "gone"), Path: "/data/jobs", Payer: "user 1001"},
		{
			Instance: "container", Files: root("/host/proc/14/root", "container"), Path: "/facefusion/.jobs",
			Process: root("/host/proc/13/root", "container"), Payer: "user 0", Dir: "/facefusion",
		},
		{Instance: "stopped container", Files: root("/host", "stopped container"), Payer: "user 0"},
		{Instance: "a claim", Files: root("/host", "a claim"), NoPath: jobqueue.AccessClaimRefused, Payer: "user 0"},
	}, r.folders(s))
	require.Len(t, r.tables, 5)
	r.folders(&process.Snapshot{})
	require.Empty(t, r.tables, "of processes that are gone")
	s.Instances = s.Instances[:2]
	exit := jobqueue.Exit{PID: 9, Time: now, Reason: jobqueue.ReasonKilled}
	exits := map[string][]jobqueue.Exit{"facefusion-3f2a": {exit}}
	asked := now.Add(-time.Second)
	servers := &webui.Snapshot{Servers: []webui.Server{
		{Instance: "facefusion-3f2a", Process: "12/34", Asked: asked, Functions: []webui.Function{{Name: "run", Own: webui.Calls{Requests: 5, Failed: reading.Known[int64](6)}}}},
		// it shows nothing
		{Instance: "facefusion-3f2a", Process: "12/35"},
		// a configured endpoint
		{Instance: "facefusion-3f2a", Functions: []webui.Function{{Name: "run"}}},
	}}
	require.Equal(t, jobqueue.Evidence{
		"facefusion-3f2a": {
			Time: now, Processes: []jobqueue.LiveProcess{{
				ProcessID: jobqueue.ProcessID{PID: 12, StartTicks: 34}, Role: jobqueue.RoleRunner, Command: "job-run", Started: now.Add(-time.Minute),
			}},
			Exits: []jobqueue.Exit{exit},
			Servers: []jobqueue.ServerCalls{{
				ProcessID: jobqueue.ProcessID{PID: 12, StartTicks: 34}, Time: asked,
				Functions: map[string]jobqueue.CallCounts{"run": {Requests: 5, Failed: reading.Known[int64](6)}},
			}},
			CPU: reading.Known(15.0), FFmpeg: reading.Known([][]string{{"/in/clip.mp4"}}), GPUBusy: reading.Known(true),
		},
		"gone": {Time: now, CPU: reading.Known(0.0), FFmpeg: reading.Known([][]string{})},
	}, evidence(s, exits, servers, &snapshots.GPUUse{Time: now.Add(-30 * time.Second), Busy: map[string]bool{"facefusion-3f2a": true}}, runlog.New()))
	require.False(t, evidence(s, nil, nil, nil, runlog.New())["facefusion-3f2a"].GPUBusy.Known)
	require.False(t, evidence(s, nil, nil, &snapshots.GPUUse{Time: now.Add(-time.Hour), Busy: map[string]bool{"facefusion-3f2a": true}}, runlog.New())["facefusion-3f2a"].GPUBusy.Known)
}

// TestExitsAreRememberedForAWhile: the process table says them once.
func TestExitsAreRememberedForAWhile(t *testing.T) {
	now := time.Now()
	var e exits
	changes := func(changes ...process.LifecycleEvent) []process.LifecycleEvent { return changes }
	e.add(&process.Snapshot{Time: now, Changes: changes(
		process.LifecycleEvent{Time: now, Instance: "a", PID: 1, Role: process.RoleRunner},
		process.LifecycleEvent{Time: now, Instance: "a", PID: 2, Role: process.RoleRunner, Exited: true, Reason: process.ExitKilled},
		process.LifecycleEvent{Time: now, Instance: "b", PID: 3, Role: process.RoleServer, Exited: true, Reason: process.ExitCompleted},
	)})
	e.add(&process.Snapshot{Time: now.Add(time.Minute), Changes: changes(
		process.LifecycleEvent{Time: now.Add(time.Minute), Instance: "a", PID: 4, Role: process.RoleRunner, Exited: true, Reason: process.ExitFailed},
	)})
	require.Equal(t, map[string][]jobqueue.Exit{
		"a": {{PID: 2, Time: now, Reason: jobqueue.ReasonKilled}, {PID: 4, Time: now.Add(time.Minute), Reason: jobqueue.ReasonException}},
		"b": {{PID: 3, Time: now}},
	}, e.get())
	e.add(&process.Snapshot{Time: now.Add(exitsKept + time.Second)})
	require.Equal(t, map[string][]jobqueue.Exit{"a": {{PID: 4, Time: now.Add(time.Minute), Reason: jobqueue.ReasonException}}}, e.get())
	for i := range 2 * maxExits {
		e.add(&process.Snapshot{Time: now, Changes: changes(process.LifecycleEvent{Time: now, Instance: "c", PID: i, Role: process.RoleRunner, Exited: true})})
	}
	require.Len(t, e.get()["c"], maxExits)
}

func TestSeverity(t *testing.T) {
	for state, want := range map[jobqueue.JobState]plog.SeverityNumber{
		jobqueue.StateFailed: plog.SeverityNumberError, jobqueue.StateOrphaned: plog.SeverityNumberError,
		jobqueue.StateStalled: plog.SeverityNumberWarn, jobqueue.StateUnreadable: plog.SeverityNumberWarn,
		jobqueue.StateCompleted: plog.SeverityNumberInfo, jobqueue.StateRunning: plog.SeverityNumberInfo, jobqueue.StateDeleted: plog.SeverityNumberInfo,
	} {
		require.Equal(t, want, severity(&jobqueue.Change{To: state}), state)
	}
}

// TestEveryValueIsDeclared keeps the domain's fixed sets and the contract the same.
func TestEveryValueIsDeclared(t *testing.T) {
	require.Len(t, metadata.MapAttributeFacefusionJobState, len(jobqueue.States))
	for _, state := range jobqueue.States {
		require.Contains(t, metadata.MapAttributeFacefusionJobState, string(state))
		require.Contains(t, metadata.MapAttributeFacefusionJobTransitionFrom, string(state))
		require.Contains(t, metadata.MapAttributeFacefusionJobTransitionTo, string(state))
	}
	require.Contains(t, metadata.MapAttributeFacefusionJobTransitionFrom, stateName(jobqueue.StateNone))
	require.Contains(t, metadata.MapAttributeFacefusionJobTransitionTo, string(jobqueue.StateDeleted))
	for _, outcome := range []jobqueue.Outcome{jobqueue.OutcomeCompleted, jobqueue.OutcomeFailed, jobqueue.OutcomeOrphaned, jobqueue.OutcomeDeleted} {
		require.Contains(t, metadata.MapAttributeFacefusionOutcome, string(outcome))
	}
	// mdatagen knows no enum of an attribute that is not always there: their values are in the
	// text.
	contract, err := os.ReadFile("../../metadata.yaml")
	require.NoError(t, err)
	for _, origin := range []jobfile.Origin{jobfile.OriginUI, jobfile.OriginHeadless, jobfile.OriginBatch, jobfile.OriginCommandLine, jobfile.OriginCaller, jobfile.OriginOther} {
		require.Contains(t, string(contract), "`"+string(origin)+"`")
	}
	for _, media := range []jobfile.Media{jobfile.MediaImage, jobfile.MediaVideo, jobfile.MediaMixed, jobfile.MediaOther} {
		require.Contains(t, string(contract), "`"+string(media)+"`")
	}
	accesses := []jobqueue.Access{
		jobqueue.AccessOpen, jobqueue.AccessAbsent, jobqueue.AccessUnreachable, jobqueue.AccessDenied, jobqueue.AccessNotVisible, jobqueue.AccessUnknown, jobqueue.AccessError,
		jobqueue.AccessUnresponsive, jobqueue.AccessClaimRefused,
	}
	require.Len(t, metadata.MapAttributeFacefusionJobFolderState, len(accesses))
	for _, access := range accesses {
		require.Contains(t, metadata.MapAttributeFacefusionJobFolderState, string(access))
	}
}

func TestConfigErrorsNameFieldValueAndRemedy(t *testing.T) {
	cfg := NewDefaultConfig()
	require.NoError(t, cfg.Validate())
	cfg.Interval, cfg.StallAfter = 0, 0
	require.EqualError(t, cfg.Validate(), "interval is 0s: give at least 100ms, or leave it out for 1s\n"+
		"stall_after is 0s: give at least 1s, or leave it out for 5m")
}

var _ probe.Probe = (*Probe)(nil)

// asking is a sink that notes who wants to know what became of events.
type asking struct {
	*probetest.Sink
	asked []bool
}

func (a *asking) SendLogs(_ plog.Logs, onDone func(probe.Result)) {
	a.asked = append(a.asked, onDone != nil)
}

// TestWhatNobodyKeepsIsTheSinksToCount: without a storage, what a shutdown leaves is lost, and the
// sink counts what nobody asks for as dropped.
func TestWhatNobodyKeepsIsTheSinksToCount(t *testing.T) {
	env, sink := probetest.Env()
	a := &asking{Sink: sink}
	env.Sink = a
	p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), env)
	defer p.watcher.Close()
	p.emitsEvents = true
	p.send(p.batches(&jobqueue.Snapshot{Changes: []jobqueue.Change{{Time: time.Now(), Instance: "facefusion-3f2a", Job: "a", To: jobqueue.StateDrafted}}}))
	require.Equal(t, []bool{false}, a.asked)
}

// TestWhoseFoldersAreAsked: of a jobs folder that was found it is asked whose it is, of one that
// the configuration names it is not.
func TestWhoseFoldersAreAsked(t *testing.T) {
	r := newRoots(hostfs.NewGate(hostfs.Settings{}), "/host")
	found := process.Instance{ID: "found", JobsHostPath: "/host/opt/.jobs", Claimants: make(process.Claimants, 1)}
	named := found
	named.JobsNamed = true
	require.NotNil(t, r.folder(&found).May)
	require.Nil(t, r.folder(&named).May)
	found.RunFolders = []process.RunFolder{{Key: "k", HostPath: "/host/tmp/jobs"}}
	require.NotNil(t, r.appendRunFolders(nil, &found)[0].May)
}
