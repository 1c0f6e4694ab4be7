package process_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// realCheckout is an installation on the real file system.
func realCheckout(t *testing.T) string {
	t.Helper()
	host, err := proctest.NewProcRoot(t.TempDir(), bootTime)
	require.NoError(t, err)
	require.NoError(t, host.Checkout("/facefusion", "3.8.1"))
	return host.Path("/facefusion")
}

// realTable observes this very machine.
func realTable(t *testing.T, exited func()) *process.Table {
	t.Helper()
	table := process.NewTable(process.Settings{OnExit: exited})
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	return table
}

// at returns the instance with a checkout: other tests' processes may run on this machine, too.
func at(s *process.Snapshot, checkout string) *process.Instance {
	for n := range s.Instances {
		if s.Instances[n].Checkout == checkout {
			return &s.Instances[n]
		}
	}
	return nil
}

func TestRealServer(t *testing.T) {
	checkout := realCheckout(t)
	exited := make(chan struct{}, 8)
	table := realTable(t, func() { exited <- struct{}{} })
	_, err := table.Observe(t.Context())
	require.NoError(t, err)

	server := startImpostor(t, checkout, "listen 127.0.0.1:0", "python", "facefusion.py", "run")
	s := observeUntil(t, table, "found", func(s *process.Snapshot) bool { return at(s, checkout) != nil })
	i := at(s, checkout)
	assert.Equal(t, "3.8.1", i.Version)
	assert.True(t, i.Up())
	assert.Equal(t, filepath.Join(checkout, ".jobs"), i.JobsPath)
	assert.DirExists(t, i.JobsHostPath)
	require.Len(t, i.Servers, 1)
	assert.Equal(t, server.pid(), i.Servers[0].PID)
	assert.Equal(t, server.port, i.Servers[0].Port)
	assert.Equal(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), server.port), i.Servers[0].Address)
	u := usageOf(t, i, process.RoleServer)
	assert.Equal(t, uint64(1), u.Starts)
	assert.Positive(t, u.ResidentMemory)
	assert.Positive(t, u.Threads)
	assert.Greater(t, u.FileDescriptors.V, int64(3))
	assert.True(t, u.ReadBytes.Known)
	assert.WithinDuration(t, time.Now(), u.OldestStart, 20*time.Second)

	require.NoError(t, server.cmd.Process.Kill())
	select {
	case <-exited: // no pass is needed for it: none happens here
	case <-time.After(10 * time.Second):
		t.Fatal("the exit was not noticed")
	}
	require.Error(t, server.cmd.Wait())
	s = observeUntil(t, table, "exit", func(s *process.Snapshot) bool { return !at(s, checkout).Up() })
	exits := usageOf(t, at(s, checkout), process.RoleServer).Exits
	assert.Equal(t, map[process.ExitReason]uint64{process.ExitKilled: 1}, exits)
}

func TestRealExitCodes(t *testing.T) {
	for _, c := range []struct {
		code   int
		signal syscall.Signal
		reason process.ExitReason
	}{
		{code: 0, reason: process.ExitCompleted},
		{code: 1, reason: process.ExitFailed},
		{code: 2, reason: process.ExitCheckFailed},
		{signal: syscall.SIGTERM, reason: process.ExitTerminated},
		{signal: syscall.SIGKILL, reason: process.ExitKilled},
		{signal: syscall.SIGSEGV, reason: process.ExitCrashed},
	} {
		for _, fetched := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%d/%d/fetched=%v", c.reason, c.code, c.signal, fetched), func(t *testing.T) {
				checkout := realCheckout(t)
				table := realTable(t, nil)
				mode := fmt.Sprint("exit ", c.code)
				if c.signal != 0 {
					mode = shellMode
				}
				runner := startImpostor(t, checkout, mode, "python3", "facefusion.py", "job-run-all")
				observeUntil(t, table, "found", func(s *process.Snapshot) bool { return at(s, checkout) != nil })
				if c.signal != 0 {
					require.NoError(t, runner.cmd.Process.Signal(c.signal))
				} else {
					require.NoError(t, runner.input.Close())
				}
				if fetched {
					require.Equal(t, c.code == 0 && c.signal == 0, runner.cmd.Wait() == nil)
				}
				var change process.LifecycleEvent
				observeUntil(t, table, "exit", func(s *process.Snapshot) bool {
					for _, ch := range s.Changes {
						if ch.PID == runner.pid() && ch.Exited {
							change = ch
							return true
						}
					}
					return false
				})
				assert.Equal(t, c.reason, change.Reason)
				if c.signal != 0 {
					assert.Equal(t, reading.Known(int(c.signal)), change.Signal)
					assert.False(t, change.ExitCode.Known)
				} else {
					assert.Equal(t, reading.Known(c.code), change.ExitCode)
					assert.False(t, change.Signal.Known)
				}
			})
		}
	}
}

