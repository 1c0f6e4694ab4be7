//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// TestKilledAgainAndAgain kills the collector at random moments while hundreds of jobs run. In the
// end its counts of jobs and runs, the traces and the events are exactly what FaceFusion's own
// folders say.
func TestKilledAgainAndAgain(t *testing.T) {
	const jobCount, kills = 300, 12
	kept := t.TempDir()
	w := newWitness(t)
	overrides := keeping(kept, w)
	h := simulate(t, 1)
	_, err := h.StartServer(0, nil)
	require.NoError(t, err)
	folder := h.Jobs(0)
	for _, id := range []string{"old-1", "old-2"} {
		require.NoError(t, folder.Create(id, jobs.StepArgs{Target: "clip.mp4"}))
		require.NoError(t, folder.Submit(id))
		require.NoError(t, folder.Start(id, 0))
		require.NoError(t, folder.Complete(id))
	}
	// a file written within one tick of the kernel's clock before the first observation counts as
	// new
	time.Sleep(100 * time.Millisecond)

	c := start(t, overrides)
	c.eventually(t, 10*time.Second, "the baseline", func(p page) bool { return p.is(2, "facefusion_job_count", "facefusion_job_state", "completed") })
	random := rand.New(rand.NewPCG(1, 2))
	var truth playedTotals
	played := make(chan struct{})
	go func() {
		defer close(played)
		truth = play(t, folder, w, jobCount)
	}()
	done := func() bool {
		select {
		case <-played:
			return true
		default:
			return false
		}
	}
	last := map[string]float64{}
	killed := 0
	for ; killed < kills || !done(); killed++ {
		time.Sleep(time.Duration(100+random.IntN(900)) * time.Millisecond)
		grows(t, c.page(t), last)
		require.NoError(t, c.cmd.Process.Kill())
		<-c.ended
		time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
		c = start(t, overrides)
	}
	c.eventually(t, 20*time.Second, "every run is counted", func(p page) bool { return ended(p) == truth.runs })
	grows(t, c.page(t), last)
	require.Eventually(t, func() bool { return sum(w.outcomes()) >= truth.runs && sum(w.transitions()) >= truth.changes }, 10*time.Second, 50*time.Millisecond,
		"traces %v, events %v", w.outcomes(), w.transitions())

	assert.Equal(t, truth.outcomes, w.outcomes(), "traces")
	for _, state := range []string{"completed", "failed", "deleted"} {
		assert.Equal(t, truth.outcomes[state], w.transitions()[state], "events: %s", state)
	}
	for outcome, n := range truth.outcomes {
		assert.InDelta(t, n, total(c.page(t), "facefusion_job_finished_total", "facefusion_outcome", outcome), 0, outcome)
	}
	completed, err := folder.List(jobs.Completed)
	require.NoError(t, err)
	failed, err := folder.List(jobs.Failed)
	require.NoError(t, err)
	assert.True(t, c.page(t).is(float64(len(completed)), "facefusion_job_count", "facefusion_job_state", "completed"))
	assert.True(t, c.page(t).is(float64(len(failed)), "facefusion_job_count", "facefusion_job_state", "failed"))
	assert.Len(t, completed, truth.outcomes["completed"]+2)
	t.Logf("%d kills, %d runs %v, %d events, %d of them reported twice and known by their uid, %d bytes kept",
		killed, truth.runs, truth.outcomes, sum(w.transitions()), w.again, sizeOf(t, kept))
}

// keeping has the receiver keep its state in a folder, and send to the witness at once, so that
// nothing waits outside the receiver.
func keeping(folder string, w *witness) string {
	return fmt.Sprintf(`
extensions: {state_storage: {directory: %s}}
receivers: {facefusion: {storage: state_storage}}
exporters: {otlp_http: {endpoint: %q, compression: none, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}}
service:
  extensions: [health_check, state_storage]
  pipelines:
    logs: {receivers: [facefusion], exporters: [otlp_http]}
    traces: {receivers: [facefusion], exporters: [otlp_http]}
`, folder, w.server.URL)
}

