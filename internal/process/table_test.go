package process_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// TestUsage gives each field a value of its own, so that a swapped one fails.
func TestUsage(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	s := server(100, "/opt/facefusion")
	s.UserTicks, s.SystemTicks, s.Threads, s.ResidentPages, s.ReadBytes, s.WriteBytes = 1100, 220, 33, 44, 5500, 6600
	s.Files = []string{"/dev/null", "/dev/null", "/dev/null"}
	w.put(s)
	a, b := ffmpeg(101, 100), ffmpeg(102, 100)
	a.UserTicks, a.SystemTicks, a.Threads, a.ResidentPages, a.ReadBytes, a.WriteBytes = 700, 80, 9, 10, 1111, 1212
	b.UserTicks, b.SystemTicks, b.Threads, b.ResidentPages, b.ReadBytes, b.WriteBytes = 1, 2, 3, 4, 5, 6
	w.put(a)
	w.put(b)

	i := only(t, w.pass())
	assert.Equal(t, "3.8.1", i.Version)
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {100}, process.RoleFFmpeg: {101, 102}}, pids(i))
	page := int64(os.Getpagesize())
	assert.Equal(t, []process.RoleUsage{
		{
			Role: process.RoleFFmpeg, Count: 2, Exits: map[process.ExitReason]uint64{}, CPUUser: 7.01, CPUSystem: 0.82, ResidentMemory: 14 * page, Threads: 12,
			FileDescriptors: reading.Known(int64(0)), ReadBytes: reading.Known(int64(1116)), WriteBytes: reading.Known(int64(1218)),
			OldestStart: bootTime.Add(310_101 * 10 * time.Millisecond),
		},
		{
			Role: process.RoleServer, Count: 1, Exits: map[process.ExitReason]uint64{}, CPUUser: 11, CPUSystem: 2.2, ResidentMemory: 44 * page, Threads: 33,
			FileDescriptors: reading.Known(int64(3)), ReadBytes: reading.Known(int64(5500)), WriteBytes: reading.Known(int64(6600)),
			OldestStart: bootTime.Add(300_100 * 10 * time.Millisecond),
		},
	}, i.Roles)
	assert.Equal(t, process.Process{
		ID: process.ID{PID: 100, StartTicks: 300_100}, Role: process.RoleServer, Rule: "script", Command: "run", Started: bootTime.Add(300_100 * 10 * time.Millisecond), CPU: 13.2,
	}, i.Processes[0])
}

func TestTotalsNeverDecrease(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	a := ffmpeg(101, 100)
	a.UserTicks, a.SystemTicks, a.ReadBytes, a.WriteBytes, a.ResidentPages = 500, 100, 50, 60, 7
	w.put(a)
	w.pass()
	w.remove(101)
	u := usageOf(t, only(t, w.pass()), process.RoleFFmpeg)
	assert.Zero(t, u.Count)
	assert.Zero(t, u.ResidentMemory)
	assert.True(t, u.OldestStart.IsZero())
	assert.Equal(t, 5.0, u.CPUUser)
	assert.Equal(t, reading.Known(int64(50)), u.ReadBytes)

	b := ffmpeg(105, 100)
	b.UserTicks, b.SystemTicks, b.ReadBytes, b.WriteBytes = 10, 20, 30, 40
	w.put(b)
	u = usageOf(t, only(t, w.pass()), process.RoleFFmpeg)
	assert.Equal(t, 5.1, u.CPUUser)
	assert.Equal(t, 1.2, u.CPUSystem)
	assert.Equal(t, reading.Known(int64(80)), u.ReadBytes)
	assert.Equal(t, reading.Known(int64(100)), u.WriteBytes)

	// A zombie's last CPU time counts, too.
	b.State, b.UserTicks = "Z", 110
	w.put(b)
	u = usageOf(t, only(t, w.pass()), process.RoleFFmpeg)
	assert.Zero(t, u.Count)
	assert.Equal(t, 6.1, u.CPUUser)
	assert.Equal(t, 6.1, usageOf(t, only(t, w.pass()), process.RoleFFmpeg).CPUUser, "and only once")
}

