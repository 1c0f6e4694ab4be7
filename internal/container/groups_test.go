package container_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// tree writes files below a host's mount of the control groups.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, "sys/fs/cgroup", name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return root
}

// unified are the files of a group as Linux 6.12 has them, each with values of its own.
func unified(group string) map[string]string {
	return map[string]string{
		"cgroup.controllers":       "cpu io memory pids\n",
		group + "/memory.current":  "5000000\n",
		group + "/memory.max":      "9000000\n",
		group + "/memory.peak":     "7000000\n",
		group + "/memory.stat":     "anon 1\nfile 2\ninactive_anon 3\nactive_anon 4\ninactive_file 1000000\nactive_file 5\n",
		group + "/memory.events":   "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n",
		group + "/cpu.stat":        "usage_usec 11\nuser_usec 12000000\nsystem_usec 13000000\nnice_usec 1\nnr_periods 14\nnr_throttled 15\nthrottled_usec 16000000\nnr_bursts 0\n",
		group + "/cpu.max":         "150000 100000\n",
		group + "/io.stat":         "8:0 rbytes=100 wbytes=200 rios=3 wios=4 dbytes=5 dios=6\n259:1 rbytes=1000 wbytes=2000 rios=3 wios=4 dbytes=5 dios=6\n253:0\n",
		group + "/pids.current":    "21\n",
		group + "/pids.max":        "max\n",
		group + "/cpu.pressure":    "some avg10=0.00 avg60=0.00 avg300=0.00 total=31000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=32000000\n",
		group + "/memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=33000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=34000000\n",
		group + "/io.pressure":     "some avg10=0.00 avg60=0.00 avg300=0.00 total=35000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=36000000\n",
	}
}

func unifiedUsage() container.Usage {
	number, seconds := reading.Known[int64], reading.Known[float64]
	return container.Usage{
		Version: "v2", Memory: number(5000000), MemoryLimit: number(9000000), MemoryPeak: number(7000000), WorkingSet: number(4000000), OOMKills: number(5),
		CPUUser: seconds(12), CPUSystem: seconds(13), Throttled: seconds(16), CPULimit: seconds(1.5),
		ReadBytes: number(1100), WriteBytes: number(2200), Processes: number(21),
		Pressure: [3]container.Pressure{{Some: seconds(31), Full: seconds(32)}, {Some: seconds(33), Full: seconds(34)}, {Some: seconds(35), Full: seconds(36)}},
	}
}

func read(root, cgroup string) container.Usage {
	g, p := container.NewGroups(root), container.ParseLocation([]byte(cgroup))
	v := g.View(&p)
	return g.Read(&v)
}

func TestVersionTwo(t *testing.T) {
	assert.Equal(t, unifiedUsage(), read(tree(t, unified("system.slice/docker-"+id+".scope")), "0::/system.slice/docker-"+id+".scope\n"))
}

// TestFromWithinAContainer: there the kernel names groups from the reader's own on.
func TestFromWithinAContainer(t *testing.T) {
	root := tree(t, unified("kubepods.slice/kubepods-burstable.slice/"+id))
	assert.Equal(t, unifiedUsage(), read(root, "0::/../../../kubepods-burstable.slice/"+id+"\n"), "one part is not known")
	assert.Equal(t, unifiedUsage(), read(root, "0::/../../../../kubepods.slice/kubepods-burstable.slice/"+id+"\n"), "all is known")
	assert.Equal(t, container.Usage{Version: "v2"}, read(root, "0::/../"+id+"\n"), "too little is")
}

// TestVersionOne: it has no pressure, and no limit is a very large one.
func TestVersionOne(t *testing.T) {
	files := map[string]string{
		"memory/docker/x/memory.usage_in_bytes":                    "5000000\n",
		"memory/docker/x/memory.limit_in_bytes":                    "9223372036854771712\n",
		"memory/docker/x/memory.max_usage_in_bytes":                "7000000\n",
		"memory/docker/x/memory.stat":                              "cache 1\ninactive_file 2\ntotal_inactive_file 1000000\n",
		"memory/docker/x/memory.oom_control":                       "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n",
		"cpu,cpuacct/docker/x/cpuacct.stat":                        "user 1200\nsystem 1300\n",
		"cpu,cpuacct/docker/x/cpu.stat":                            "nr_periods 14\nnr_throttled 15\nthrottled_time 16000000000\n",
		"cpu,cpuacct/docker/x/cpu.cfs_quota_us":                    "150000\n",
		"cpu,cpuacct/docker/x/cpu.cfs_period_us":                   "100000\n",
		"blkio/docker/x/blkio.throttle.io_service_bytes":           "8:0 Read 1\nTotal 1\n",
		"blkio/docker/x/blkio.throttle.io_service_bytes_recursive": "8:0 Read 100\n8:0 Write 200\n8:0 Total 300\n8:16 Read 1000\n8:16 Write 2000\nTotal 3300\n",
		"pids/docker/x/pids.current":                               "21\n",
		"pids/docker/x/pids.max":                                   "100\n",
	}
	const cgroup = "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n3:blkio:/docker/x\n2:pids:/docker/x\n1:name=systemd:/docker/x\n"
	want := unifiedUsage()
	want.Version, want.MemoryLimit, want.Pressure, want.ProcessLimit = "v1", reading.Value[int64]{}, [3]container.Pressure{}, reading.Known[int64](100)
	assert.Equal(t, want, read(tree(t, files), cgroup))

	files["cpu,cpuacct/docker/x/cpu.cfs_quota_us"] = "-1\n"
	assert.False(t, read(tree(t, files), cgroup).CPULimit.Known, "no quota")
}

// TestWhatIsMissingIsAbsent: a controller that is not switched on, a kernel without pressure, no
// control groups at all.
func TestWhatIsMissingIsAbsent(t *testing.T) {
	assert.Equal(t, container.Usage{Version: "v2"}, read(t.TempDir(), "0::/a\n"))
	assert.Equal(t, container.Usage{Version: "v1"}, read(t.TempDir(), "5:memory:/docker/x\n"))
	files := unified("a")
	for _, file := range []string{"memory.current", "memory.peak", "cpu.max", "io.stat", "memory.pressure"} {
		delete(files, "a/"+file)
	}
	got := read(tree(t, files), "0::/a\n")
	assert.False(t, got.Memory.Known)
	assert.False(t, got.WorkingSet.Known)
	assert.False(t, got.CPULimit.Known)
	assert.False(t, got.ReadBytes.Known)
	assert.Equal(t, [3]container.Pressure{}, got.Pressure)
	assert.Equal(t, reading.Known(12.0), got.CPUUser)
}

func TestNetwork(t *testing.T) {
	const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     999      11    0    0    0     0          0         0      999      11    0    0    0     0       0          0
  eth0:     100      12    1    0    0     0          0         0      200      13    0    0    0     0       0          0
  eth1:1000      12    1    0    0     0          0         0      2000      13    0    0    0     0       0          0
`
	assert.Equal(t, container.Network{ReceivedBytes: reading.Known[int64](1100), SentBytes: reading.Known[int64](2200)}, container.ParseNetwork([]byte(text)))
}

func BenchmarkRead(b *testing.B) {
	g, p := container.NewGroups(tree(b, unified("a"))), container.ParseLocation([]byte("0::/a\n"))
	v := g.View(&p)
	for b.Loop() {
		g.Read(&v)
	}
}
