package process_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

// named is a configuration with one instance that has a match.
func named(m process.Match) process.Settings {
	return process.Settings{Instances: []process.Configured{{Name: "api", Match: &m}}}
}

func pattern(text string) *regexp.Regexp { return regexp.MustCompile(text) }

// stray is a Python program of user 1000 that no rule finds.
func stray(pid int, line string) proctest.ProcEntry {
	p := pythonIn(pid, "/srv/api", line)
	p.UID = 1000
	return p
}

// TestMatch: each field finds the process that it names, and no other one.
func TestMatch(t *testing.T) {
	listens := stray(100, "/usr/bin/python3 main.py")
	listens.Listens = []proctest.Socket{{Address: netip.MustParseAddrPort("0.0.0.0:8188"), UID: 1000, Inode: 7}}
	for name, c := range map[string]struct {
		match process.Match
		is    proctest.ProcEntry
	}{
		"cmdline": {process.Match{Cmdline: pattern(`main\.py --listen`)}, stray(100, "/usr/bin/python3 main.py --listen")},
		"exe": {process.Match{Exe: pattern(`^/opt/api/venv/bin/python3$`)}, func() proctest.ProcEntry {
			p := stray(100, "python main.py")
			p.Exe = "/opt/api/venv/bin/python3"
			return p
		}()},
		"a program":   {process.Match{Cmdline: pattern(`^/opt/swapper serve$`)}, proctest.ProcEntry{PID: 100, PPID: 1, Argv: words("/opt/swapper serve"), Cwd: "/", StartTicks: 300_100}},
		"exe, comm":   {process.Match{Comm: pattern(`^gunicorn$`)}, func() proctest.ProcEntry { p := stray(100, "python main.py"); p.Comm = "gunicorn"; return p }()},
		"user":        {process.Match{User: "swap"}, stray(100, "python main.py")},
		"uid":         {process.Match{User: "1000"}, stray(100, "python main.py")},
		"port":        {process.Match{Port: 8188}, listens},
		"all of them": {process.Match{Cmdline: pattern("main"), Exe: pattern("python3.12$"), Comm: pattern("^python3$"), User: "swap", Port: 8188}, listens},
		"a title":     {process.Match{Cmdline: pattern("^gunicorn: master")}, func() proctest.ProcEntry { p := stray(100, ""); p.Argv = []string{"gunicorn: master [api]"}; return p }()},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t, named(c.match))
			require.NoError(t, w.host.WriteFile("/etc/passwd", "root:x:0:0::/root:/bin/sh\nswap:x:1000:1000::/home/swap:/bin/sh\n"))
			other := pythonIn(90, "/srv", "/usr/bin/python3 other.py --main")
			other.UID = 1001
			other.Listens = []proctest.Socket{{Address: netip.MustParseAddrPort("0.0.0.0:8189"), UID: 1001, Inode: 9}}
			w.put(other)
			w.put(c.is)
			i := only(t, w.pass())
			assert.Equal(t, "api", i.ID)
			require.Equal(t, map[process.Role][]int{process.RoleService: {100}}, pids(i))
			assert.Equal(t, "configured", i.Processes[0].Rule)
			assert.Equal(t, process.ConfigurationMatched, i.Configuration)
			w.remove(100)
			i = only(t, w.pass())
			assert.False(t, i.Up())
			assert.Equal(t, process.ConfigurationMatched, i.Configuration, "it is down, and not named wrongly")
		})
	}
}

// TestControlGroup: the first Python program of a unit is the service, what else starts there is
// none: health checks, and what somebody runs in the container.
func TestControlGroup(t *testing.T) {
	w := newHarness(t, named(process.Match{Cgroup: pattern(`/swap-api\.service$`)}))
	put := func(pid int, line, cgroup string) {
		p := stray(pid, line)
		p.StartTicks = w.host.Ticks() - 3000 + uint64(pid)
		w.put(p)
		require.NoError(t, w.host.WriteFile(fmt.Sprintf("/proc/%d/cgroup", pid), cgroup))
	}
	put(100, "sh -c python~main.py", "0::/system.slice/swap-api.service\n")
	put(101, "python main.py", "12:cpu:/\n1:name=systemd:/system.slice/swap-api.service\n0::/\n")
	put(102, "python other.py", "0::/system.slice/other.service\n")
	put(103, "python check.py", "0::/system.slice/swap-api.service\n")
	put(104, "curl localhost", "0::/system.slice/swap-api.service\n")
	for range 2 {
		require.Equal(t, map[process.Role][]int{process.RoleService: {101}}, pids(only(t, w.pass())))
	}
	w.remove(101)
	w.pass()
	put(105, "/opt/swapper serve", "0::/system.slice/swap-api.service\n")
	w.remove(103)
	w.remove(104)
	w.advance(time.Minute)
	w.table.ListAll()
	process.Age(w.table, time.Minute)
	require.Equal(t, map[process.Role][]int{process.RoleService: {105}}, pids(only(t, w.pass())), "a program in another language, once it stays")
}

