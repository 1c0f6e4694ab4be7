package process

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

// TestContainersTakeLittle: 100 microseconds of CPU for an instance and pass, with what is looked
// up anew each minute, on a tree like that of Linux 6.12 with Docker.
func TestContainersTakeLittle(t *testing.T) {
	root, err := proctest.NewProcRoot(t.TempDir(), time.Unix(1_795_000_000, 0))
	require.NoError(t, err)
	require.NoError(t, root.Checkout("/opt/facefusion", "3.8.1"))
	id := strings.Repeat("0123456789abcdef", 4)
	group := "/sys/fs/cgroup/system.slice/docker-" + id + ".scope"
	for name, content := range map[string]string{
		"/sys/fs/cgroup/cgroup.controllers": "cpu io memory pids\n",
		group + "/memory.current":           "5000000\n", group + "/memory.max": "9000000\n", group + "/memory.peak": "7000000\n",
		group + "/memory.stat":   strings.Repeat("workingset_refault_anon 123456\n", 50) + "inactive_file 1000000\n",
		group + "/memory.events": "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\n",
		group + "/cpu.stat":      "usage_usec 11\nuser_usec 12000000\nsystem_usec 13000000\nthrottled_usec 16000000\n", group + "/cpu.max": "150000 100000\n",
		group + "/io.stat":      strings.Repeat("8:0 rbytes=100 wbytes=200 rios=3 wios=4 dbytes=5 dios=6\n", 8),
		group + "/pids.current": "21\n", group + "/pids.max": "max\n",
		group + "/cpu.pressure":    "some avg10=0.00 avg60=0.00 avg300=0.00 total=31000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=32000000\n",
		group + "/memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=31000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=32000000\n",
		group + "/io.pressure":     "some avg10=0.00 avg60=0.00 avg300=0.00 total=31000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=32000000\n",
		filepath.Join("/var/lib/docker/containers", id, "config.v2.json"): `{"Name":"/studio-1","Config":{"Image":"facefusion:3.8.1"}}`,
	} {
		require.NoError(t, root.WriteFile(name, content))
	}
	require.NoError(t, root.Put(proctest.ProcEntry{
		PID: 100, PPID: 1, Argv: []string{"python", "facefusion.py", "run"}, Cwd: "/opt/facefusion", StartTicks: 300_100,
		Cgroup: "0::/system.slice/docker-" + id + ".scope\n", NetNS: "net:[4026532999]", NetDev: "h\nh\n  eth0: 100 0 0 0 0 0 0 0 200 0 0 0 0 0 0 0\n",
	}))
	table := NewTable(Settings{RootPath: root.Root()})
	defer func() { require.NoError(t, table.Close()) }()
	_, err = table.Observe(t.Context())
	require.NoError(t, err)
	const passes = 3000
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin := threadCPU(t)
	for range passes {
		table.at += time.Second
		table.readContainers()
	}
	took := (threadCPU(t) - begin) / passes
	for _, i := range table.instances.all() {
		require.Equal(t, "studio-1", i.around.names.Name)
		require.True(t, i.around.usage.Pressure[0].Some.Known)
	}
	t.Logf("%v for a pass", took)
	assert.Less(t, took, 100*time.Microsecond)
}

func threadCPU(t *testing.T) time.Duration {
	t.Helper()
	var r unix.Rusage
	require.NoError(t, unix.Getrusage(unix.RUSAGE_THREAD, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