func TestStartsAndExits(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	s := w.pass()
	assert.Empty(t, s.Changes, "what ran before is not a start")
	assert.Zero(t, usageOf(t, only(t, s), process.RoleServer).Starts)

	w.put(runner(120, "/opt/facefusion"))
	s = w.pass()
	id := only(t, s).ID
	assert.Equal(t, []process.LifecycleEvent{{
		Time: bootTime.Add(300_120 * 10 * time.Millisecond), Instance: id, Role: process.RoleRunner, PID: 120,
	}}, s.Changes)
	assert.Equal(t, uint64(1), usageOf(t, only(t, s), process.RoleRunner).Starts)

	z := runner(120, "/opt/facefusion")
	z.State, z.ExitCode = "Z", 2<<8
	w.put(z)
	s = w.pass()
	assert.Equal(t, []process.LifecycleEvent{{
		Time: s.Time, Instance: id, Role: process.RoleRunner, PID: 120, Exited: true, Reason: process.ExitCheckFailed, ExitCode: reading.Known(2),
	}}, s.Changes)
	u := usageOf(t, only(t, s), process.RoleRunner)
	assert.Equal(t, map[process.ExitReason]uint64{process.ExitCheckFailed: 1}, u.Exits)
	assert.Zero(t, u.Count)

	w.remove(120)
	w.remove(100)
	s = w.pass()
	assert.Equal(t, []process.LifecycleEvent{{
		Time: s.Time, Instance: id, Role: process.RoleServer, PID: 100, Exited: true, Reason: process.ExitUnknown,
	}}, s.Changes)
	i := only(t, s)
	assert.False(t, i.Up())
	assert.Len(t, i.Roles, 2, "a role once seen stays")
	assert.Empty(t, w.pass().Changes)
}

func TestChildren(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	child := func(pid, parent int, argv ...string) {
		w.put(proctest.ProcEntry{PID: pid, PPID: parent, Argv: argv, StartTicks: 310_000 + uint64(pid)})
	}
	child(101, 100, "/usr/bin/ffprobe", "x")
	child(102, 100, "/usr/bin/curl", "x")
	child(103, 100, "nvidia-smi")
	child(104, 100, "/usr/bin/node", "x")
	child(105, 100, "/bin/sh", "-c", "x")
	child(106, 105, "/usr/bin/ffmpeg", "x")
	w.put(proctest.ProcEntry{PID: 107, PPID: 100, Comm: "curl", State: "Z", StartTicks: 310_107})
	child(108, 1, "/usr/bin/ffmpeg", "somebody else's")
	assert.Equal(t, map[process.Role][]int{
		process.RoleServer: {100}, process.RoleFFprobe: {101}, process.RoleCurl: {102}, process.RoleNvidiaSMI: {103}, process.RoleNode: {104},
		process.RoleOther: {105}, process.RoleFFmpeg: {106},
	}, pids(only(t, w.pass())))
}

func TestOrphanedFFmpegStays(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	w.put(ffmpeg(101, 100))
	w.pass()
	w.remove(100)
	w.put(ffmpeg(101, 1))
	i := only(t, w.pass())
	assert.False(t, i.Up())
	assert.Equal(t, map[process.Role][]int{process.RoleFFmpeg: {101}}, pids(i))
}

func TestForkWindow(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	parent := server(100, "/opt/facefusion")
	w.put(parent)
	w.pass()
	copied := parent
	copied.PID, copied.PPID, copied.StartTicks, copied.UserTicks = 101, 100, w.host.Ticks(), 5
	w.put(copied)
	s := w.pass()
	assert.Empty(t, s.Changes, "a copy is not a new FaceFusion")
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {100}}, pids(only(t, s)), "nor anything yet: it flickered between fork and exec")

	w.advance(2 * time.Second)
	s = w.pass()
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {100}, process.RoleOther: {101}}, pids(only(t, s)), "one that stays a copy is a child")

	became := ffmpeg(101, 100)
	became.StartTicks, became.UserTicks = copied.StartTicks, 25
	w.put(became)
	i := only(t, w.pass())
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {100}, process.RoleFFmpeg: {101}}, pids(i))
	assert.Equal(t, 0.05, usageOf(t, i, process.RoleOther).CPUUser)
	assert.Equal(t, 0.2, usageOf(t, i, process.RoleFFmpeg).CPUUser, "what it used since counts for its new role")
}

