package process_test

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

const code = 1 << 8 // an exit code of 1, in the form of waitpid

// listeningServer is a web UI with a port.
func listeningServer(pid int, cwd string, port uint16) proctest.ProcEntry {
	p := server(pid, cwd)
	p.Listens = []proctest.Socket{{Address: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), Inode: uint64(pid)}}
	return p
}

// end lets a process end, with a status in the form of waitpid, and takes the pass that sees it.
func (w *harness) end(p proctest.ProcEntry, status int) *process.Snapshot {
	w.t.Helper()
	p.State, p.ExitCode, p.Listens = "Z", status, nil
	w.put(p)
	s := w.pass()
	w.remove(p.PID)
	return s
}

func (w *harness) bootID(id string) {
	w.t.Helper()
	require.NoError(w.t, w.host.WriteFile("/proc/sys/kernel/random/boot_id", id+"\n"))
}

// ended is what matters of a service that is missed.
type ended struct {
	port    uint16
	stopped bool
}

func endedOf(i *process.Instance) []ended {
	var list []ended
	for _, e := range i.Ended {
		list = append(list, ended{e.Port, e.Stopped})
	}
	return list
}

// TestStoppedOnPurpose: what ended a service decides whether it is missed.
func TestStoppedOnPurpose(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		stopped bool
	}{
		"exit 0": {0, true}, "SIGTERM": {int(unix.SIGTERM), true}, "SIGINT": {int(unix.SIGINT), true}, "exit 143": {143 << 8, true}, "exit 130": {130 << 8, true},
		"exit 1": {code, false}, "exit 2": {2 << 8, false}, "a terminal that is lost": {int(unix.SIGHUP), false},
		"SIGKILL": {int(unix.SIGKILL), false}, "SIGSEGV": {int(unix.SIGSEGV), false}, "exit 137": {137 << 8, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t, process.Settings{})
			w.checkout("/opt/facefusion", "3.8.1")
			p := listeningServer(100, "/opt/facefusion", 7860)
			w.put(p)
			i := only(t, w.pass())
			assert.False(t, i.Stopped)
			assert.Empty(t, i.Ended)
			i = only(t, w.end(p, c.status))
			assert.False(t, i.Up())
			assert.Equal(t, c.stopped, i.Stopped)
			assert.Equal(t, []ended{{7860, c.stopped}}, endedOf(i))
			assert.Equal(t, c.stopped, only(t, w.pass()).Stopped, "nor does it change")

			w.put(listeningServer(102, "/opt/facefusion", 7860))
			i = only(t, w.pass())
			assert.False(t, i.Stopped)
			assert.Empty(t, i.Ended, "another has its place")
		})
	}
}

// TestOnlyServicesAreStopped: a run that ends says nothing of the instance, whatever was before.
func TestOnlyServicesAreStopped(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(runner(100, "/opt/facefusion"))
	w.pass()
	i := only(t, w.end(runner(100, "/opt/facefusion"), 0))
	assert.False(t, i.Stopped)
	assert.Empty(t, i.Ended)

	p := listeningServer(101, "/opt/facefusion", 7860)
	w.put(p)
	w.pass()
	assert.True(t, only(t, w.end(p, int(unix.SIGTERM))).Stopped)
	w.put(runner(102, "/opt/facefusion"))
	assert.False(t, only(t, w.pass()).Stopped, "something of it runs")
	assert.True(t, only(t, w.end(runner(102, "/opt/facefusion"), code)).Stopped)
}

// together names an instance: its servers are of it, whatever their ports are.
var together = process.Settings{Instances: []process.Configured{{Name: "studio", Path: "/opt/facefusion"}}}

// TestEachServerEndsByItself: of two, one is killed and the other stopped; a third takes the place
// of the one that ended first, whatever its port is.
func TestEachServerEndsByItself(t *testing.T) {
	w := newHarness(t, together)
	w.checkout("/opt/facefusion", "3.8.1")
	first, second := listeningServer(100, "/opt/facefusion", 7860), listeningServer(101, "/opt/facefusion", 7861)
	w.put(first)
	w.put(second)
	w.pass()
	assert.Equal(t, []ended{{7860, false}}, endedOf(only(t, w.end(first, int(unix.SIGKILL)))), "the other one has a place of its own")
	i := only(t, w.end(second, int(unix.SIGTERM)))
	assert.Equal(t, []ended{{7860, false}, {7861, true}}, endedOf(i))
	assert.False(t, i.Stopped, "one was not")

	w.put(server(103, "/opt/facefusion"))
	assert.Equal(t, []ended{{7860, false}, {7861, true}}, endedOf(only(t, w.pass())), "it does not listen yet")
	w.put(listeningServer(103, "/opt/facefusion", 7900))
	i = only(t, w.pass())
	assert.Equal(t, []ended{{7861, true}}, endedOf(i))
	assert.True(t, i.Up())
}

