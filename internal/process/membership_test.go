package process_test

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// TestRunsWithJobsFoldersOfTheirOwn: one instance, whatever came first, and the same after a
// restart of the collector.
func TestRunsWithJobsFoldersOfTheirOwn(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	id, early := "", uint64(0)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for n := range 1000 {
		w.put(runner(1000+n, "/opt/facefusion", "--jobs-path", fmt.Sprint("/tmp/jobs-", n)))
		w.pass()
		if n == 200 {
			early = heap()
		}
		if n%100 == 0 {
			i := only(t, w.pass())
			if id == "" {
				id = i.ID
			}
			require.Equal(t, id, i.ID)
		}
		if n >= 10 {
			w.remove(1000 + n - 10)
		}
	}
	late := heap()
	t.Logf("%d KiB after 200 runs, %d KiB after 1,000", early>>10, late>>10)
	assert.Less(t, late, early+early/10+64<<10)
	w.put(server(100, "/opt/facefusion"))
	i := only(t, w.pass())
	assert.Equal(t, id, i.ID)
	assert.Len(t, i.Processes, 11)
	assert.Len(t, i.Roles, 2)
	assert.Len(t, w.table.Export(), 1)

	w.restart(process.Settings{})
	assert.Equal(t, id, only(t, w.pass()).ID)
	w.restartCollector(process.Settings{})
	assert.Equal(t, id, only(t, w.pass()).ID)
}

// TestStrangers: what another user runs is his own, also where he names the other one's folders.
func TestStrangers(t *testing.T) {
	const owner, stranger = 1000, 1001
	give := func(w *harness, path string, uid int) {
		require.NoError(t, os.Chown(w.host.Path(path), uid, uid))
	}
	for name, c := range map[string]struct {
		cwd  string
		args []string
	}{
		"the same checkout":              {cwd: "/opt/facefusion"},
		"a claimed jobs folder":          {cwd: "/home/eve/facefusion", args: []string{"--jobs-path", "/opt/facefusion/.jobs"}},
		"a claimed configuration":        {cwd: "/home/eve/facefusion", args: []string{"--config-path", "/home/eve/claim.ini"}},
		"the same checkout and the jobs": {cwd: "/opt/facefusion", args: []string{"--jobs-path", "/opt/facefusion/.jobs"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t, process.Settings{})
			w.checkout("/opt/facefusion", "3.8.1")
			w.checkout("/home/eve/facefusion", "3.0.1")
			require.NoError(t, w.host.WriteFile("/home/eve/claim.ini", "[paths]\njobs_path = /opt/facefusion/.jobs\n"))
			for _, path := range []string{"/opt/facefusion", "/opt/facefusion/.jobs"} {
				give(w, path, owner)
			}
			for _, path := range []string{"/home/eve/facefusion", "/home/eve/facefusion/.jobs"} {
				give(w, path, stranger)
			}
			victim := server(100, "/opt/facefusion")
			victim.UID = owner
			w.put(victim)
			id := only(t, w.pass()).ID
			eve := server(200, c.cwd, c.args...)
			eve.UID = stranger
			w.put(eve)
			for _, s := range []*process.Snapshot{w.pass(), w.pass()} {
				require.Len(t, s.Instances, 2)
				for _, i := range s.Instances {
					if i.ID == id {
						assert.Equal(t, "3.8.1", i.Version)
						assert.Equal(t, map[process.Role][]int{process.RoleServer: {100}}, pids(&i))
					} else {
						assert.Equal(t, map[process.Role][]int{process.RoleServer: {200}}, pids(&i))
						assert.True(t, i.ClaimRefused)
					}
				}
			}
			w.remove(100)
			for _, i := range w.pass().Instances {
				assert.Equal(t, i.ID != id, i.Up(), "the victim is down")
			}
			// A collector that starts now must not take the stranger for the one that it remembers.
			w.restart(process.Settings{})
			for _, i := range w.pass().Instances {
				assert.Equal(t, i.ID != id, i.Up())
				assert.Equal(t, i.ID != id, i.ClaimRefused, "the jobs are those of the victim also while that does not run")
			}
		})
	}
}