// Conda makes FaceFusion 3.6 and later exec itself with another argv[0]; a child that is forked
// after that is still a copy.
func TestForkAfterCondaExec(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	p := server(100, "/opt/facefusion")
	w.put(p)
	w.pass()
	p.Argv = append([]string{"/opt/conda/bin/python"}, p.Argv[1:]...)
	w.put(p)
	copied := p
	copied.PID, copied.PPID, copied.StartTicks = 101, 100, w.host.Ticks()
	w.put(copied)
	s := w.pass()
	assert.Empty(t, s.Changes)
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {100}}, pids(only(t, s)))
	w.advance(2 * time.Second)
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {100}, process.RoleOther: {101}}, pids(only(t, w.pass())))
}

// TestForkAndExecBetweenTwoPasses: what was a copy once is counted as what it became, with all that
// it used.
func TestForkAndExecBetweenTwoPasses(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	parent := server(100, "/opt/facefusion")
	w.put(parent)
	w.pass()
	copied := parent
	copied.PID, copied.PPID, copied.StartTicks, copied.UserTicks = 101, 100, w.host.Ticks(), 5
	w.put(copied)
	w.pass()
	became := ffmpeg(101, 100)
	became.StartTicks, became.UserTicks = copied.StartTicks, 25
	w.put(became)
	w.advance(time.Second)
	i := only(t, w.pass())
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {100}, process.RoleFFmpeg: {101}}, pids(i))
	assert.Equal(t, 0.25, usageOf(t, i, process.RoleFFmpeg).CPUUser)
}

func TestChildBecomesFaceFusion(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	parent := server(100, "/opt/facefusion")
	w.put(parent)
	w.pass()
	copied := parent
	copied.PID, copied.PPID, copied.StartTicks = 101, 100, w.host.Ticks()
	w.put(copied)
	w.pass()
	copied.Argv = []string{"python", "facefusion.py", "job-run-all"}
	w.put(copied)
	s := w.pass()
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {100}, process.RoleRunner: {101}}, pids(only(t, s)))
	require.Len(t, s.Changes, 1)
	assert.Equal(t, process.RoleRunner, s.Changes[0].Role)
}

func TestForgetting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{ForgetAfter: time.Hour, OnExit: func() {}, Instances: []process.Configured{{Name: "studio", Path: "/opt/studio"}}})
		w.checkout("/opt/facefusion", "3.8.1")
		w.checkout("/opt/studio", "3.7.0")
		w.put(server(100, "/opt/facefusion"))
		w.put(server(101, "/opt/studio"))
		seen := w.pass()
		require.Len(t, seen.Instances, 2)
		w.remove(100)
		w.remove(101)
		time.Sleep(time.Hour)
		s := w.pass()
		require.Len(t, s.Instances, 2)
		assert.True(t, seen.Time.Equal(s.Instances[0].LastSeen))
		time.Sleep(time.Nanosecond)
		s = w.pass()
		require.Len(t, s.Instances, 1)
		assert.Equal(t, "studio", s.Instances[0].ID)
		require.NoError(t, w.table.Close())
	})
}

func TestExitIsNoticedInATree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exited := make(chan time.Time, 1)
		w := newHarness(t, process.Settings{OnExit: func() { exited <- time.Now() }})
		w.checkout("/opt/facefusion", "3.8.1")
		w.put(server(100, "/opt/facefusion"))
		w.pass()
		time.Sleep(time.Minute)
		require.Empty(t, exited)
		w.remove(100)
		removed := time.Now()
		assert.LessOrEqual(t, (<-exited).Sub(removed), 100*time.Millisecond)
		time.Sleep(time.Minute)
		assert.Empty(t, exited, "it is told once")
		w.pass()
		require.NoError(t, w.table.Close())
	})
}

func TestSnapshotsDoNotChange(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	before := w.pass()
	exits := usageOf(t, only(t, before), process.RoleServer).Exits
	w.remove(100)
	w.pass()
	assert.Empty(t, exits)
	i := only(t, before)
	assert.True(t, i.Up())
}