// TestExpectedInstancesAreNeverStopped: those that are named should run, unless the configuration
// says otherwise.
func TestExpectedInstancesAreNeverStopped(t *testing.T) {
	for _, expected := range []bool{true, false} {
		settings := process.Settings{Instances: []process.Configured{{Name: "studio", Path: "/opt/facefusion", Expected: expected}}}
		w := newHarness(t, settings)
		w.bootID("one")
		w.checkout("/opt/facefusion", "3.8.1")
		assert.Equal(t, expected, only(t, w.pass()).Expected)
		p := listeningServer(100, "/opt/facefusion", 7860)
		w.put(p)
		w.pass()
		i := only(t, w.end(p, int(unix.SIGTERM)))
		assert.Equal(t, !expected, i.Stopped)
		assert.Equal(t, []ended{{7860, !expected}}, endedOf(i), "the port is known")

		w.restart(settings)
		i = only(t, w.pass())
		assert.Equal(t, !expected, i.Stopped)
		assert.Equal(t, []ended{{7860, !expected}}, endedOf(i))

		w.bootID("two")
		w.restart(settings)
		i = only(t, w.pass())
		assert.False(t, i.Stopped)
		assert.Equal(t, []ended{{7860, false}}, endedOf(i))
	}
}

// TestAStopLastsUntilTheReboot: a reboot ends everything with SIGTERM, and what does not come back
// after it is down.
func TestAStopLastsUntilTheReboot(t *testing.T) {
	for _, c := range []struct {
		before, after string
		stopped       bool
	}{{"one", "one", true}, {"one", "two", false}, {"", "", false}, {"one", "", false}} {
		w := newHarness(t, process.Settings{})
		w.bootID(c.before)
		w.checkout("/opt/facefusion", "3.8.1")
		p := listeningServer(100, "/opt/facefusion", 7860)
		w.put(p)
		w.pass()
		assert.True(t, only(t, w.end(p, int(unix.SIGTERM))).Stopped)
		w.bootID(c.after)
		w.restart(process.Settings{})
		i := only(t, w.pass())
		assert.Equal(t, c.stopped, i.Stopped, "%q, then %q", c.before, c.after)
		assert.Equal(t, []ended{{7860, c.stopped}}, endedOf(i))
	}
}

// TestServersOfALostCollector: what ended while nobody looked is down, where it was; what lives is
// not missed, and what was started meanwhile takes a place.
func TestServersOfALostCollector(t *testing.T) {
	w := newHarness(t, together)
	w.bootID("one")
	w.checkout("/opt/facefusion", "3.8.1")
	for n := range 3 {
		w.put(listeningServer(100+n, "/opt/facefusion", uint16(7860+n)))
	}
	w.pass()
	w.restart(together)
	w.remove(100)
	w.remove(101)
	assert.Equal(t, []ended{{7860, false}, {7861, false}}, endedOf(only(t, w.pass())))
	w.restart(together)
	w.put(listeningServer(105, "/opt/facefusion", 7861))
	assert.Equal(t, []ended{{7860, false}}, endedOf(only(t, w.pass())))
	w.restart(together)
	assert.Equal(t, []ended{{7860, false}}, endedOf(only(t, w.pass())))
}

// TestServicesKnownByTheirRuns: a collector that starts while none of their runs is there knows
// them still, and nothing of them is down.
func TestServicesKnownByTheirRuns(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.bootID("one")
	w.checkout("/opt/facefusion", "3.8.1")
	bot := proctest.ProcEntry{PID: 100, PPID: 1, Argv: []string{"node", "bot.js"}, Cwd: "/srv/app", StartTicks: 300_000}
	w.put(bot)
	run := runner(400, "/opt/facefusion")
	run.PPID = 100
	w.put(run)
	w.pass()
	w.remove(400)
	before := only(t, w.pass())
	require.Equal(t, map[process.Role][]int{process.RoleService: {100}}, pids(before))

	w.restart(process.Settings{})
	s := w.pass()
	i := only(t, s)
	assert.Equal(t, before.ID, i.ID)
	assert.Equal(t, map[process.Role][]int{process.RoleService: {100}}, pids(i))
	assert.Empty(t, i.Ended)
	assert.Empty(t, s.Changes, "it did not start just now")

	w.restart(process.Settings{})
	bot.StartTicks++
	w.put(bot)
	i = only(t, w.pass())
	assert.Empty(t, pids(i), "another process has the pid")
	assert.Equal(t, []ended{{0, false}}, endedOf(i))
}

