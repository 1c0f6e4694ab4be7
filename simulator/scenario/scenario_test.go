package scenario

import (
	"context"
	"iter"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/fakeproc"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

func TestMain(m *testing.M) {
	fakeproc.Main()
	// The race detector lets every process sleep for a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	goleak.VerifyTestMain(m)
}

func take(acts iter.Seq[Act], n int) []Act {
	var taken []Act
	for act := range acts {
		if taken = append(taken, act); len(taken) == n {
			break
		}
	}
	return taken
}

func TestTheSeedDecides(t *testing.T) {
	assert.Equal(t, take(Plan(1, 0), 500), take(Plan(1, 0), 500))
	assert.NotEqual(t, take(Plan(1, 0), 500), take(Plan(2, 0), 500))
	assert.NotEqual(t, take(Plan(1, 0), 500), take(Plan(1, 1), 500), "instances do not march in step")
}

func TestEverythingHappens(t *testing.T) {
	kinds, ends := map[ActKind]int{}, map[End]int{}
	for _, act := range take(Plan(1, 0), 1000) {
		kinds[act.Kind]++
		for _, job := range act.Jobs {
			ends[job.End]++
		}
	}
	assert.Len(t, kinds, len(frequencies))
	assert.Len(t, ends, 3)
	assert.Greater(t, ends[Completed], ends[Failed]+ends[Orphaned], "FaceFusion mostly works")
}

// play plays the acts on a host of its own, fast, and returns the jobs in each part of the folder.
func play(t *testing.T, acts ...Act) map[jobs.StepStatus][]string {
	t.Helper()
	h, err := host.New(host.Settings{Dir: t.TempDir(), Instances: 1})
	require.NoError(t, err)
	defer func() { assert.NoError(t, h.Close()) }()
	player := &Player{Host: h, Speed: 1000}
	require.NoError(t, player.Play(t.Context(), slices.Values(acts)))

	found := map[jobs.StepStatus][]string{}
	for _, status := range jobs.Statuses {
		ids, err := h.Jobs(0).List(status)
		require.NoError(t, err)
		found[status] = ids
	}
	return found
}

func planned(end End, steps int) Job { return Job{Steps: make([]StepPlan, steps), End: end} }

func TestNightly(t *testing.T) {
	found := play(t, Act{Kind: Nightly, Jobs: []Job{planned(Completed, 2), planned(Failed, 2), planned(Orphaned, 1), planned(Completed, 1)}})
	assert.Equal(t, []string{"nightly-001"}, found[jobs.Completed])
	assert.Equal(t, []string{"nightly-002"}, found[jobs.Failed])
	assert.Equal(t, []string{"nightly-003", "nightly-004"}, found[jobs.Queued], "the runner was killed in the third")

	found = play(t,
		Act{Kind: Nightly, Jobs: []Job{planned(Orphaned, 3)}},
		Act{Kind: Nightly, Jobs: []Job{planned(Completed, 1)}},
	)
	assert.Equal(t, []string{"nightly-001", "nightly-002"}, found[jobs.Completed], "job-run-all takes up orphans")
}

func TestOneOfEach(t *testing.T) {
	found := play(t,
		Act{Kind: Draft, Jobs: []Job{planned(Completed, 1)}},
		Act{Kind: UI, Jobs: []Job{planned(Completed, 1)}, Waiting: 1},
		Act{Kind: Headless, Jobs: []Job{planned(Failed, 1)}},
		Act{Kind: Restart},
		Act{Kind: Saturate},
		Act{Kind: Hang},
		Act{Kind: UI, Jobs: []Job{planned(Orphaned, 1)}},
	)
	assert.Regexp(t, `^draft-`, found[jobs.Drafted][0])
	assert.Regexp(t, `^ui-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d$`, found[jobs.Completed][0])
	assert.Regexp(t, `^headless-`, found[jobs.Failed][0])
	assert.Regexp(t, `^ui-`, found[jobs.Queued][0])
}

func TestRetryAndTidy(t *testing.T) {
	failure := Act{Kind: Headless, Jobs: []Job{planned(Failed, 1)}}
	found := play(t, Act{Kind: Retry, Jobs: []Job{planned(Completed, 1)}}, failure, Act{Kind: Retry, Jobs: []Job{planned(Completed, 1)}})
	assert.Len(t, found[jobs.Completed], 1)
	assert.Empty(t, found[jobs.Failed])

	found = play(t, failure, Act{Kind: Tidy})
	for _, status := range jobs.Statuses {
		assert.Empty(t, found[status])
	}
}

// A user of the demo may kill any process.
func TestKilledByAStranger(t *testing.T) {
	h, err := host.New(host.Settings{Dir: t.TempDir(), Instances: 1})
	require.NoError(t, err)
	defer func() { assert.NoError(t, h.Close()) }()
	player := &Player{Host: h, Speed: 1000}
	forever := Job{Steps: []StepPlan{{Duration: 1000 * time.Hour}}, End: Completed}

	killed := make(chan int, 1)
	go func() {
		var worker *host.Proc
		assert.Eventually(t, func() bool {
			_, worker = player.Processes()
			return worker != nil
		}, 30*time.Second, time.Millisecond)
		assert.NoError(t, worker.Kill(syscall.SIGKILL))
		killed <- worker.PID()
	}()
	acts := []Act{{Kind: UI, Jobs: []Job{forever}}, {Kind: Draft, Jobs: []Job{planned(Completed, 1)}}}
	require.NoError(t, player.Play(t.Context(), slices.Values(acts)))

	server, worker := player.Processes()
	require.NotNil(t, server)
	assert.NotEqual(t, <-killed, server.PID(), "another one was started")
	assert.Nil(t, worker)
	queued, err := h.Jobs(0).List(jobs.Queued)
	require.NoError(t, err)
	assert.Len(t, queued, 1, "the job is an orphan")
}

func TestStops(t *testing.T) {
	h, err := host.New(host.Settings{Dir: t.TempDir(), Instances: 1})
	require.NoError(t, err)
	defer func() { assert.NoError(t, h.Close()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.NoError(t, (&Player{Host: h, Speed: 100}).Play(ctx, Plan(1, 0)))
}