// TestKilledWhileNobodyListens: the next collector delivers what was undelivered at a kill, and the
// one after an orderly end delivers the rest.
func TestKilledWhileNobodyListens(t *testing.T) {
	kept, w := t.TempDir(), newWitness(t)
	h := simulate(t, 1)
	_, err := h.StartServer(0, nil)
	require.NoError(t, err)
	folder := h.Jobs(0)
	run := func(id string) {
		require.NoError(t, folder.Create(id, jobs.StepArgs{Target: "clip.mp4"}))
		require.NoError(t, folder.Submit(id))
		require.NoError(t, folder.Start(id, 0))
		require.NoError(t, folder.Complete(id))
	}
	c := start(t, keeping(kept, w))
	c.eventually(t, 10*time.Second, "the folder is seen", func(p page) bool {
		return p.is(1, "facefusion_job_folder_state", "facefusion_job_folder_state", "open") && p.is(0, "facefusion_job_count", "facefusion_job_state", "completed")
	})
	w.away.Store(true)
	run("first")
	c.eventually(t, 10*time.Second, "it is counted", func(p page) bool { return ended(p) == 1 })
	require.NoError(t, c.cmd.Process.Kill())
	<-c.ended

	c = start(t, keeping(kept, w))
	run("second")
	c.eventually(t, 10*time.Second, "both are counted", func(p page) bool { return ended(p) == 2 })
	c.stop(t)
	require.Empty(t, w.outcomes())

	w.away.Store(false)
	c = start(t, keeping(kept, w))
	require.Eventually(t, func() bool {
		return w.outcomes()["completed"] == 2 && w.has("first", "completed") && w.has("second", "completed")
	}, 10*time.Second, 20*time.Millisecond, "%v %v\n%s", w.outcomes(), w.transitions(), c.log)
	require.Equal(t, 2, w.transitions()["completed"])
}

// TestFaceFusionEndsWhileTheCollectorIsAway: a batch that ran and ended unseen is counted, and its
// instance is known to be down.
func TestFaceFusionEndsWhileTheCollectorIsAway(t *testing.T) {
	kept, w := t.TempDir(), newWitness(t)
	h := simulate(t, 1)
	server, err := h.StartServer(0, nil)
	require.NoError(t, err)
	folder := h.Jobs(0)
	c := start(t, keeping(kept, w))
	c.eventually(t, 10*time.Second, "it is up, its folder is seen", func(p page) bool {
		return p.is(1, "facefusion_process_up") && p.is(1, "facefusion_job_folder_state", "facefusion_job_folder_state", "open") &&
			p.is(0, "facefusion_job_count", "facefusion_job_state", "completed")
	})
	instance := c.page(t).samples("facefusion_process_up")[0].labels["service_instance_id"]
	require.NoError(t, c.cmd.Process.Kill())
	<-c.ended
	require.NoError(t, folder.Create("meanwhile", jobs.StepArgs{Target: "clip.mp4"}))
	require.NoError(t, folder.Submit("meanwhile"))
	require.NoError(t, folder.Start("meanwhile", 0))
	require.NoError(t, folder.Complete("meanwhile"))
	require.NoError(t, server.Kill(syscall.SIGKILL))

	c = start(t, keeping(kept, w))
	c.eventually(t, 10*time.Second, "it is down, and its job is counted", func(p page) bool {
		return p.is(0, "facefusion_process_up", "service_instance_id", instance) &&
			p.is(1, "facefusion_instance_info", "service_instance_id", instance, "service_version", "3.8.1") && ended(p) == 1
	})
	require.Eventually(t, func() bool { return w.outcomes()["completed"] == 1 && w.has("meanwhile", "completed") }, 10*time.Second, 20*time.Millisecond)
}