// TestAllOfAMatchMustHold: one field that does not is enough.
func TestAllOfAMatchMustHold(t *testing.T) {
	right := process.Match{Cmdline: pattern("main"), Exe: pattern("python3.12$"), Comm: pattern("^python3$"), User: "1000"}
	for name, change := range map[string]func(*process.Match){
		"cmdline": func(m *process.Match) { m.Cmdline = pattern("other") },
		"exe":     func(m *process.Match) { m.Exe = pattern("python3.11$") },
		"comm":    func(m *process.Match) { m.Comm = pattern("^python$") },
		"user":    func(m *process.Match) { m.User = "0" },
		"nobody":  func(m *process.Match) { m.User = "nobody-of-that-name" },
		"cgroup":  func(m *process.Match) { m.Cgroup = pattern("api.service$") },
		"file":    func(m *process.Match) { m.PIDFile = "/run/none.pid" },
		"port":    func(m *process.Match) { m.Port = 8188 },
	} {
		t.Run(name, func(t *testing.T) {
			m := right
			w := newHarness(t, named(m))
			w.put(stray(100, "/usr/bin/python3 main.py"))
			require.True(t, only(t, w.pass()).Up())
			change(&m)
			w.restartCollector(named(m))
			for range 3 {
				require.False(t, only(t, w.pass()).Up())
			}
		})
	}
}

// TestWhatOnlyNamesTheProgram: the words of a match stand in the command lines of those who start,
// edit or look for the program, too.
func TestWhatOnlyNamesTheProgram(t *testing.T) {
	w := newHarness(t, named(process.Match{Cmdline: pattern("main.py")}))
	for n, argv := range [][]string{
		{"sh", "-c", "python main.py"}, words("sudo -u swap python main.py"), words("vim main.py"), words("docker run x python main.py"), words("conda run python main.py"),
		words("tmux new python main.py"), words("systemd-executor main.py"), words("timeout 10 python main.py"), words("bash run main.py"),
	} {
		w.put(proctest.ProcEntry{PID: 200 + n, PPID: 1, Argv: argv, Cwd: "/srv/api", StartTicks: 300_000 + uint64(n)})
	}
	for range 3 {
		require.Empty(t, only(t, w.pass()).Processes)
	}
	child := stray(300, "python main.py")
	child.PPID = 200
	w.put(child)
	require.Equal(t, map[process.Role][]int{process.RoleService: {300}}, pids(only(t, w.pass())))
}

// TestServicesOfOneCheckout: four services of one checkout, one for each port, are four instances;
// what is below each joins it, and a run that somebody starts by hand is of the first.
func TestServicesOfOneCheckout(t *testing.T) {
	var s process.Settings
	for n := range 4 {
		s.Instances = append(s.Instances, process.Configured{Name: fmt.Sprintf("api-%d", n), Match: &process.Match{Cmdline: pattern("uvicorn app:app"), Port: uint16(8000 + n)}})
	}
	w := newHarness(t, s)
	w.checkout("/srv/facefusion", "3.8.1")
	var services []proctest.ProcEntry
	for n := range 4 {
		p := pythonIn(100+n, "/srv/facefusion", fmt.Sprintf("/usr/bin/python3 /venv/bin/uvicorn app:app --port %d", 8000+n))
		p.Sockets = []proctest.Socket{{Address: netip.MustParseAddrPort("127.0.0.1:8000"), Inode: 50}, {Address: netip.MustParseAddrPort("127.0.0.1:8001"), Inode: 51}}
		p.Listens = []proctest.Socket{{Address: netip.MustParseAddrPort(fmt.Sprintf("127.0.0.1:%d", 8000+n)), Inode: 50 + uint64(n)}}
		services = append(services, p)
		w.put(p)
		w.put(ffmpeg(200+n, 100+n))
	}
	w.put(runner(300, "/srv/facefusion"))
	snapshot := w.pass()
	require.Len(t, snapshot.Instances, 4)
	for n := range 4 {
		i := snapshot.Instances[n]
		assert.Equal(t, fmt.Sprintf("api-%d", n), i.ID)
		assert.Equal(t, []int{100 + n}, pids(&i)[process.RoleService])
		assert.Equal(t, []int{200 + n}, pids(&i)[process.RoleFFmpeg])
		assert.Equal(t, "3.8.1", i.Version)
		assert.Equal(t, "/srv/facefusion", i.Checkout)
		require.Len(t, i.Servers, 1)
		assert.Equal(t, uint16(8000+n), i.Servers[0].Port)
		assert.Equal(t, n == 0, len(pids(&i)[process.RoleRunner]) == 1)
	}
	w.remove(services[2].PID)
	snapshot = w.pass()
	for n := range 4 {
		assert.Equal(t, n != 2, snapshot.Instances[n].Up())
	}
}

