package process_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

// opens counts which files of a process are opened, with inotify.
type opens struct {
	t      *testing.T
	fd     int
	counts map[string]int
}

func watchOpens(t *testing.T, dir string) *opens {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	_, err = unix.InotifyAddWatch(fd, dir, unix.IN_OPEN)
	require.NoError(t, err)
	return &opens{t: t, fd: fd, counts: map[string]int{}}
}

// taken returns the counts since the watch began.
func (o *opens) taken() map[string]int {
	o.t.Helper()
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(o.fd, buf)
		if err == unix.EAGAIN {
			return o.counts
		}
		require.NoError(o.t, err)
		for b := buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			size := int(binary.NativeEndian.Uint32(b[12:]))
			o.counts[unix.ByteSliceToString(b[unix.SizeofInotifyEvent:unix.SizeofInotifyEvent+size])]++
			b = b[unix.SizeofInotifyEvent+size:]
		}
	}
}

// total is how often stat was read: once for each time the process was looked at.
func (o *opens) total() int { return o.taken()["stat"] }

func TestUninterestingProcessesAreReadOnce(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	w.put(proctest.ProcEntry{PID: 200, PPID: 1, Argv: []string{"vim", "facefusion.py"}, StartTicks: 1})
	w.put(proctest.ProcEntry{PID: 201, PPID: 2, Comm: "kworker/0:1", Flags: 0x00200000, StartTicks: w.host.Ticks()})
	vim := watchOpens(t, w.host.Path("/proc/200"))
	kernel := watchOpens(t, w.host.Path("/proc/201"))
	for range 10 {
		require.Len(t, only(t, w.pass()).Processes, 1)
	}
	assert.Equal(t, map[string]int{"stat": 1, "cmdline": 1}, vim.taken())
	assert.Equal(t, map[string]int{"stat": 1}, kernel.taken(), "a thread of the kernel cannot exec, however young")
}

func TestYoungProcessesAreReadUntilTheySettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		w.put(proctest.ProcEntry{PID: 200, PPID: 1, Argv: []string{"/opt/start"}, StartTicks: w.host.Ticks()})
		o := watchOpens(t, w.host.Path("/proc/200"))
		for range 60 {
			w.pass()
			w.advance(time.Second)
			time.Sleep(time.Second)
		}
		assert.Equal(t, 5, o.total(), "at the age of 0, 1, 2, 4 and 8 seconds")
	})
}

func TestCandidatesAreLookedAtAgain(t *testing.T) {
	for _, argv := range [][]string{
		{"/bin/sh", "/entrypoint.sh"}, {"-bash"}, {"/usr/bin/gosu", "ff", "sleep"}, {"python", "other.py"}, {"/usr/bin/pypy3"}, {"/opt/conda/bin/conda"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t, process.Settings{})
			w.put(proctest.ProcEntry{PID: 200, PPID: 1, Argv: argv, StartTicks: w.host.Ticks()})
			o := watchOpens(t, w.host.Path("/proc/200"))
			for range 600 {
				w.pass()
				w.advance(time.Second)
				time.Sleep(time.Second)
			}
			// At 0, 1, 2, 4, 8, 16, 32, 64 seconds, then each minute.
			assert.Equal(t, 8+8, o.total(), "%q", argv)
		})
	}
}

func TestExecWithoutFork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		w.checkout("/opt/facefusion", "3.8.1")
		p := server(200, "/opt/facefusion")
		p.StartTicks = w.host.Ticks()
		shell := p
		shell.Argv = []string{"/bin/sh", "/entrypoint.sh"}
		w.put(shell)
		background := proctest.ProcEntry{PID: 201, PPID: 200, Argv: []string{"nvidia-smi", "dmon"}, StartTicks: p.StartTicks + 1}
		grandchild := proctest.ProcEntry{PID: 202, PPID: 201, Argv: []string{"/usr/bin/curl"}, StartTicks: p.StartTicks + 2}
		w.put(background)
		w.put(grandchild)
		pass := func(seconds int) *process.Snapshot {
			for range seconds - 1 {
				w.pass()
				w.advance(time.Second)
				time.Sleep(time.Second)
			}
			return w.pass()
		}
		require.Empty(t, pass(90).Instances)
		w.put(p)
		i := only(t, pass(60))
		assert.Equal(t, map[process.Role][]int{process.RoleServer: {200}, process.RoleNvidiaSMI: {201}, process.RoleCurl: {202}}, pids(i),
			"what the shell had started is a child, too")
		assert.Equal(t, uint64(1), usageOf(t, i, process.RoleServer).Starts)
	})
}

// A python with the right script in a folder that is no checkout yet: git is still at work.
func TestCheckoutAppearsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		p := server(200, "/opt/facefusion")
		p.StartTicks = w.host.Ticks()
		w.put(p)
		require.Empty(t, w.pass().Instances)
		w.checkout("/opt/facefusion", "3.8.1")
		require.Len(t, w.pass().Instances, 1)
	})
}

func TestFIFOInsteadOfMetadata(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	for _, name := range []string{"facefusion/metadata.py", "facefusion.ini"} {
		path := filepath.Join(w.host.Path("/opt/facefusion"), name)
		require.NoError(t, os.Remove(path))
		require.NoError(t, unix.Mkfifo(path, 0o644))
	}
	w.put(server(100, "/opt/facefusion"))
	require.Empty(t, w.pass().Instances)
}
