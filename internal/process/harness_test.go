package process_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

// harness is a host that a test built, and a table that observes it.
type harness struct {
	t     testing.TB
	host  *proctest.ProcRoot
	table *process.Table
}

var bootTime = time.Unix(1_795_000_000, 0)

func newHarness(t testing.TB, s process.Settings) *harness {
	t.Helper()
	host, err := proctest.NewProcRoot(t.TempDir(), bootTime)
	require.NoError(t, err)
	w := &harness{t: t, host: host}
	w.restartCollector(s)
	return w
}

// restartCollector replaces the table by a new one.
func (w *harness) restartCollector(s process.Settings) {
	s.RootPath = w.host.Root()
	w.table = process.NewTable(s)
	w.t.Cleanup(func() { require.NoError(w.t, w.table.Close()) })
}

func (w *harness) checkout(path, version string) {
	w.t.Helper()
	require.NoError(w.t, w.host.Checkout(path, version))
}

func (w *harness) put(p proctest.ProcEntry) {
	w.t.Helper()
	require.NoError(w.t, w.host.Put(p))
}

func (w *harness) remove(pid int) {
	w.t.Helper()
	require.NoError(w.t, w.host.Remove(pid))
}

func (w *harness) advance(d time.Duration) {
	w.t.Helper()
	require.NoError(w.t, w.host.Advance(d))
}

func (w *harness) pass() *process.Snapshot {
	w.t.Helper()
	s, err := w.table.Observe(w.t.Context())
	require.NoError(w.t, err)
	return s
}

// server is a web UI, started ten minutes ago.
func server(pid int, cwd string, args ...string) proctest.ProcEntry {
	return proctest.ProcEntry{
		PID: pid, PPID: 1, Argv: append([]string{"python", "facefusion.py", "run"}, args...), Cwd: cwd, StartTicks: 300_000 + uint64(pid),
	}
}

// runner processes jobs.
func runner(pid int, cwd string, args ...string) proctest.ProcEntry {
	p := server(pid, cwd)
	p.Argv = append([]string{"python", "facefusion.py", "job-run-all"}, args...)
	return p
}

func ffmpeg(pid, parent int) proctest.ProcEntry {
	return proctest.ProcEntry{PID: pid, PPID: parent, Argv: []string{"/usr/bin/ffmpeg", "-i", "pipe:0"}, StartTicks: 310_000 + uint64(pid), Cwd: "/"}
}

// only returns the single instance of a snapshot.
func only(t testing.TB, s *process.Snapshot) *process.Instance {
	t.Helper()
	require.Len(t, s.Instances, 1)
	return &s.Instances[0]
}

// usageOf returns the usage of a role, which must be there.
func usageOf(t testing.TB, i *process.Instance, r process.Role) process.RoleUsage {
	t.Helper()
	for _, u := range i.Roles {
		if u.Role == r {
			return u
		}
	}
	require.Fail(t, fmt.Sprintf("no role %q in %v", r, i.Roles))
	return process.RoleUsage{}
}

// pids of an instance by role.
func pids(i *process.Instance) map[process.Role][]int {
	m := map[process.Role][]int{}
	for _, p := range i.Processes {
		m[p.Role] = append(m[p.Role], p.PID)
	}
	return m
}
