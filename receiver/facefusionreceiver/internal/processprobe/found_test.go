package processprobe

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// logOf is a probe and what it logs.
func logOf(t *testing.T) (*Probe, func() []observer.LoggedEntry) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	env, _ := probetest.Env()
	env.Settings.Logger = zap.New(core)
	p := New(NewDefaultConfig(), nil, env)
	p.observed = true
	return p, logs.TakeAll
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// services is a look at an instance with one service and one run, after so long.
func services(after time.Duration, port uint16, alive bool, changes ...process.LifecycleEvent) *process.Snapshot {
	id := process.ID{PID: 11, StartTicks: 7}
	i := process.Instance{ID: "ff", Version: "3.8.1"}
	if alive {
		i.Processes = []process.Process{{ID: id, Role: process.RoleServer, Rule: "script"}, {ID: process.ID{PID: 12}, Role: process.RoleRunner, Rule: "script"}}
		i.Servers = []process.ServerProcess{{ID: id, Port: port}}
	}
	return &process.Snapshot{Time: noon.Add(after), Instances: []process.Instance{i}, Changes: changes}
}

// TestFoundOnceAndLostOnce: with version, role, port and the rule that found it; runs not at all.
func TestFoundOnceAndLostOnce(t *testing.T) {
	p, logged := logOf(t)
	for second := range 5 {
		p.report(services(time.Duration(second)*time.Second, 0, true))
	}
	require.Empty(t, logged(), "it loads its models, and its port is not known yet")
	for second := range 5 {
		p.report(services(time.Duration(5+second)*time.Second, 7860, true))
	}
	found := logged()
	require.Len(t, found, 1)
	require.Equal(t, "FaceFusion found", found[0].Message)
	require.Equal(t, map[string]any{
		"instance": "ff", "version": "3.8.1", "role": "server", "rule": "script", "pid": int64(11), "port": uint16(7860),
	}, found[0].ContextMap())
	p.report(services(20*time.Second, 0, false, process.LifecycleEvent{PID: 11, Exited: true, Reason: process.ExitKilled}))
	p.report(services(21*time.Second, 0, false))
	lost := logged()
	require.Len(t, lost, 1)
	require.Equal(t, "FaceFusion lost", lost[0].Message)
	require.Equal(t, map[string]any{"instance": "ff", "version": "3.8.1", "role": "server", "pid": int64(11), "reason": "killed"}, lost[0].ContextMap())
}

// TestAServiceThatListensLate, or never: it is found all the same.
func TestAServiceThatListensLate(t *testing.T) {
	p, logged := logOf(t)
	for second := range 60 {
		p.report(services(time.Duration(second)*time.Second, 0, true))
	}
	require.Len(t, logged(), 1)
	p.report(services(time.Minute, 7861, true))
	p.report(services(61*time.Second, 7861, true))
	listens := logged()
	require.Len(t, listens, 1)
	require.Equal(t, "FaceFusion listens", listens[0].Message)
}

// TestAServiceThatCameAndWent before it was found is in the events, and not in the log.
func TestAServiceThatCameAndWent(t *testing.T) {
	p, logged := logOf(t)
	p.report(services(0, 0, true))
	p.report(services(time.Second, 0, false))
	require.Empty(t, logged())
}

// TestAServerThatFailsBeforeItListens is told, and once only if it does so again and again; a
// program around FaceFusion that ends is not, as each script is one.
func TestAServerThatFailsBeforeItListens(t *testing.T) {
	p, logged := logOf(t)
	failed := process.LifecycleEvent{PID: 11, Exited: true, Reason: process.ExitFailed}
	for n := range 6 {
		p.report(services(time.Duration(2*n)*time.Second, 0, true))
		p.report(services(time.Duration(2*n+1)*time.Second, 0, false, failed))
	}
	lines := logged()
	require.Len(t, lines, 4)
	require.Equal(t, "FaceFusion lost", lines[0].Message)
	require.Equal(t, "failed", lines[0].ContextMap()["reason"])
	require.Contains(t, lines[3].Message, "again and again")

	other, said := logOf(t)
	script := services(0, 0, true)
	script.Instances[0].Processes[0].Role = process.RoleService
	other.report(script)
	other.report(services(time.Second, 0, false, failed))
	require.Empty(t, said())
}

// TestADenialThatEnded is said: what the log says stands until it says the opposite.
func TestADenialThatEnded(t *testing.T) {
	p, logged := logOf(t)
	some := []process.Instance{{ID: "ff", Processes: []process.Process{{Role: process.RoleRunner}}}}
	denied := &process.Snapshot{Instances: some, Denied: []process.DeniedField{{Field: "file_descriptors", Path: "/proc/<pid>/fd", Remedy: "a capability"}}}
	p.report(denied)
	p.report(denied)
	require.Len(t, logged(), 1)
	p.report(&process.Snapshot{})
	require.Empty(t, logged(), "nobody runs")
	p.report(&process.Snapshot{Instances: some})
	p.report(&process.Snapshot{Instances: some})
	again := logged()
	require.Len(t, again, 1)
	require.Equal(t, "a field of FaceFusion's processes may be read again", again[0].Message)
}

// A service that restarts each second is reported some times, then once, and once more when the
// time is over, with how often and whether it runs.
func TestAServiceThatRestartsEachSecond(t *testing.T) {
	p, logged := logOf(t)
	for second := range 601 {
		alive := second%2 == 0
		p.report(services(time.Duration(second)*time.Second, 7860, alive))
	}
	lines := logged()
	count := map[string]int{}
	for _, l := range lines {
		count[l.Message]++
	}
	require.Equal(t, map[string]int{
		"FaceFusion found": 4, "FaceFusion lost": 3,
		"FaceFusion is found and lost again and again, which is told once in ten minutes from now on": 1,
	}, count)
	p.report(services(602*time.Second, 7860, true))
	over := logged()
	require.Len(t, over, 1)
	require.Equal(t, map[string]any{"instance": "ff", "times": int64(300), "running_now": int64(1)}, over[0].ContextMap())
	p.report(services(700*time.Second, 7860, false))
	require.Len(t, logged(), 1, "told as ever")
}