// TestTenThousandJobsTakeLittle holds the budget of the state file: under 5 MB for 10,000 jobs,
// half of which wait and half of which ended.
func TestTenThousandJobsTakeLittle(t *testing.T) {
	kept, w := t.TempDir(), newWitness(t)
	h := simulate(t, 1)
	_, err := h.StartServer(0, nil)
	require.NoError(t, err)
	folder := h.Jobs(0)
	c := start(t, keeping(kept, w))
	c.eventually(t, 10*time.Second, "the folder is seen", func(p page) bool {
		return p.is(1, "facefusion_job_folder_state", "facefusion_job_folder_state", "open") && p.is(0, "facefusion_job_count", "facefusion_job_state", "completed")
	})
	for i := range 10_000 {
		id := fmt.Sprintf("headless-2026-11-22-10-00-00-%05d", i)
		require.NoError(t, folder.Create(id, jobs.StepArgs{Target: "clip.mp4", Processors: []string{"face_swapper"}}))
		require.NoError(t, folder.Submit(id))
		if i%2 == 0 {
			require.NoError(t, folder.Start(id, 0))
			require.NoError(t, folder.Complete(id))
		}
	}
	all := func(p page) bool {
		return p.is(5000, "facefusion_job_count", "facefusion_job_state", "completed") && p.is(5000, "facefusion_job_count", "facefusion_job_state", "waiting")
	}
	c.eventually(t, 60*time.Second, "all are counted", all)
	require.Eventually(t, func() bool { return w.outcomes()["completed"] == 5000 }, 30*time.Second, 100*time.Millisecond)
	c.stop(t)
	require.Less(t, sizeOf(t, kept), int64(5_000_000))
	begin := time.Now()
	c = start(t, keeping(kept, w))
	c.eventually(t, 20*time.Second, "all are known", func(p page) bool { return all(p) && ended(p) == 5000 })
	t.Logf("%d bytes; known %v after the start", sizeOf(t, kept), time.Since(begin).Round(time.Millisecond))
	require.Equal(t, 5000, w.outcomes()["completed"])
}

// playedTotals counts what FaceFusion did: runs, changes of files, and runs by outcome.
type playedTotals struct {
	runs, changes int
	outcomes      map[string]int
}

// play runs jobs one after the other, as a runner does: most complete, some fail, some of those are
// retried, some are deleted while they run. What could not be seen from outside if it happened
// while the collector is away (a failure before a retry, the run of a job that is deleted) waits
// until it was seen.
func play(t *testing.T, folder *jobs.Manager, w *witness, count int) playedTotals {
	end := playedTotals{outcomes: map[string]int{}}
	random := rand.New(rand.NewPCG(3, 4))
	pause := func() { time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond) }
	run := func(id string) {
		assert.NoError(t, folder.Start(id, 0))
		pause()
		switch random.IntN(10) {
		case 0, 1:
			assert.NoError(t, folder.Fail(id))
			end.outcomes["failed"]++
		case 2:
			seen(w, id, "running")
			assert.NoError(t, folder.Delete(id))
			end.outcomes["deleted"]++
		default:
			assert.NoError(t, folder.CompleteStep(id, 0))
			assert.NoError(t, folder.Complete(id))
			end.outcomes["completed"]++
		}
	}
	for i := range count {
		id := fmt.Sprintf("job-%03d", i)
		assert.NoError(t, folder.Create(id, jobs.StepArgs{Target: "clip.mp4", Processors: []string{"face_swapper"}}))
		assert.NoError(t, folder.Submit(id))
		pause()
		run(id)
		if _, err := os.Stat(filepath.Join(folder.Path(), "failed", id+".json")); err == nil && random.IntN(2) == 0 {
			seen(w, id, "failed")
			assert.NoError(t, folder.Retry(id))
			pause()
			assert.NoError(t, folder.Start(id, 0))
			pause()
			assert.NoError(t, folder.Complete(id))
			end.outcomes["completed"]++
		}
	}
	end.runs = sum(end.outcomes)
	end.changes = end.runs // at least one event reports the end of each
	return end
}

// seen waits until it was reported that a job came to a state.
func seen(w *witness, job, state string) {
	for begin := time.Now(); !w.has(job, state) && time.Since(begin) < 30*time.Second; {
		time.Sleep(5 * time.Millisecond)
	}
}

// grows compares the counters of runs with what they were: a collector that was killed must not
// fall behind what it has shown.
func grows(t *testing.T, p page, last map[string]float64) {
	t.Helper()
	for _, name := range []string{"facefusion_job_finished_total", "facefusion_job_duration_seconds_count", "facefusion_step_duration_seconds_count"} {
		for _, s := range p.samples(name) {
			key := fmt.Sprint(name, s.labels)
			require.GreaterOrEqual(t, s.value, last[key], key)
			last[key] = s.value
		}
	}
}

// ended returns the number of finished runs on the page.
func ended(p page) int { return int(total(p, "facefusion_job_finished_total")) }

func total(p page, name string, pairs ...string) (all float64) {
	for _, s := range p.samples(name, pairs...) {
		all += s.value
	}
	return all
}

func sum(counts map[string]int) (all int) {
	for _, n := range counts {
		all += n
	}
	return all
}

func sizeOf(t *testing.T, folder string) (bytes int64) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		bytes += info.Size()
	}
	return bytes
}
