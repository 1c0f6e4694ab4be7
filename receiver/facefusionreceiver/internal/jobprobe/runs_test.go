package jobprobe

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

func TestRunsArePublishedForTheLog(t *testing.T) {
	env, _ := probetest.Env()
	p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), env)
	now := time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC)
	open := run(now)
	queues := []jobqueue.Queue{{Instances: []string{"a", "b"}, Open: []*jobqueue.Run{open}}}
	p.publishRuns(&jobqueue.Snapshot{Time: now, Queues: queues})
	require.Nil(t, env.Log.Known(), "nobody reads a log")

	defer env.Log.Attach()()
	p.publishRuns(&jobqueue.Snapshot{Time: now, Queues: queues})
	want := runlog.KnownRun{
		Instance: "a", Job: "nightly-001", Attempt: 2, Trace: open.Trace.ID, Root: open.Span(jobqueue.RootSpan),
		Started: now.Add(-70 * time.Second),
		Steps: []runlog.KnownStep{
			{Started: now.Add(-70 * time.Second), Ended: now.Add(-40 * time.Second), Span: open.Span(0)},
			{Started: now.Add(-40 * time.Second), Ended: now.Add(-2 * time.Second), Span: open.Span(1)},
			{Span: open.Span(2)},
		},
	}
	other := want
	other.Instance = "b"
	require.Equal(t, []runlog.KnownRun{want, other}, env.Log.Known().Runs)

	queues[0].Open = nil
	ended := []jobqueue.Change{{Time: now, Instance: "a", Job: "nightly-001", Run: open, Ended: true}}
	p.publishRuns(&jobqueue.Snapshot{Time: now, Queues: queues, Changes: ended})
	want.Ended, other.Ended = now.Add(-time.Second), now.Add(-time.Second)
	require.Equal(t, []runlog.KnownRun{want, other}, env.Log.Known().Runs, "its last lines may still be read")
	p.publishRuns(&jobqueue.Snapshot{Time: now.Add(recentFor + time.Second), Queues: queues})
	require.Empty(t, env.Log.Known().Runs)
}

// TestBegins: only the change by which somebody takes a job has the processes listed.
func TestBegins(t *testing.T) {
	for from, want := range map[jobqueue.JobState]bool{
		jobqueue.StateNone: true, jobqueue.StateWaiting: true, jobqueue.StateFailed: true, jobqueue.StateOrphaned: true,
		jobqueue.StateStalled: false, jobqueue.StateFinalizing: false,
	} {
		require.Equal(t, want, begins(jobqueue.Change{From: from, To: jobqueue.StateRunning}), from)
		require.False(t, begins(jobqueue.Change{From: from, To: jobqueue.StateCompleted}), from)
	}
}
