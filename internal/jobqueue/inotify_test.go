package jobqueue_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// hintedFolder observes a folder as the receiver does: on a tick, and when it is hinted.
type hintedFolder struct {
	folder *jobs.Manager
	loop   *poll.Loop

	mu      sync.Mutex
	changes []seenFolder
	last    *jobqueue.Snapshot
	arrived chan struct{}
}

type seenFolder struct {
	jobqueue.Change
	at time.Time
}

func newOwner(t testing.TB, interval time.Duration) *hintedFolder {
	t.Helper()
	folder, err := jobs.Open(t.TempDir())
	require.NoError(t, err)
	o := &hintedFolder{folder: folder, arrived: make(chan struct{}, 1)}
	var w *jobqueue.Watcher
	o.loop = poll.New(interval, func(ctx context.Context) error { return o.observe(ctx, w) })
	w = jobqueue.NewWatcher(jobqueue.Settings{OnHint: o.loop.Trigger})
	o.loop.Start()
	t.Cleanup(func() {
		o.loop.Stop()
		w.Close()
	})
	o.until(t, func() bool { return o.last != nil && o.last.Queues[0].Hinted && !o.last.Queues[0].Scanning })
	return o
}

func (o *hintedFolder) observe(ctx context.Context, w *jobqueue.Watcher) error {
	s, err := w.Observe(ctx, []jobqueue.Folder{{Instance: "a", Path: o.folder.Path()}}, nil)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	for _, c := range s.Changes {
		o.changes = append(o.changes, seenFolder{c, now})
	}
	o.last = s
	select {
	case o.arrived <- struct{}{}:
	default:
	}
	return nil
}

// until waits for a snapshot after which it is so.
func (o *hintedFolder) until(t testing.TB, so func() bool) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		o.mu.Lock()
		ok := so()
		o.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-o.arrived:
		case <-timeout:
			require.FailNow(t, "not seen within 20 s")
		}
	}
}

// TestTransitionsAreSeenAtOnce measures the time from a rename or a write to the snapshot that has
// it, with ticks too far apart to help.
func TestTransitionsAreSeenAtOnce(t *testing.T) {
	o := newOwner(t, time.Hour)
	var delays []time.Duration
	expect := func(to jobqueue.JobState, operation func() error) {
		require.NoError(t, operation())
		done := time.Now()
		o.until(t, func() bool { return slices.ContainsFunc(o.changes, func(c seenFolder) bool { return c.To == to }) })
		o.mu.Lock()
		for _, c := range o.changes {
			if c.To == to {
				delays = append(delays, c.at.Sub(done))
			}
		}
		o.changes = nil
		o.mu.Unlock()
	}
	for i := range 20 {
		id := fmt.Sprint("nightly-", i)
		expect(jobqueue.StateDrafted, func() error { return o.folder.Create(id, jobs.StepArgs{}) })
		expect(jobqueue.StateWaiting, func() error { return o.folder.Submit(id) })
		expect(jobqueue.StateRunning, func() error { return o.folder.Start(id, 0) })
		expect(jobqueue.StateFinalizing, func() error { return o.folder.CompleteStep(id, 0) })
		expect(jobqueue.StateCompleted, func() error { return o.folder.Complete(id) })
	}
	slices.Sort(delays)
	t.Logf("%d transitions: median %v, p99 %v", len(delays), delays[len(delays)/2], delays[len(delays)*99/100])
	// The budget is 100 ms; a test may run on a machine that is busy with others. Without hints it
	// would be an hour.
	assert.Less(t, delays[len(delays)*99/100], 5*time.Second)
}

// TestNoTransitionIsLost lets jobs run as fast as the disk allows, and wants each to be counted
// once, with its outcome.
func TestNoTransitionIsLost(t *testing.T) {
	o := newOwner(t, time.Second)
	const n = 300
	for i := range n {
		id := fmt.Sprint("nightly-", i)
		require.NoError(t, o.folder.Create(id, jobs.StepArgs{}))
		require.NoError(t, o.folder.Submit(id))
		require.NoError(t, o.folder.Start(id, 0))
		if i%3 == 0 {
			require.NoError(t, o.folder.Fail(id))
		} else {
			require.NoError(t, o.folder.Complete(id))
		}
	}
	o.until(t, func() bool { return ended(o.last) >= n })
	o.mu.Lock()
	defer o.mu.Unlock()
	q := &o.last.Queues[0]
	assert.Equal(t, n/3, q.Count(jobqueue.StateFailed))
	assert.Equal(t, n-n/3, q.Count(jobqueue.StateCompleted))
	assert.Equal(t, uint64(n), ended(o.last))
	runs := make(map[string]int)
	for _, c := range o.changes {
		if c.Ended {
			runs[c.Job]++
			assert.Equal(t, string(c.To), string(c.Run.Outcome))
		}
	}
	assert.Len(t, runs, n)
	for job, times := range runs {
		assert.Equal(t, 1, times, job)
	}
}

func ended(s *jobqueue.Snapshot) (n uint64) {
	for _, r := range s.Queues[0].Runs {
		n += r.Count
	}
	return n
}
