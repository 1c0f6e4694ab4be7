package jobqueue

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

const token = "Zr4u7w-xADGK_NdRgUkXp2"

// within lets the harness write in the folder of a session, with the given status folders.
func (h *harness) within(name string, statuses []string, write func()) {
	h.t.Helper()
	own := h.path
	h.path = filepath.Join(own, name)
	for _, status := range statuses {
		require.NoError(h.t, os.MkdirAll(filepath.Join(h.path, status), 0o755))
	}
	write()
	h.setFolderTimes()
	h.path, h.folderTimes = own, make(map[string]time.Time)
}

// TestAFolderOfASession: FaceFusion 4 has a jobs folder for each session of its api below the jobs
// folder. Its jobs are shown with the instance's, and its counts stay there when it goes.
func TestAFolderOfASession(t *testing.T) {
	cases := map[string]struct {
		version  bool
		session  string
		statuses []string
	}{
		"the version says so":        {true, token, jobsdir.Names[:]},
		"the layout says so":         {false, token, jobsdir.Names[:]},
		"the layout, named by UUID":  {false, "2f0d9a1e-6a70-4b39-9d0c-5b8f3a0f7f10", jobsdir.Names[:]},
		"by another name, not whole": {true, "session-1", []string{"queued", "completed"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, Settings{})
			h.folders[0].Sessions = c.version
			h.job("queued/own", "queued")
			h.pass()
			h.took()
			h.lives(RoleService, "api")
			h.within(c.session, c.statuses, func() { h.job("queued/one", "started") })
			h.tick(3 * time.Second)
			assert.Equal(t, "waiting 1 running 1", counts(h.queue()))
			assert.Equal(t, []string{"facefusion-3f2a"}, h.queue().Instances)
			assert.Equal(t, []string{"one: none -> running"}, transitions(h.took()))
			h.within(c.session, c.statuses, func() {
				h.end("one", "completed")
			})
			h.tick(3 * time.Second)
			changes := h.took()
			assert.Equal(t, []string{"one: running -> completed ended completed"}, transitions(changes))
			assert.Equal(t, "facefusion-3f2a", changes[0].Instance)
			assert.Equal(t, "waiting 1 completed 1", counts(h.queue()))
			require.NoError(t, os.RemoveAll(filepath.Join(h.path, c.session)))
			h.tick(3 * time.Second)
			assert.Equal(t, "waiting 1", counts(h.queue()))
			assert.Empty(t, h.took(), "what goes with the folder was not deleted")
			assert.Len(t, h.watcher.folders, 1)
			require.Len(t, h.queue().Runs, 1)
			assert.Equal(t, uint64(1), h.queue().Runs[0].Count)
		})
	}
}

// TestASessionThatWasThere: what lay there first of all is history, and what is done twice to find
// it is counted once.
func TestASessionThatWasThere(t *testing.T) {
	h := newHarness(t, Settings{})
	h.within(token, jobsdir.Names[:], func() { h.job("completed/old", "completed") })
	h.tick(3 * time.Second)
	assert.Equal(t, "completed 1", counts(h.queue()))
	assert.Empty(t, h.queue().Runs)
	h.within(token, jobsdir.Names[:], func() { h.job("completed/new", "completed") })
	h.tick(3 * time.Second)
	require.Len(t, h.queue().Runs, 1)
	// The only process of a container ends, and another one comes.
	path := h.folders[0].Path
	for range 2 {
		h.folders[0].Path = ""
		h.tick(3 * time.Second)
		h.folders[0].Path = path
		h.tick(3 * time.Second)
	}
	// The share is unmounted for a while.
	require.NoError(t, os.Rename(path, path+"-"))
	h.tick(10 * time.Second)
	assert.Equal(t, AccessAbsent, h.queue().Access)
	require.NoError(t, os.Rename(path+"-", path))
	h.tick(10 * time.Second)
	assert.Equal(t, "completed 2", counts(h.queue()))
	require.Len(t, h.queue().Runs, 1)
	assert.Equal(t, uint64(1), h.queue().Runs[0].Count)
	assert.Len(t, h.took(), 1)
}

// TestASessionWithoutAnOwnFolder: an api alone never makes the status folders of the instance.
func TestASessionWithoutAnOwnFolder(t *testing.T) {
	h := newHarness(t, Settings{})
	for _, name := range jobsdir.Names {
		require.NoError(t, os.Remove(filepath.Join(h.path, name)))
	}
	h.within(token, jobsdir.Names[:], func() { h.job("queued/one", "queued") })
	h.tick(10 * time.Second)
	assert.Equal(t, AccessOpen, h.queue().Access)
	assert.Equal(t, "waiting 1", counts(h.queue()))
}

