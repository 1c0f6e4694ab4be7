package process_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

func TestPIDReusedBetweenTwoPasses(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	first := server(100, "/opt/facefusion")
	first.UserTicks = 500
	w.put(first)
	w.put(proctest.ProcEntry{PID: 200, PPID: 1, Argv: []string{"nginx"}, StartTicks: 5})
	w.pass()

	second := server(100, "/opt/facefusion")
	second.StartTicks, second.UserTicks = first.StartTicks+50, 20
	w.put(second)
	late := runner(200, "/opt/facefusion")
	w.put(late) // the pid of a process that was dismissed
	s := w.pass()
	require.Len(t, s.Changes, 3)
	i := only(t, s)
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {100}, process.RoleRunner: {200}}, pids(i))
	u := usageOf(t, i, process.RoleServer)
	assert.Equal(t, uint64(1), u.Starts)
	assert.Equal(t, map[process.ExitReason]uint64{process.ExitUnknown: 1}, u.Exits)
	assert.Equal(t, 5.2, u.CPUUser)

	w.put(proctest.ProcEntry{PID: 100, PPID: 1, Argv: []string{"nginx"}, StartTicks: second.StartTicks + 50})
	i = only(t, w.pass())
	assert.Equal(t, map[process.Role][]int{process.RoleRunner: {200}}, pids(i))
}

func TestProcessGoneBetweenReaddirAndOpen(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	// A folder without files is what is left when a listed process is opened too late: every open
	// says ENOENT.
	require.NoError(t, os.Mkdir(w.host.Path("/proc/300"), 0o755))
	w.pass()
	for _, file := range []string{"stat", "io", "cmdline"} {
		require.NoError(t, os.Remove(w.host.Path("/proc/100/"+file)))
	}
	s := w.pass()
	require.Len(t, s.Changes, 1)
	assert.Equal(t, process.ExitUnknown, s.Changes[0].Reason)
	assert.False(t, s.Instances[0].Up())

	// Gone halfway: what was known is kept until the next pass.
	w.put(server(101, "/opt/facefusion"))
	require.NoError(t, os.Remove(w.host.Path("/proc/101/io")))
	require.NoError(t, os.RemoveAll(w.host.Path("/proc/101/fd")))
	assert.True(t, w.pass().Instances[0].Up())
}

// closeTo takes from others what the kernel takes from users without privileges.
func closeTo(t *testing.T, w *harness, pid string) {
	t.Helper()
	dir := w.host.Path("/proc/" + pid)
	require.NoError(t, os.Chmod(filepath.Join(dir, "io"), 0))
	require.NoError(t, os.Chmod(filepath.Join(dir, "fd"), 0))
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "fd"), 0o755) })
	// Links cannot be closed in a folder; TestEACCESOfARealProcess has the kernel do it.
}

func TestEACCES(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	p := server(100, "/opt/facefusion")
	p.UID, p.UserTicks = 1000, 700
	p.Listens = sockets("127.0.0.1:7860")
	p.Listens[0].UID = 1000
	w.put(p)
	openUp(t, w.host.Root())
	closeTo(t, w, "100")
	s := observeAs(t, w.host.Root())
	i := only(t, &s)
	u := usageOf(t, i, process.RoleServer)
	assert.Equal(t, 7.0, u.CPUUser, "what is open to all is reported")
	assert.False(t, u.ReadBytes.Known)
	assert.False(t, u.WriteBytes.Known)
	assert.False(t, u.FileDescriptors.Known)
	assert.Equal(t, uint16(7860), i.Servers[0].Port, "the only socket of the user in Gradio's range")
	assert.Equal(t, []string{"disk_io", "file_descriptors"}, deniedFields(s))
	for _, d := range s.Denied {
		assert.Contains(t, d.Remedy, "CAP_SYS_PTRACE")
		assert.True(t, strings.HasPrefix(d.Path, "/proc/<pid>/"))
	}

	// With a second server of the same user it can no longer be known.
	q := server(101, "/opt/facefusion")
	q.UID = 1000
	w.put(q)
	closeTo(t, w, "101")
	s = observeAs(t, w.host.Root())
	for _, server := range only(t, &s).Servers {
		assert.True(t, server.PortUnknown)
		assert.Zero(t, server.Port)
	}
	assert.Equal(t, []string{"disk_io", "file_descriptors", "listening_port"}, deniedFields(s))
}

// TestEACCESOfARealProcess observes a process of this user as another user: there it is the kernel
// who denies.
func TestEACCESOfARealProcess(t *testing.T) {
	require.Zero(t, os.Getuid(), "this test changes the user and must be run as root")
	checkout := realCheckout(t)
	openUp(t, checkout)
	child := startImpostor(t, checkout, "exit 0", "python", "facefusion.py", "benchmark", "--jobs-path", checkout+"/.jobs")
	s := observeAs(t, "/")
	for _, i := range s.Instances {
		for _, p := range i.Processes {
			if p.PID != child.pid() {
				continue
			}
			assert.Equal(t, process.RoleBenchmark, p.Role)
			assert.Equal(t, checkout+"/.jobs", i.JobsPath, "the command line tells")
			assert.Empty(t, i.Version)
			u := usageOf(t, &i, process.RoleBenchmark)
			assert.Positive(t, u.ResidentMemory)
			assert.False(t, u.ReadBytes.Known)
			assert.Subset(t, deniedFields(s), []string{"checkout", "disk_io"})
			return
		}
	}
	t.Fatalf("process %d was not found in %+v", child.pid(), s.Instances)
}

