package hostile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// job writes the file of a finished job.
func job(t *testing.T, checkout, id string) {
	t.Helper()
	text := `{"version":"1","date_created":"2026-01-01T00:00:00+00:00","date_updated":"2026-01-01T00:01:00+00:00","steps":[` +
		`{"args":{"target_path":"/in/a.mp4","output_path":"/out/a.mp4","processors":["face_swapper"]},"status":"completed"}]}`
	require.NoError(t, os.WriteFile(filepath.Join(checkout, ".jobs", "completed", id+".json"), []byte(text), 0o644))
}

// fiveInstances makes five instances, one of which lies on a share.
func fiveInstances(t *testing.T) (s *mountedShare, checkouts []string) {
	t.Helper()
	dir := openFolder(t)
	behind, at := filepath.Join(dir, "server"), filepath.Join(dir, "share")
	checkout(t, filepath.Join(behind, "shared"), "3.8.1", 0)
	s = mount(t, behind, at)
	checkouts = append(checkouts, filepath.Join(at, "shared"))
	for i := range 4 {
		path := filepath.Join(dir, fmt.Sprintf("local%d", i))
		checkout(t, path, "3.8.1", 0)
		checkouts = append(checkouts, path)
	}
	return s, checkouts
}

func up(n float64) func(page) bool {
	return func(p page) bool { total, _ := p.sum("facefusion_process_up"); return total == n }
}

func open(n float64) func(page) bool {
	return func(p page) bool {
		total, _ := p.sum("facefusion_job_folder_state", "facefusion_job_folder_state", "open")
		return total == n
	}
}

// TestAStoppedShareHidesNoOther: one of five instances lies on a share that does not answer any
// more. The other four are on time, an exit shows at once, the state of the fifth has a name, and
// the log says it once. When the share answers again, everything is as before. The fifth and two of
// the others are named in the configuration, two are found.
func TestAStoppedShareHidesNoOther(t *testing.T) {
	s, checkouts := fiveInstances(t)
	for _, path := range checkouts[:4] {
		serverOf(t, 0, path)
	}
	last := serverOf(t, 0, checkouts[4])
	c := start(t, fmt.Sprintf("receivers: {facefusion: {instances: [{name: shared, path: %q}, {name: one, path: %q}, {name: two, path: %q}]}}", checkouts[0], checkouts[1], checkouts[2]))
	c.eventually(t, 20*time.Second, "five instances", up(5))
	c.eventually(t, 20*time.Second, "five jobs folders", open(5))

	s.stop()
	defer s.resume()
	const turns = 100 // 200 ages: the two of one moment may be large
	var ages []float64
	begin := time.Now()
	for i := range turns {
		require.Less(t, time.Since(begin), 2*time.Minute)
		job(t, checkouts[1+i%4], fmt.Sprint(i))
		time.Sleep(100 * time.Millisecond)
		for _, probe := range []string{"process", "jobs"} {
			age, series := c.ownPage(t).sum("otelcol_receiver_facefusion_observation_age", "probe", probe)
			require.Equal(t, 1, series)
			ages = append(ages, age)
		}
	}
	slices.Sort(ages)
	p99 := ages[(len(ages)*99+99)/100-1] // the nearest rank
	t.Logf("%d ages of observations, p50 %.2f s, p99 %.2f s, largest %.2f s", len(ages), ages[len(ages)/2], p99, ages[len(ages)-1])
	require.Less(t, p99, 2.0, "twice the interval")
	c.eventually(t, 5*time.Second, "the state has a name", func(p page) bool {
		total, _ := p.sum("facefusion_job_folder_state", "facefusion_job_folder_state", "share_unresponsive")
		return total == 1 && open(4)(p)
	})
	c.eventually(t, 5*time.Second, "jobs of the others are counted", func(p page) bool {
		total, _ := p.sum("facefusion_job_finished_total")
		return total == turns
	})
	require.True(t, c.ownPage(t).is(1, "otelcol_receiver_facefusion_file_systems_unresponsive"))

	killed := time.Now()
	require.NoError(t, last.Process.Kill())
	c.eventually(t, 5*time.Second, "an exit elsewhere shows", up(4))
	require.Less(t, time.Since(killed), 3*time.Second)
	require.Equal(t, 1, count(c.log.String(), "file system does not respond"))

	s.resume()
	c.eventually(t, 10*time.Second, "the share is back", open(5))
	require.Equal(t, 1, count(c.log.String(), "file system responds again"))
	require.Less(t, c.terminate(t), endWithin)
}

