package process_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	groups "github.com/otelcol-facefusion/otelcol-facefusion/internal/container"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

var containerID = strings.Repeat("0123456789abcdef", 4)

// contained is a web UI in a container of Docker.
func contained(pid int) proctest.ProcEntry {
	p := listeningServer(pid, "/opt/facefusion", 7860)
	p.Cgroup = "0::/system.slice/docker-" + containerID + ".scope\n"
	p.NetNS = "net:[4026532999]"
	p.NetDev = "h\nh\n  eth0: 100 0 0 0 0 0 0 0 200 0 0 0 0 0 0 0\n"
	return p
}

// oomKills says how many processes of its container the kernel has killed.
func (w *harness) oomKills(n int) {
	w.t.Helper()
	for name, content := range map[string]string{
		"cgroup.controllers": "memory\n",
		"system.slice/docker-" + containerID + ".scope/memory.current": "5000\n",
		"system.slice/docker-" + containerID + ".scope/memory.events":  fmt.Sprintf("oom 9\noom_kill %d\n", n),
	} {
		require.NoError(w.t, w.host.WriteFile("/sys/fs/cgroup/"+name, content))
	}
}

func TestContainerOfAnInstance(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.oomKills(3)
	require.NoError(t, w.host.WriteFile("/var/lib/docker/containers/"+containerID+"/config.v2.json",
		`{"ID":"x","Name":"/studio-1","Config":{"Image":"facefusion:3.8.1-cuda","Env":["SECRET=1"]}}`))
	w.put(contained(100))
	got := only(t, w.pass()).Container
	require.NotNil(t, got)
	assert.Equal(t, containerID, got.ID)
	assert.Equal(t, groups.Names{Name: "studio-1", Image: "facefusion:3.8.1-cuda"}, got.Names)
	assert.Equal(t, reading.Known[int64](5000), got.Memory)
	assert.Equal(t, reading.Known[int64](3), got.OOMKills)
	assert.Equal(t, groups.Network{ReceivedBytes: reading.Known[int64](100), SentBytes: reading.Known[int64](200)}, got.Network)

	w.oomKills(4)
	for range groups.Parts {
		got = only(t, w.pass()).Container
	}
	assert.Equal(t, reading.Known[int64](4), got.OOMKills, "what memory does is read anew within three passes")

	assert.Nil(t, only(t, w.end(contained(100), 0)).Container)
	host := listeningServer(101, "/opt/facefusion", 7860)
	w.put(host)
	for _, i := range w.pass().Instances { // the container's is another one
		assert.Nil(t, i.Container, "on the host itself there is nothing around it")
	}
}

// TestCountersAreOfOneContainer: the oldest service of an instance ends, and another one is in its
// container. The counters go on where they were, whoever else is in the instance.
func TestCountersAreOfOneContainer(t *testing.T) {
	other := strings.Repeat("fedcba9876543210", 4)
	w := newHarness(t, together)
	w.checkout("/opt/facefusion", "3.8.1")
	w.oomKills(3)
	require.NoError(t, w.host.WriteFile("/sys/fs/cgroup/system.slice/docker-"+other+".scope/memory.current", "9000\n"))
	in := func(pid int, port uint16, id string) proctest.ProcEntry {
		p := listeningServer(pid, "/opt/facefusion", port)
		p.Cgroup = "0::/system.slice/docker-" + id + ".scope\n"
		return p
	}
	w.put(in(100, 7860, containerID))
	w.put(in(101, 7861, other))
	w.put(in(102, 7862, containerID))
	assert.Equal(t, containerID, only(t, w.pass()).Container.ID)
	w.remove(100)
	assert.Equal(t, containerID, only(t, w.pass()).Container.ID, "102 is in it")
	w.put(in(99, 7859, other))
	assert.Equal(t, containerID, only(t, w.pass()).Container.ID, "whoever else comes")
	w.remove(102)
	i := only(t, w.pass())
	assert.Equal(t, other, i.Container.ID, "nobody is in it any more")
	assert.Equal(t, reading.Known[int64](9000), i.Container.Memory)
}