// TestAnInstanceOfOthersInTheCheckout: a server that the match does not name does not keep the
// instance up, whatever its folder is.
func TestAnInstanceOfOthersInTheCheckout(t *testing.T) {
	s := named(process.Match{Cmdline: pattern("uvicorn")})
	s.Instances[0].Path = "/srv/facefusion"
	w := newHarness(t, s)
	w.checkout("/srv/facefusion", "3.8.1")
	w.put(server(100, "/srv/facefusion"))
	w.put(pythonIn(101, "/srv/facefusion", "/usr/bin/python3 /venv/bin/uvicorn app:app"))
	snapshot := w.pass()
	require.Len(t, snapshot.Instances, 2)
	assert.Equal(t, []int{101}, pids(&snapshot.Instances[0])[process.RoleService])
	assert.Equal(t, []int{100}, pids(&snapshot.Instances[1])[process.RoleServer])
	w.remove(101)
	snapshot = w.pass()
	assert.False(t, snapshot.Instances[0].Up())
	assert.True(t, snapshot.Instances[1].Up())
	id := snapshot.Instances[1].ID
	saved := w.table.Export()
	w.restartCollector(s)
	w.table.Restore(saved)
	snapshot = w.pass()
	require.Len(t, snapshot.Instances, 2)
	assert.Equal(t, id, snapshot.Instances[1].ID, "the same after a restart")
}

// TestWhoComesLater: a port that opens minutes after the start, when the process was found by
// another rule already, and moves with all that is below it.
func TestWhoComesLater(t *testing.T) {
	w := newHarness(t, named(process.Match{Port: 8000}))
	w.checkout("/srv/facefusion", "3.8.1")
	p := pythonIn(100, "/srv/facefusion", "python3 app.py")
	w.put(p)
	worker := pythonIn(101, "/srv/facefusion", "python3 app.py --worker")
	worker.PPID, worker.StartTicks = 100, 300_500
	w.put(worker)
	w.put(ffmpeg(102, 101))
	snapshot := w.pass()
	require.Len(t, snapshot.Instances, 2)
	p.Listens = []proctest.Socket{{Address: netip.MustParseAddrPort("0.0.0.0:8000"), Inode: 7}}
	w.put(p)
	process.Age(w.table, 2*time.Second)
	i := only(t, w.pass())
	assert.Equal(t, "api", i.ID)
	assert.Equal(t, map[process.Role][]int{process.RoleService: {100}, process.RoleWorker: {101}, process.RoleFFmpeg: {102}}, pids(i))
	w.remove(100)
	assert.False(t, only(t, w.pass()).Up())
}

// TestAMoveIsNoStart: of a service that started while we look, and that another instance has later.
func TestAMoveIsNoStart(t *testing.T) {
	w := newHarness(t, named(process.Match{Port: 8000}))
	w.checkout("/srv/facefusion", "3.8.1")
	w.pass()
	p := pythonIn(100, "/srv/facefusion", "python3 app.py")
	w.put(p)
	starts := func(s *process.Snapshot) (n int) {
		for _, c := range s.Changes {
			if !c.Exited {
				n++
			}
		}
		return n
	}
	assert.Equal(t, 1, starts(w.pass()))
	p.Listens = []proctest.Socket{{Address: netip.MustParseAddrPort("0.0.0.0:8000"), Inode: 7}}
	w.put(p)
	process.Age(w.table, 2*time.Second)
	s := w.pass()
	assert.Zero(t, starts(s))
	i := only(t, s)
	assert.Equal(t, "api", i.ID)
	assert.Zero(t, usageOf(t, i, process.RoleService).Starts)

	young := pythonIn(101, "/srv/facefusion", "python3 app.py")
	young.StartTicks = w.host.Ticks()
	w.remove(100)
	w.put(young)
	assert.Zero(t, starts(w.pass()), "it is too young")
	young.Listens = p.Listens
	w.put(young)
	process.Age(w.table, 2*time.Second)
	moved := w.pass()
	w.advance(10 * time.Second)
	assert.Equal(t, 1, starts(moved)+starts(w.pass()), "counted where it counts")
}