// TestTheClockOfAShare: the server of a share has a clock of its own, two hours ahead or behind. A
// job that runs is running, one that waits is no older than it is, and each ends as any other.
func TestTheClockOfAShare(t *testing.T) {
	for name, offset := range map[string]time.Duration{"ahead": 2 * time.Hour, "behind": -2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			dir := openFolder(t)
			checkout(t, filepath.Join(dir, "server", "shared"), "3.8.1", 0)
			mount(t, filepath.Join(dir, "server"), filepath.Join(dir, "share"))
			path := filepath.Join(dir, "share", "shared")
			write := func(id, status string) {
				file := filepath.Join(path, ".jobs/queued", id+".json")
				at := time.Now().Format("2006-01-02T15:04:05.000000-07:00")
				text := fmt.Sprintf(`{"version":"1","date_created":%q,"date_updated":%q,"steps":[{"args":{"target_path":"/in/a.mp4","processors":["face_swapper"]},"status":%q}]}`, at, at, status)
				require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
				ofServer := time.Now().Add(offset)
				require.NoError(t, os.Chtimes(file, ofServer, ofServer))
			}
			run(t, 0, path, 0, "python", "facefusion.py", "job-run", "a")
			c := start(t)
			c.eventually(t, 20*time.Second, "its folder", open(1))
			write("a", "started")
			write("b", "queued")
			running := func(p page) bool { return p.is(1, "facefusion_job_count", "facefusion_job_state", "running") }
			c.eventually(t, 10*time.Second, "the job runs", running)
			time.Sleep(5 * time.Second) // five passes
			require.True(t, running(c.page(t)), "and goes on")
			for _, of := range []string{"running", "waiting"} {
				age, series := c.page(t).sum("facefusion_job_oldest_age_seconds", "facefusion_job_age", of)
				require.Equal(t, 1, series)
				require.Positive(t, age, of)
				require.Less(t, age, 60.0, of)
			}
			write("a", "completed")
			require.NoError(t, os.Rename(filepath.Join(path, ".jobs/queued/a.json"), filepath.Join(path, ".jobs/completed/a.json")))
			c.eventually(t, 10*time.Second, "it has ended", func(p page) bool {
				total, _ := p.sum("facefusion_job_finished_total", "facefusion_outcome", "completed")
				return total == 1
			})
		})
	}
}

// TestAStartBesideAStoppedShare: what lies on the share is found all the same, without its version.
func TestAStartBesideAStoppedShare(t *testing.T) {
	s, checkouts := fiveInstances(t)
	for _, path := range checkouts {
		serverOf(t, 0, path)
	}
	s.stop()
	defer s.resume()
	c := start(t)
	c.eventually(t, 10*time.Second, "five instances", up(5))
	c.eventually(t, 10*time.Second, "four jobs folders", open(4))
	_, versions := c.page(t).sum("facefusion_instance_info", "service_version", "3.8.1")
	require.Equal(t, 4, versions)
	s.resume()
	c.eventually(t, 10*time.Second, "the fifth version", func(p page) bool {
		_, series := p.sum("facefusion_instance_info", "service_version", "3.8.1")
		return series == 5
	})
}

// TestSignalsBesideAStoppedShare: SIGHUP reads the configuration anew and the page is there again;
// SIGTERM ends the collector within two seconds and what the pipelines take.
func TestSignalsBesideAStoppedShare(t *testing.T) {
	s, checkouts := fiveInstances(t)
	for _, path := range checkouts {
		serverOf(t, 0, path)
	}
	c := start(t)
	c.eventually(t, 20*time.Second, "five jobs folders", open(5))
	s.stop()
	defer s.resume()
	time.Sleep(2 * time.Second)
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGHUP))
	time.Sleep(time.Second)
	c.eventually(t, 15*time.Second, "the page is back", func(p page) bool { return up(5)(p) && open(4)(p) })
	took := c.terminate(t, s.resume)
	t.Logf("ended within %v", took)
	require.Less(t, took, endWithin)
}