// TestContainersAreLookedUpAgain: a runtime writes its names after the start, a group has its
// controllers later, and a process is moved.
func TestContainersAreLookedUpAgain(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	p := contained(100)
	w.put(p)
	got := only(t, w.pass()).Container
	assert.Equal(t, groups.Names{}, got.Names)
	assert.False(t, got.Memory.Known)
	w.oomKills(0)
	require.NoError(t, w.host.WriteFile("/var/lib/docker/containers/"+containerID+"/config.v2.json", `{"Name":"/studio-1","Config":{"Image":"facefusion:3.8.1"}}`))
	process.Age(w.table, 11*time.Second)
	for range groups.Parts {
		got = only(t, w.pass()).Container
	}
	assert.Equal(t, groups.Names{Name: "studio-1", Image: "facefusion:3.8.1"}, got.Names)
	assert.Equal(t, reading.Known[int64](5000), got.Memory)

	p.Cgroup = "0::/system.slice/facefusion.service\n"
	w.put(p)
	process.Age(w.table, 61*time.Second)
	assert.Equal(t, "facefusion.service", only(t, w.pass()).Container.Unit)
}

// TestPodOfAnInstance: the mounts that a kubelet makes show what the control group does not.
func TestPodOfAnInstance(t *testing.T) {
	const pod = "4b5d7f6e-1a2b-4c3d-8e9f-0123456789ab"
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	p := listeningServer(100, "/opt/facefusion", 7860)
	p.MountInfo = proctest.DefaultMountInfo +
		"30 21 8:1 /var/lib/kubelet/pods/" + pod + "/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n" +
		"31 21 8:1 /var/lib/kubelet/pods/" + pod + "/containers/swap-api/1a2b3c4d /dev/termination-log rw - ext4 /dev/sda1 rw\n"
	w.put(p)
	got := only(t, w.pass()).Container
	require.NotNil(t, got)
	assert.Equal(t, pod, got.PodUID)
	assert.Equal(t, "swap-api", got.PodContainer)
}

// TestKilledForMemory: a process that was killed, while the kernel counted one more, was killed for
// memory; so was one of which nothing is known. What is killed later is another matter.
func TestKilledForMemory(t *testing.T) {
	kill, unknown := int(unix.SIGKILL), -1
	for name, c := range map[string]struct {
		status int
		counts []int // before, at the end, and one at each of some passes before that
		want   process.ExitReason
	}{
		"killed":                                   {kill, []int{3, 4}, process.ExitOOMKilled},
		"killed by somebody":                       {kill, []int{3, 3}, process.ExitKilled},
		"counted some passes before it is gone":    {kill, []int{3, 4, 4, 4}, process.ExitOOMKilled},
		"another process was, long before":         {kill, []int{3, 4, 4, 4, 4, 4, 4, 4, 4}, process.ExitKilled},
		"nobody knows how it ended":                {unknown, []int{3, 4}, process.ExitOOMKilled},
		"nobody knows, and the kernel killed none": {unknown, []int{3, 3}, process.ExitUnknown},
		"it ended by itself":                       {code, []int{3, 4}, process.ExitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t, process.Settings{})
			w.checkout("/opt/facefusion", "3.8.1")
			w.oomKills(c.counts[0])
			w.put(contained(100))
			for range 2 * groups.Parts {
				w.pass()
			}
			for _, n := range c.counts[1 : len(c.counts)-1] {
				w.oomKills(n)
				w.pass()
			}
			w.oomKills(c.counts[len(c.counts)-1])
			var s *process.Snapshot
			if c.status == unknown {
				w.remove(100)
				s = w.pass()
			} else {
				s = w.end(contained(100), c.status)
			}
			require.Len(t, s.Changes, 1)
			assert.Equal(t, c.want, s.Changes[0].Reason)
			assert.Equal(t, map[process.ExitReason]uint64{c.want: 1}, usageOf(t, only(t, s), process.RoleServer).Exits)
			assert.False(t, only(t, s).Stopped)
		})
	}
}
