package process_test

import (
	"fmt"
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

// TestContainersWithoutALastingName: an old one is forgotten when its container was removed and
// another has its place, and is down while it is only stopped.
func TestContainersWithoutALastingName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		cgroup := func(n int) string { return "0::/system.slice/docker-" + nthContainer(n) + ".scope\n" }
		w.put(created(w, 100, 1, cgroup(1), "", ""))
		id := only(t, w.pass()).ID
		w.remove(100)
		time.Sleep(time.Hour)
		i := only(t, w.pass())
		assert.False(t, i.Up(), "it is stopped")
		w.put(created(w, 101, 1, cgroup(1), "", ""))
		i = only(t, w.pass())
		assert.Equal(t, id, i.ID, "started again")
		assert.True(t, i.Up())

		w.remove(101)
		w.pass()
		w.put(created(w, 102, 2, cgroup(2), "", ""))
		require.Len(t, w.pass().Instances, 2)
		require.NoError(t, os.RemoveAll(w.host.Path("/var/lib/docker/overlay2/layer-1")))
		w.passes(time.Minute)
		i = only(t, w.pass())
		assert.NotEqual(t, id, i.ID, "another has its place")
		assert.True(t, i.Up())
	})
}

// passes looks every ten seconds for a while.
func (w *harness) passes(d time.Duration) *process.Snapshot {
	w.t.Helper()
	for range int(d / (10 * time.Second)) {
		time.Sleep(10 * time.Second)
		w.pass()
	}
	return w.pass()
}

// TestContainersThatAreRemoved: one that removes itself when its service ends is down for as long
// as any other when that crashed. One that was stopped is forgotten, but is shown as stopped for
// longer than the alert on what stayed away needs. A run ends, and is not missed.
func TestContainersThatAreRemoved(t *testing.T) {
	for name, c := range map[string]struct {
		status         int
		run            bool
		early, quarter int // instances after a minute, and after a quarter of an hour
		stopped        bool
	}{
		"crashed":            {status: int(unix.SIGSEGV), early: 1, quarter: 1},
		"an error":           {status: 1 << 8, early: 1, quarter: 1},
		"stopped":            {status: int(unix.SIGTERM), early: 1, stopped: true},
		"stopped by Ctrl-C":  {status: int(unix.SIGINT), early: 1, stopped: true},
		"a run":              {run: true},
		"a run that crashed": {status: int(unix.SIGSEGV), run: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t, process.Settings{ForgetAfter: 24 * time.Hour})
				p := created(w, 100, 1, "0::/system.slice/docker-"+nthContainer(1)+".scope\n", "", "")
				if c.run {
					p.Argv = runner(100, "").Argv
				}
				w.put(p)
				only(t, w.pass())
				w.end(p, c.status)
				require.NoError(t, os.RemoveAll(w.host.Path("/var/lib/docker/overlay2/layer-1")))
				require.NoError(t, os.MkdirAll(w.host.Path("/var/lib/docker/overlay2/another"), 0o755))
				s := w.passes(time.Minute)
				require.Len(t, s.Instances, c.early)
				for _, i := range s.Instances {
					assert.Equal(t, c.stopped, i.Stopped)
				}
				assert.Len(t, w.passes(13*time.Minute).Instances, c.early)
				assert.Len(t, w.passes(2*time.Minute).Instances, c.quarter)
				time.Sleep(23 * time.Hour)
				assert.Len(t, w.pass().Instances, c.quarter)
				time.Sleep(time.Hour)
				assert.Empty(t, w.pass().Instances)
			})
		})
	}
}

// TestOneContainerTakesOnePlace: of two that crashed and are removed, one is created anew.
func TestOneContainerTakesOnePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		put := func(n int) proctest.ProcEntry {
			p := created(w, 100+n, n, "0::/system.slice/docker-"+nthContainer(n)+".scope\n", "", "")
			w.put(p)
			return p
		}
		first, second, _ := put(1), put(2), put(3)
		require.Len(t, w.pass().Instances, 3)
		time.Sleep(time.Second)
		w.end(first, int(unix.SIGKILL))
		time.Sleep(time.Second)
		w.end(second, int(unix.SIGKILL))
		for n := range 2 {
			require.NoError(t, os.RemoveAll(w.host.Path(fmt.Sprint("/var/lib/docker/overlay2/layer-", n+1))))
		}
		require.Len(t, w.passes(time.Minute).Instances, 3, "the one beside them has none of their places")
		put(4)
		s := w.passes(time.Minute)
		require.Len(t, s.Instances, 3)
		up := 0
		for _, i := range s.Instances {
			if i.Up() {
				up++
			}
		}
		assert.Equal(t, 2, up, "one is missed")
	})
}

// TestAContainerOfAnotherUserTakesNoPlace: he may run the same image, or make the crash unseen.
func TestAContainerOfAnotherUserTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		put := func(n, uid int) proctest.ProcEntry {
			p := created(w, 100+n, n, "0::/system.slice/docker-"+nthContainer(n)+".scope\n", "", "")
			p.UID = uid
			require.NoError(t, filepath.WalkDir(w.host.Path(p.RootDir+"/facefusion"), func(path string, _ os.DirEntry, err error) error {
				if err != nil {
					return err
				}
				return os.Chown(path, uid, uid)
			}))
			w.put(p)
			return p
		}
		crashed := put(1, 0)
		id := only(t, w.pass()).ID
		time.Sleep(time.Second)
		w.end(crashed, int(unix.SIGSEGV))
		require.NoError(t, os.RemoveAll(w.host.Path("/var/lib/docker/overlay2/layer-1")))
		put(2, 4001)
		s := w.passes(time.Minute)
		require.Len(t, s.Instances, 2)
		for _, i := range s.Instances {
			assert.Equal(t, i.ID != id, i.Up())
		}
		put(3, 0)
		s = w.passes(time.Minute)
		require.Len(t, s.Instances, 2)
		for _, i := range s.Instances {
			assert.NotEqual(t, id, i.ID, "its user has started another one")
		}
	})
}

// TestTheFoldersOfAllContainersAreGone: where the folders of all containers are not to be seen,
// none was removed.
func TestTheFoldersOfAllContainersAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		w.put(created(w, 100, 1, "0::/docker/"+nthContainer(1)+"\n", "", ""))
		w.pass()
		w.remove(100)
		require.NoError(t, os.RemoveAll(w.host.Path("/var/lib/docker")))
		assert.False(t, only(t, w.passes(100*time.Second)).Up())
	})
}
