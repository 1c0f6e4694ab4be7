package jobqueue_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// TestWhateverHappensTheEndIsTheTruth does at random what FaceFusion may do, several times within
// one step of the kernel's clock, and looks in between. In the end every job must be known for what
// it is, every job must have gone from state to state without a gap, and every end must be in the
// totals: also when the collector is killed every now and then.
func TestWhateverHappensTheEndIsTheTruth(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			folder, err := jobs.Open(t.TempDir())
			require.NoError(t, err)
			var more atomic.Bool // a pass left work, or inotify reports some
			settings := jobqueue.Settings{OnHint: func() { more.Store(true) }, Gate: hostfs.NewGate(hostfs.Settings{Go: func(access func()) { access() }})}
			kept, killed := make(map[string][]byte), rand.New(rand.NewPCG(seed, 2))
			if seed >= 20 {
				settings.Load = func(_ context.Context, keys []string) (values [][]byte, err error) {
					for _, key := range keys {
						values = append(values, kept[key])
					}
					return values, nil
				}
			}
			w := jobqueue.NewWatcher(settings)
			defer func() { w.Close() }()
			ended := uint64(0)
			states := make(map[string]jobqueue.JobState)
			observe := func() *jobqueue.Queue {
				s, err := w.Observe(context.Background(), []jobqueue.Folder{{Instance: "a", Path: folder.Path()}}, nil)
				require.NoError(t, err)
				for _, c := range s.Changes {
					switch before := states[c.Job]; before {
					case jobqueue.StateDeleted:
						assert.Equal(t, jobqueue.StateNone, c.From, c.Job)
					// deleting these is no change: the next may be another job of that name
					case jobqueue.StateCompleted, jobqueue.StateFailed:
						assert.Contains(t, []jobqueue.JobState{before, jobqueue.StateNone}, c.From, c.Job)
					default:
						assert.Equal(t, before, c.From, c.Job)
					}
					states[c.Job] = c.To
					if c.Ended {
						ended++
					}
				}
				for _, r := range w.Export() {
					kept[r.Key] = r.Value
				}
				w.MarkSaved()
				if settings.Load != nil && killed.IntN(4) == 0 {
					w.Close()
					w = jobqueue.NewWatcher(settings)
				}
				return &s.Queues[0]
			}
			for observe().Scanning { // a collector that dies before is one that never was
			}
			truth := play(folder, rand.New(rand.NewPCG(seed, 1)), func() { observe() })
			// A file that is younger than a step of the clock may change without a later time, and
			// without a hint a change is found within half a second.
			settled := func(q *jobqueue.Queue) bool {
				for state, n := range truth {
					if q.Count(state) != n {
						return false
					}
				}
				return !more.Swap(false)
			}
			q := observe()
			for deadline := time.Now().Add(20 * time.Second); !settled(q) && time.Now().Before(deadline); q = observe() {
				time.Sleep(jobsdir.ClockStep)
			}
			for state, n := range truth {
				assert.Equal(t, n, q.Count(state), state)
			}
			counted := uint64(0)
			for _, r := range q.Runs {
				counted += r.Count
			}
			assert.NotZero(t, ended)
			assert.Equal(t, ended, counted, "runs in the totals")
		})
	}
}

// play does 400 things, and says how many jobs are in which state then. What cannot be done to a
// job is not done.
func play(folder *jobs.Manager, random *rand.Rand, observe func()) map[jobqueue.JobState]int {
	states := make(map[string]jobqueue.JobState)
	for range 400 {
		id := fmt.Sprint("job-", random.IntN(12))
		switch state := states[id]; random.IntN(9) {
		case 0, 1:
			if state == "" && folder.Create(id, jobs.StepArgs{}) == nil {
				states[id] = jobqueue.StateDrafted
			}
		case 2:
			if state == jobqueue.StateDrafted && folder.Submit(id) == nil {
				states[id] = jobqueue.StateWaiting
			}
		case 3:
			if state == jobqueue.StateWaiting && folder.Start(id, 0) == nil {
				states[id] = jobqueue.StateRunning
			}
		case 4:
			if state == jobqueue.StateRunning && folder.Complete(id) == nil {
				states[id] = jobqueue.StateCompleted
			}
		case 5:
			if state == jobqueue.StateRunning && folder.Fail(id) == nil {
				states[id] = jobqueue.StateFailed
			}
		case 6:
			if state == jobqueue.StateFailed && folder.Retry(id) == nil {
				states[id] = jobqueue.StateWaiting
			}
		case 7:
			if random.IntN(4) == 0 && folder.Delete(id) == nil {
				delete(states, id)
			}
		case 8:
			observe()
		}
	}
	truth := map[jobqueue.JobState]int{
		jobqueue.StateDrafted: 0, jobqueue.StateWaiting: 0, jobqueue.StateRunning: 0, jobqueue.StateCompleted: 0, jobqueue.StateFailed: 0,
		jobqueue.StateUnreadable: 0,
	}
	for _, state := range states {
		truth[state]++
	}
	return truth
}