// TestNoFolderOfASession: copies beside the jobs, and what leads elsewhere. Nothing is wrong with
// them, and no job in them is anybody's.
func TestNoFolderOfASession(t *testing.T) {
	whole := func(h *harness, name string) {
		h.within(name, jobsdir.Names[:], func() { h.job("queued/one", "queued") })
	}
	cases := map[string]func(h *harness){
		"a copy of 3.x":              func(h *harness) { whole(h, "backup-2026-08-01") },
		"a folder of 3.x, not whole": func(h *harness) { h.within(token, []string{"queued"}, func() { h.job("queued/one", "queued") }) },
		"within one":                 func(h *harness) { whole(h, "a/"+token) },
		"a link, named by the version": func(h *harness) {
			h.folders[0].Sessions = true
			whole(h, "../victim")
			require.NoError(h.t, os.Symlink("../victim", filepath.Join(h.path, token)))
		},
		"links as status folders": func(h *harness) {
			h.folders[0].Sessions = true
			whole(h, "../victim")
			require.NoError(h.t, os.Mkdir(filepath.Join(h.path, token), 0o755))
			for _, status := range jobsdir.Names {
				require.NoError(h.t, os.Symlink("../../victim/"+status, filepath.Join(h.path, token, status)))
			}
		},
	}
	for name, arrange := range cases {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, Settings{})
			arrange(h)
			h.tick(12 * time.Second)
			assert.Zero(t, h.queue().Jobs)
			assert.Zero(t, h.queue().Irregular)
			assert.Empty(t, h.took())
			assert.Len(t, h.watcher.folders, 1)
		})
	}
}

// TestASessionBecomesALink: its owner exchanges the folder, or one in it, while it is looked at.
func TestASessionBecomesALink(t *testing.T) {
	for _, inside := range []string{"", "queued"} {
		t.Run(inside, func(t *testing.T) {
			h := newHarness(t, Settings{})
			h.within(token, jobsdir.Names[:], func() { h.job("queued/one", "queued") })
			h.within("../victim", jobsdir.Names[:], func() {
				h.job("queued/secret", "queued")
				h.job("queued/secret-2", "queued")
			})
			h.tick(3 * time.Second)
			assert.Equal(t, "waiting 1", counts(h.queue()))
			h.took()
			at := filepath.Join(h.path, token, inside)
			require.NoError(t, os.RemoveAll(at))
			require.NoError(t, os.Symlink(filepath.Join(filepath.Dir(h.path), "victim", inside), at))
			h.tick(20 * time.Second)
			assert.Zero(t, h.queue().Jobs)
			for _, c := range h.took() {
				assert.Equal(t, "one", c.Job)
			}
		})
	}
}

// TestManySessions: FaceFusion never deletes the folder of a session. Those that have something
// under way are looked at, then those that changed last; none is counted twice.
func TestManySessions(t *testing.T) {
	h := watching(t, Settings{})
	h.lives(RoleService, "api")
	name := func(n int) string { return fmt.Sprintf("%022d", n) }
	h.within(name(0), jobsdir.Names[:], func() { h.job("queued/long", "started") })
	h.tick(3 * time.Second)
	for n := 1; n <= maxSessions+20; n++ {
		h.within(name(n), jobsdir.Names[:], func() { h.job(fmt.Sprint("completed/", n), "completed") })
		h.tick(2 * time.Second)
	}
	assert.Len(t, h.watcher.folders, 1+maxSessions)
	assert.Equal(t, fmt.Sprintf("running 1 completed %d", maxSessions-1), counts(h.queue()))
	counted := func() (n uint64) {
		for _, r := range h.queue().Runs {
			n += r.Count
		}
		return n
	}
	assert.Equal(t, uint64(maxSessions+20), counted())
	h.within(name(1), jobsdir.Names[:], func() { h.job("completed/again", "completed") })
	h.tick(12 * time.Second)
	assert.Equal(t, uint64(maxSessions+21), counted(), "and not the first of it once more")
	h.within(name(0), jobsdir.Names[:], func() {
		h.end("long", "completed")
	})
	h.tick(3 * time.Second)
	assert.Equal(t, uint64(maxSessions+22), counted())
}

// TestATemporaryFolderOfASession: FaceFusion 4 has one for each, too, and progress shows there.
func TestATemporaryFolderOfASession(t *testing.T) {
	h := newHarness(t, Settings{StallAfter: time.Minute})
	root := t.TempDir()
	h.folders[0].Process = rootAt(root)
	h.pass()
	h.lives(RoleService, "api")
	h.evidence.CPU = is(0.0)
	frames := filepath.Join(root, "tmp", token, "facefusion", "clip")
	require.NoError(t, os.MkdirAll(frames, 0o755))
	h.within(token, jobsdir.Names[:], func() { h.job("queued/one", "started") })
	for n := range 20 {
		require.NoError(t, os.WriteFile(filepath.Join(frames, "temp.mp4"), make([]byte, n), 0o600))
		h.tick(10 * time.Second)
	}
	assert.Equal(t, "running 1", counts(h.queue()))
	h.tick(3 * time.Minute)
	assert.Equal(t, "stalled 1", counts(h.queue()))
}