// TestPIDFile: written after the start; one that is left from a program whose pid another one has
// now names nobody.
func TestPIDFile(t *testing.T) {
	w := newHarness(t, named(process.Match{PIDFile: "/run/api.pid"}))
	p := proctest.ProcEntry{PID: 100, PPID: 1, Argv: words("/opt/swapper serve"), Cwd: "/", StartTicks: w.host.Ticks()}
	w.put(p)
	require.False(t, only(t, w.pass()).Up())
	file := filepath.Join(w.host.Root(), "run/api.pid")
	require.NoError(t, w.host.WriteFile("/run/api.pid", "100\n"))
	start := w.host.Boot().Add(time.Duration(p.StartTicks) * 10 * time.Millisecond)
	for _, c := range []struct {
		written time.Duration
		up      bool
	}{{-time.Hour, false}, {time.Second, true}} {
		require.NoError(t, os.Chtimes(file, start.Add(c.written), start.Add(c.written)))
		require.Equal(t, c.up, only(t, w.pass()).Up())
	}
	for _, text := range []string{"", "x", "-5", "100 and more"} {
		require.NoError(t, w.host.WriteFile("/run/api.pid", text))
		w.restartCollector(named(process.Match{PIDFile: "/run/api.pid"}))
		require.False(t, only(t, w.pass()).Up(), text)
	}
}

// TestAUserThatThereIsNot is named as what fits nothing: the rest of the match may be right.
func TestAUserThatThereIsNot(t *testing.T) {
	w := newHarness(t, process.Settings{Instances: []process.Configured{
		{Name: "a", Match: &process.Match{User: "swop"}}, {Name: "b", Match: &process.Match{User: "swap"}}, {Name: "c", Match: &process.Match{User: "4711"}},
	}})
	require.NoError(t, w.host.WriteFile("/etc/passwd", "swap:x:998:998::/:/usr/sbin/nologin\n"))
	require.Equal(t, map[string]string{"a": "swop"}, w.table.UnknownUsers())
	fields := map[string][]string{}
	for _, i := range w.pass().Instances {
		fields[i.ID] = i.Unfit
	}
	require.Equal(t, map[string][]string{"a": {"match.user"}, "b": {"match"}, "c": {"match"}}, fields)
}

// TestAFolderThatFitsNothing is reported after a minute, and not before.
func TestAFolderThatFitsNothing(t *testing.T) {
	s := process.Settings{Instances: []process.Configured{
		{Name: "checkout", Path: "/opt/facefusion"}, {Name: "jobs", JobsPath: "/data/jobs"}, {Name: "match", Match: &process.Match{Port: 1}}, {Name: "right", Path: "/srv/facefusion"},
	}}
	w := newHarness(t, s)
	w.checkout("/srv/facefusion", "3.8.1")
	states := func() map[string]process.ConfigurationState {
		m := map[string]process.ConfigurationState{}
		for _, i := range w.pass().Instances {
			m[i.ID] = i.Configuration
		}
		return m
	}
	want := map[string]process.ConfigurationState{"checkout": "waiting", "jobs": "waiting", "match": "waiting", "right": "matched"}
	require.Equal(t, want, states())
	process.Age(w.table, 50*time.Second)
	require.Equal(t, want, states())
	process.Age(w.table, 20*time.Second)
	want["checkout"], want["jobs"], want["match"] = "unmatched", "unmatched", "unmatched"
	require.Equal(t, want, states())
	require.Equal(t, []string{"path"}, w.pass().Instances[0].Unfit)
	w.checkout("/opt/facefusion", "3.8.1")
	require.NoError(t, w.host.WriteFile("/data/jobs/queued/.keep", ""))
	process.Age(w.table, 20*time.Second)
	want["checkout"], want["jobs"] = "matched", "matched"
	require.Equal(t, want, states())
}