// openUp makes a folder's parents passable for other users, below the temporary folder.
func openUp(t *testing.T, folder string) {
	t.Helper()
	temp := filepath.Clean(os.TempDir())
	for ; folder != temp; folder = filepath.Dir(folder) {
		require.NotEqual(t, "/", folder, "not below the temporary folder")
		require.NoError(t, os.Chmod(folder, 0o755))
	}
	for ; folder != "/"; folder = filepath.Dir(folder) {
		info, err := os.Stat(folder)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&0o001, "other users may not pass through %s: set TMPDIR to a folder where they may", folder)
	}
}

func deniedFields(s process.Snapshot) []string {
	var fields []string
	for _, d := range s.Denied {
		fields = append(fields, d.Field)
	}
	return fields
}

// A pid of this machine that means another process in the tree: another namespace. No pidfd may be
// opened for it.
func TestPIDInAnotherNamespace(t *testing.T) {
	exited := make(chan struct{}, 8)
	w := newHarness(t, process.Settings{OnExit: func() { exited <- struct{}{} }})
	w.checkout("/opt/facefusion", "3.8.1")
	here := startImpostor(t, w.host.Path("/opt/facefusion"), "exit 0", "python", "facefusion.py", "run")
	w.put(server(here.pid(), "/opt/facefusion"))
	require.True(t, only(t, w.pass()).Up())
	require.NoError(t, here.cmd.Process.Kill())
	require.Error(t, here.cmd.Wait())
	s := w.pass()
	assert.Empty(t, s.Changes, "the exit of the process that has the number here says nothing")
	assert.True(t, only(t, s).Up())
	w.remove(here.pid())
	select {
	case <-exited:
	case <-time.After(10 * time.Second):
		t.Fatal("the exit was not noticed")
	}
	assert.False(t, only(t, w.pass()).Up())
}

func TestClockStep(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	before := only(t, w.pass())
	for _, step := range []time.Duration{-24 * time.Hour, 48 * time.Hour} {
		require.NoError(t, w.host.SetClock(bootTime.Add(step), time.Hour))
		s := w.pass()
		assert.Empty(t, s.Changes)
		i := only(t, s)
		assert.Equal(t, before.ID, i.ID)
		assert.Equal(t, before.Processes[0].ID, i.Processes[0].ID)
		assert.Equal(t, before.Processes[0].Started.Add(step), i.Processes[0].Started)
	}
}

func TestGarbageInCmdlineAndStat(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	p := server(100, "/opt/facefusion")
	p.Comm = ") S 1 (\nx y"
	w.put(p)
	w.put(proctest.ProcEntry{PID: 101, PPID: 100, Comm: "a) R 0", Argv: []string{"", "", ""}, StartTicks: 310_000})
	w.put(proctest.ProcEntry{PID: 102, PPID: 1, Argv: []string{"python", ""}, StartTicks: 310_000})
	w.put(proctest.ProcEntry{PID: 103, PPID: 1, Argv: []string{"python", strings.Repeat("x", 300_000), "facefusion.py"}, StartTicks: 310_000})
	for pid, stat := range map[string]string{"110": "", "111": "\xff\xfe\x00", "112": "112 (x", "113": "113 (x) S"} {
		require.NoError(t, w.host.WriteFile("/proc/"+pid+"/stat", stat))
		require.NoError(t, w.host.WriteFile("/proc/"+pid+"/cmdline", "python\x00facefusion.py\x00run\x00"))
	}
	i := only(t, w.pass())
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {100}, process.RoleOther: {101}}, pids(i))
	require.NoError(t, w.host.WriteFile("/proc/100/stat", "garbage"))
	s := w.pass()
	assert.Empty(t, s.Changes, "what cannot be read for a moment has not ended")
	assert.True(t, only(t, s).Up())
}

func TestProcUnreadable(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	before := only(t, w.pass())
	proc := w.host.Path("/proc")

	require.NoError(t, os.Rename(proc, proc+".away"))
	_, err := w.table.Observe(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
	w.advance(time.Second) // writes the clock, and nothing else
	_, err = w.table.Observe(t.Context())
	require.ErrorContains(t, err, "is proc mounted there?")
	require.NoError(t, os.RemoveAll(proc))

	require.NoError(t, os.Rename(proc+".away", proc))
	s := w.pass()
	assert.Empty(t, s.Changes)
	assert.Equal(t, before.ID, only(t, s).ID)
	assert.Equal(t, before.Processes, only(t, s).Processes)
}

func TestProcAppearsLater(t *testing.T) {
	table := process.NewTable(process.Settings{RootPath: filepath.Join(t.TempDir(), "absent")})
	_, err := table.Observe(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, table.Close())
	_, err = table.Observe(t.Context())
	require.Error(t, err)
}

func TestHundredVims(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	for pid := 100; pid < 200; pid++ {
		w.put(proctest.ProcEntry{PID: pid, PPID: 1, Argv: []string{"vim", "facefusion.py"}, Cwd: "/opt/facefusion", StartTicks: 1})
	}
	for range 3 {
		assert.Empty(t, w.pass().Instances)
	}
}