func TestDescriptorsAreClosed(t *testing.T) {
	checkout := realCheckout(t)
	long := startImpostor(t, checkout, "exit 0", "python", "facefusion.py", "benchmark")
	short := startImpostor(t, checkout, "exit 0", "python", "facefusion.py", "force-download")
	// Other FaceFusions come and go on the machine: only pidfds of these two count.
	count := func() (n int) {
		files, err := filepath.Glob("/proc/self/fdinfo/*")
		require.NoError(t, err)
		for _, file := range files {
			info, _ := os.ReadFile(file) // that of the folder itself is gone
			for _, pid := range []int{long.pid(), short.pid()} {
				n += strings.Count(string(info), fmt.Sprintf("\nPid:\t%d\n", pid))
			}
		}
		return n
	}
	before := count()
	for range 3 {
		table := process.NewTable(process.Settings{OnExit: func() {}})
		observeUntil(t, table, "both found", func(s *process.Snapshot) bool {
			return at(s, checkout) != nil && len(at(s, checkout).Processes) == 2
		})
		assert.Greater(t, count(), before, "a pidfd is open for each process")
		require.NoError(t, table.Close())
		require.NoError(t, table.Close(), "closing twice is safe")
		assert.Equal(t, before, count())
	}
	table := realTable(t, func() {})
	observeUntil(t, table, "both found", func(s *process.Snapshot) bool {
		return at(s, checkout) != nil && len(at(s, checkout).Processes) == 2
	})
	with := count()
	short.cmd.Process.Kill()
	observeUntil(t, table, "exit", func(s *process.Snapshot) bool { return len(at(s, checkout).Processes) == 1 })
	assert.Equal(t, with-1, count(), "the pidfd of an ended process is closed")
	_, err := table.Observe(t.Context())
	require.NoError(t, err)
}

func TestExecIsFollowed(t *testing.T) {
	checkout := realCheckout(t)
	table := realTable(t, nil)
	// A shell that waits, as an entry point that prepares something first, and then becomes
	// FaceFusion.
	const script = `read _; exec -a python /bin/sh facefusion.py run`
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = checkout
	require.NoError(t, os.WriteFile(filepath.Join(checkout, "facefusion.py"), []byte("read _\n"), 0o600))
	input, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	s, err := table.Observe(t.Context())
	require.NoError(t, err)
	require.Nil(t, at(s, checkout))
	_, err = input.Write([]byte("\n"))
	require.NoError(t, err)
	s = observeUntil(t, table, "exec", func(s *process.Snapshot) bool { return at(s, checkout) != nil })
	assert.Equal(t, map[process.Role][]int{process.RoleServer: {cmd.Process.Pid}}, pids(at(s, checkout)))
}

// TestExitCodeWithoutPrivileges: to a stranger the kernel shows a zombie with the exit code 0,
// whatever it is. That must not be taken for success.
func TestExitCodeWithoutPrivileges(t *testing.T) {
	require.Zero(t, os.Getuid(), "this test changes the user and must be run as root")
	for _, c := range []struct {
		fetched time.Duration
		want    process.ExitReason
	}{{300 * time.Millisecond, process.ExitFailed}, {3 * time.Second, process.ExitUnknown}} {
		t.Run(string(c.want), func(t *testing.T) {
			checkout := realCheckout(t)
			runner := startImpostor(t, checkout, "exit 1", "python", "facefusion.py", "job-run-all", "--jobs-path", checkout)
			witness := asStranger(fmt.Sprint("witness ", runner.pid()))
			output, err := witness.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, witness.Start())
			var seen string
			_, err = fmt.Fscan(output, &seen)
			require.NoError(t, err)
			require.NoError(t, runner.input.Close())
			time.Sleep(c.fetched) // a real zombie of a real parent
			require.Error(t, runner.cmd.Wait())
			var change process.LifecycleEvent
			require.NoError(t, json.NewDecoder(output).Decode(&change))
			require.NoError(t, witness.Wait())
			assert.Equal(t, c.want, change.Reason)
			assert.Equal(t, c.want == process.ExitFailed, change.ExitCode.Known)
		})
	}
}