// TestAnOutputOnAStoppedShare: a job writes to a share that does not answer. It is watched all the
// same, and so are the jobs of everybody else.
func TestAnOutputOnAStoppedShare(t *testing.T) {
	dir := openFolder(t)
	behind, at := filepath.Join(dir, "server"), filepath.Join(dir, "share")
	require.NoError(t, os.MkdirAll(behind, 0o755))
	s := mount(t, behind, at)
	path := filepath.Join(dir, "local")
	checkout(t, path, "3.8.1", 0)
	serverOf(t, 0, path)
	now := time.Now().UTC().Format(time.RFC3339)
	text := fmt.Sprintf(`{"version":"1","date_created":%q,"date_updated":%q,"steps":[{"args":{"target_path":"%s/a.mp4","output_path":"%s/b.mp4"},"status":"started"}]}`, now, now, at, at)
	require.NoError(t, os.WriteFile(filepath.Join(path, ".jobs", "queued", "ui-a.json"), []byte(text), 0o644))
	s.stop()
	defer s.resume()
	c := start(t)
	c.eventually(t, 10*time.Second, "the job runs", func(p page) bool {
		return p.is(1, "facefusion_job_count", "facefusion_job_state", "running")
	})
	job(t, path, "another")
	c.eventually(t, 5*time.Second, "another is counted", func(p page) bool {
		total, _ := p.sum("facefusion_job_finished_total")
		return total == 1
	})
	require.Less(t, c.terminate(t, s.resume), endWithin)
}

func count(text, part string) (n int) {
	for i := 0; i+len(part) <= len(text); i++ {
		if text[i:i+len(part)] == part {
			n++
		}
	}
	return n
}

// TestAJobsFolderThatIsMountedAgain: the folder goes away for some seconds and comes back as
// another device. What had ended before is not counted again, and what ends then is.
func TestAJobsFolderThatIsMountedAgain(t *testing.T) {
	dir := openFolder(t)
	path, behind := filepath.Join(dir, "facefusion"), filepath.Join(dir, "server")
	checkout(t, path, "3.8.1", 0)
	for _, name := range []string{"drafted", "queued", "completed", "failed"} {
		require.NoError(t, os.MkdirAll(filepath.Join(behind, name), 0o755))
		require.NoError(t, os.RemoveAll(filepath.Join(path, ".jobs", name)))
	}
	at := filepath.Join(path, ".jobs")
	share := mount(t, behind, at)
	serverOf(t, 0, path)
	c := start(t)
	c.eventually(t, 20*time.Second, "the folder is open", open(1))
	completed := func(here, ever float64) func(page) bool {
		return func(p page) bool {
			counted, _ := p.sum("facefusion_job_finished_total")
			return counted == ever && p.is(here, "facefusion_job_count", "facefusion_job_state", "completed")
		}
	}
	const before = 30
	for i := range before {
		job(t, path, fmt.Sprint(i))
	}
	c.eventually(t, 20*time.Second, "all are counted", completed(before, before))
	require.NoError(t, syscall.Unmount(at, syscall.MNT_DETACH))
	require.NoError(t, share.cmd.Process.Kill())
	there := func(p page) bool { return p.is(before, "facefusion_job_count", "facefusion_job_state", "completed") }
	c.eventually(t, 20*time.Second, "the folder is away", func(p page) bool { return !there(p) })
	mount(t, behind, at)
	c.eventually(t, 20*time.Second, "it is back", func(p page) bool { return open(1)(p) && there(p) })
	job(t, path, "later")
	c.eventually(t, 20*time.Second, "what ends now is counted, and nothing again", completed(before+1, before+1))
}