// TestServicesThatAnotherInstanceHas: what was saved of one instance lives in another one by now,
// as the configuration names it.
func TestServicesThatAnotherInstanceHas(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.bootID("one")
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(listeningServer(100, "/opt/facefusion", 7860))
	w.put(runner(101, "/opt/facefusion"))
	w.pass()
	match := &process.Match{Port: 7860}
	w.restart(process.Settings{Instances: []process.Configured{{Name: "studio", Match: match, Expected: true}}})
	for _, i := range w.pass().Instances {
		assert.Empty(t, i.Ended, i.ID)
		assert.Equal(t, i.ID == "studio", len(pids(&i)[process.RoleServer]) == 1, i.ID)
	}
}

// TestRetiredServersAreForgotten: a server that nobody starts again is down for as long as an
// instance is remembered, whatever else of it runs, and over a restart of the collector.
func TestRetiredServersAreForgotten(t *testing.T) {
	for _, c := range []struct {
		name       string
		expected   bool
		beside     proctest.ProcEntry
		after      []ended
		remembered bool
	}{
		{"a server beside it", false, server(101, "/opt/facefusion"), nil, true},
		{"named, a server beside it", true, listeningServer(101, "/opt/facefusion", 7861), nil, true},
		{"batches", false, runner(101, "/opt/facefusion"), nil, false},
		{"named, batches", true, runner(101, "/opt/facefusion"), []ended{{7860, false}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				settings := process.Settings{ForgetAfter: 24 * time.Hour}
				if c.expected {
					settings.Instances = []process.Configured{{Name: "studio", Path: "/opt/facefusion", Expected: true}}
				}
				w := newHarness(t, settings)
				w.bootID("one")
				w.checkout("/opt/facefusion", "3.8.1")
				p := listeningServer(100, "/opt/facefusion", 7860)
				w.put(p)
				w.put(c.beside)
				w.pass()
				w.end(p, int(unix.SIGKILL))
				time.Sleep(12 * time.Hour)
				w.restart(settings)
				assert.Equal(t, []ended{{7860, false}}, endedOf(only(t, w.pass())))
				time.Sleep(11 * time.Hour)
				assert.Equal(t, []ended{{7860, false}}, endedOf(only(t, w.pass())))
				time.Sleep(2 * time.Hour)
				i := only(t, w.pass())
				assert.Equal(t, c.after, endedOf(i))
				if c.expected {
					return
				}
				remembered := slices.ContainsFunc(i.Roles, func(r process.RoleUsage) bool { return r.Role == process.RoleServer })
				assert.Equal(t, c.remembered, remembered, "a series of zero servers would be one that is missed")
			})
		})
	}
}

// TestWhatACrashLeaves: workers whose master was killed go on for a while and end by themselves,
// as gunicorn's do. Nobody has stopped the service then. What a start script left has its place.
func TestWhatACrashLeaves(t *testing.T) {
	for _, crashed := range []bool{true, false} {
		w := newHarness(t, process.Settings{})
		w.checkout("/app", "3.8.1")
		master := pythonIn(100, "/app", "python service.py")
		worker := pythonIn(101, "/app", "python service.py --worker")
		worker.PPID, worker.StartTicks = 100, 300_500
		w.put(master)
		w.put(worker)
		require.Equal(t, []int{101}, pids(only(t, w.pass()))[process.RoleWorker])
		worker.PPID = 1
		w.put(worker)
		if crashed {
			w.end(master, int(unix.SIGKILL))
		} else {
			w.end(master, 0)
		}
		process.Age(w.table, 11*time.Second)
		i := only(t, w.pass())
		assert.Equal(t, []int{101}, pids(i)[process.RoleService])
		assert.False(t, i.Stopped)
		i = only(t, w.end(worker, 0))
		assert.Equal(t, !crashed, i.Stopped)
		assert.Equal(t, []ended{{0, !crashed}}, endedOf(i))
	}
}