// TestAStrangerAlone: of a checkout that nobody else is known to use, the jobs are shown with
// whoever does, also where it is root's, as under /opt. They are shown with its owner once that
// runs.
func TestAStrangerAlone(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	api := server(200, "/opt/facefusion")
	api.UID = 998
	w.put(api)
	i := only(t, w.pass())
	assert.False(t, i.ClaimRefused)
	assert.NotEmpty(t, i.JobsHostPath)
	w.put(server(100, "/opt/facefusion"))
	s := w.pass()
	require.Len(t, s.Instances, 2)
	for _, i := range s.Instances {
		_, isOwners := pids(&i)[process.RoleServer]
		require.True(t, isOwners)
		assert.Equal(t, i.UID == 998, i.ClaimRefused)
	}
}

// TestAConfiguredStranger: a match says whose the processes are, and so are the jobs.
func TestAConfiguredStranger(t *testing.T) {
	w := newHarness(t, process.Settings{Instances: []process.Configured{{Name: "swap", Match: &process.Match{Cmdline: regexp.MustCompile(`facefusion\.py run --api`), User: "1001"}}}})
	w.checkout("/opt/facefusion", "3.8.1")
	p := server(200, "/opt/facefusion", "--api")
	p.UID = 1001
	w.put(p)
	w.put(server(100, "/opt/facefusion"))
	for _, i := range w.pass().Instances {
		assert.False(t, i.ClaimRefused, i.ID)
	}
}

// TestTheyAreNoStrangers: root, the owner of the jobs folder in a checkout of root's, and a group.
func TestTheyAreNoStrangers(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	require.NoError(t, os.Chown(w.host.Path("/opt/facefusion/.jobs"), 1000, 2000))
	require.NoError(t, os.Chmod(w.host.Path("/opt/facefusion/.jobs"), 0o775))
	w.put(server(100, "/opt/facefusion"))
	for n, uid := range []int{1000, 2000} {
		p := runner(101+n, "/opt/facefusion")
		p.UID = uid
		w.put(p)
	}
	assert.Len(t, only(t, w.pass()).Processes, 3)
}

// TestInstancesOfRunsThatWereSaved: a released version saved an instance for each jobs folder of a
// run.
func TestInstancesOfRunsThatWereSaved(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	folder := process.FolderPaths{Inner: "/opt/facefusion", Host: "/opt/facefusion", Key: "/opt/facefusion"}
	var list []process.SavedInstance
	for n := range 20 {
		jobs := fmt.Sprint("/tmp/jobs-", n)
		list = append(list, process.SavedInstance{
			ID: fmt.Sprint("facefusion-", n), LastSeen: time.Now().Add(-time.Duration(n) * time.Minute), Checkout: folder,
			Jobs: process.FolderPaths{Inner: jobs, Host: jobs, Key: jobs}, Roles: []process.Role{process.RoleRunner},
		})
	}
	w.table.Restore(list)
	assert.Equal(t, "facefusion-0", only(t, w.pass()).ID)
	w.put(runner(100, "/opt/facefusion", "--jobs-path", "/tmp/jobs-x"))
	i := only(t, w.pass())
	assert.Equal(t, "facefusion-0", i.ID)
	assert.True(t, i.Up())
}

// TestJobsLaidOverInAContainer: whoever is some user in a container can make a user namespace with
// mounts of his own, and lay a folder that he may write to over the jobs. That makes the checkout
// no more his than it was. A folder that the container's own runtime has mounted there does.
func TestJobsLaidOverInAContainer(t *testing.T) {
	for _, c := range []struct {
		name string
		mine bool
		want int
	}{{"by the runtime", true, 1}, {"by himself", false, 2}} {
		t.Run(c.name, func(t *testing.T) {
			w := newHarness(t, process.Settings{})
			process.SetNetwork(w.table, c.mine, nil)
			cgroup := "0::/docker/" + nthContainer(1) + "\n"
			victim := created(w, 100, 1, cgroup, "", "")
			require.NoError(t, os.Chmod(w.host.Path(victim.RootDir+"/facefusion/.jobs"), 0o777))
			stranger := created(w, 200, 1, cgroup, "", kindsOfJobs["on tmpfs"])
			stranger.UID, stranger.StartTicks = 1000, victim.StartTicks+10
			victim.MountInfo = stranger.MountInfo
			if !c.mine {
				victim.MountInfo = created(w, 100, 1, cgroup, "", "").MountInfo
			}
			w.put(victim)
			w.put(stranger)
			assert.Len(t, w.pass().Instances, c.want)
		})
	}
}
