package jobprobe

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// TestTraceHasWhatTheLogSays: phases are children of their steps, causes are events on them, also
// when the lines come after the file has moved.
func TestTraceHasWhatTheLogSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, sink := probetest.Env()
		now := time.Now()
		defer env.Log.Attach()()
		env.Log.Update(runlog.Key{Processor: "p", Stream: "s"}, runlog.StreamHealth{Instance: "a", Updated: now})
		p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), env)
		p.emitsTraces = true
		r := run(now)
		snapshot := &jobqueue.Snapshot{Time: now, Queues: []jobqueue.Queue{{Instances: []string{"a", "b"}}}, Changes: []jobqueue.Change{
			{Time: now, Instance: "a", Job: r.Job, From: jobqueue.StateRunning, To: jobqueue.StateFailed, Run: r, Ended: true},
		}}
		p.send(p.holdTraces(snapshot, p.batches(snapshot)))
		require.Zero(t, sink.Spans.SpanCount(), "the last lines are still to come")
		phase := func(step int, name logstream.Phase, ended, length time.Duration, completed bool) {
			env.Log.AddPhase("a", runlog.EndedPhase{Job: r.Job, PhaseRun: logstream.PhaseRun{
				Step: step, Phase: name, Frames: 10, Total: 20, Updated: now.Add(ended), Elapsed: length, Ended: true, Completed: completed,
			}})
		}
		phase(1, logstream.PhaseAnalysing, -60*time.Second, 10*time.Second, true)
		// read late, and as long as its step
		phase(1, logstream.PhaseProcessing, -30*time.Second, 50*time.Second, true)
		phase(2, logstream.PhaseProcessing, -10*time.Second, 8*time.Second, false)
		env.Log.AddFinding("a", runlog.Finding{Time: now.Add(-9 * time.Second), Cause: logstream.CauseException, Text: "an exception", Job: r.Job, Step: 2})
		env.Log.AddFinding("a", runlog.Finding{Time: now.Add(time.Second), Cause: logstream.CauseGPUMemory, Text: "no memory", Step: 2})
		env.Log.AddFinding("a", runlog.Finding{Time: now.Add(-time.Second), Cause: logstream.CauseDiskFull, Text: "another job's", Job: "other"})
		time.Sleep(logDelay)
		p.sendHeld(false)
		require.Empty(t, p.held)

		byName := map[string][]ptrace.Span{}
		for _, span := range sink.Spans.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
			byName[span.Name()] = append(byName[span.Name()], span)
		}
		steps := byName["facefusion.step"]
		analysing, processing := byName["facefusion.phase.analysing"], byName["facefusion.phase.processing"]
		require.Len(t, analysing, 1)
		require.Len(t, processing, 2)
		require.Equal(t, steps[0].SpanID(), analysing[0].ParentSpanID())
		require.Equal(t, steps[0].SpanID(), processing[0].ParentSpanID())
		require.Equal(t, steps[1].SpanID(), processing[1].ParentSpanID())
		require.Equal(t, now.Add(-70*time.Second).UTC(), analysing[0].StartTimestamp().AsTime())
		require.Equal(t, now.Add(-60*time.Second).UTC(), analysing[0].EndTimestamp().AsTime())
		require.Equal(t, steps[0].StartTimestamp(), processing[0].StartTimestamp(), "within its step")
		require.Equal(t, steps[0].EndTimestamp(), processing[0].EndTimestamp())
		require.Equal(t, map[string]any{
			"facefusion.phase": "processing", "facefusion.phase.frames": int64(10), "facefusion.phase.total": int64(20),
			"facefusion.phase.duration": 8.0, "facefusion.phase.completed": false,
		}, processing[1].Attributes().AsRaw())
		require.NotEqual(t, processing[0].SpanID(), processing[1].SpanID())

		require.Equal(t, 2, steps[1].Events().Len())
		require.Equal(t, map[string]any{"facefusion.cause": "gpu_out_of_memory", "message": "no memory"}, steps[1].Events().At(1).Attributes().AsRaw())
		for _, span := range []ptrace.Span{byName["facefusion.job"][0], steps[1]} {
			cause, _ := span.Attributes().Get("facefusion.cause")
			require.Equal(t, "gpu_out_of_memory", cause.Str())
			require.Equal(t, "job failed: gpu_out_of_memory", span.Status().Message())
		}
		require.Zero(t, steps[0].Events().Len())
	})
}

// TestNothingWaitsWithoutALog: where no log of the instance is read, its traces go out at once.
func TestNothingWaitsWithoutALog(t *testing.T) {
	env, sink := probetest.Env()
	defer env.Log.Attach()()
	env.Log.Update(runlog.Key{Processor: "p", Stream: "s"}, runlog.StreamHealth{Instance: "another", Updated: time.Now()})
	p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), env)
	p.emitsTraces = true
	now := time.Now()
	r := run(now)
	snapshot := &jobqueue.Snapshot{Time: now, Queues: []jobqueue.Queue{{Instances: []string{"a"}}}, Changes: []jobqueue.Change{
		{Time: now, Instance: "a", Job: r.Job, To: jobqueue.StateFailed, Run: r, Ended: true},
	}}
	p.send(p.holdTraces(snapshot, p.batches(snapshot)))
	require.NotZero(t, sink.Spans.SpanCount())
}

// TestShutdownSendsWhatWaits: nothing is lost with the receiver.
func TestShutdownSendsWhatWaits(t *testing.T) {
	env, sink := probetest.Env()
	defer env.Log.Attach()()
	env.Log.Update(runlog.Key{Processor: "p", Stream: "s"}, runlog.StreamHealth{Instance: "a", Updated: time.Now()})
	p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), env)
	p.emitsTraces = true
	r := run(time.Now())
	snapshot := &jobqueue.Snapshot{Changes: []jobqueue.Change{{Time: time.Now(), Instance: "a", Job: r.Job, To: jobqueue.StateFailed, Run: r, Ended: true}}}
	p.send(p.holdTraces(snapshot, p.batches(snapshot)))
	require.Zero(t, sink.Spans.SpanCount())
	require.NoError(t, p.Shutdown(t.Context()))
	require.NotZero(t, sink.Spans.SpanCount())
}

// TestEventHasWhatTheLogSays: when it is known how a run ended whose job was reported as failed
// before, an event has the outcome and the cause, in the trace of the run.
func TestEventHasWhatTheLogSays(t *testing.T) {
	for name, c := range map[string]struct {
		outcome jobqueue.Outcome
		line    logstream.Cause
		want    map[string]any
		body    string
	}{
		"a cause":             {jobqueue.OutcomeFailed, logstream.CauseGPUMemory, map[string]any{"facefusion.outcome": "failed", "facefusion.cause": "gpu_out_of_memory"}, "ended as failed (gpu_out_of_memory)"},
		"declined by a bar":   {jobqueue.OutcomeDeclined, logstream.CauseDeclined, map[string]any{"facefusion.outcome": "declined", "facefusion.cause": "declined"}, "ended as declined"},
		"declined in silence": {jobqueue.OutcomeDeclined, "", map[string]any{"facefusion.outcome": "declined", "facefusion.cause": "declined"}, "ended as declined"},
		"nothing tells":       {jobqueue.OutcomeFailed, "", map[string]any{"facefusion.outcome": "failed"}, "ended as failed"},
	} {
		t.Run(name, func(t *testing.T) {
			env, sink := probetest.Env()
			now := time.Now()
			env.Log.Update(runlog.Key{Processor: "p", Stream: "s"}, runlog.StreamHealth{Instance: "a", Updated: now})
			p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), env)
			p.emitsEvents = true
			r := run(now)
			r.Outcome = c.outcome
			if c.line != "" {
				env.Log.AddFinding("a", runlog.Finding{Time: now, Cause: c.line, Job: r.Job, Step: 2})
			}
			snapshot := &jobqueue.Snapshot{Changes: []jobqueue.Change{
				{Time: now, Instance: "a", Job: r.Job, From: jobqueue.StateFailed, To: jobqueue.StateFailed, Run: r, Basis: jobqueue.BasisLog, Ended: true},
			}}
			p.concludeRefusals(snapshot)
			p.concludeRefusals(snapshot) // counts once
			p.send(p.batches(snapshot))
			require.Equal(t, 1, sink.All.LogRecordCount())
			record := sink.All.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
			require.Equal(t, "facefusion.job.concluded", record.EventName())
			require.Equal(t, "FaceFusion job nightly-001: its run "+c.body+", ran for 1m9s", record.Body().Str())
			require.Equal(t, [16]byte(r.Trace.ID), [16]byte(record.TraceID()))
			got := record.Attributes().AsRaw()
			for key, value := range c.want {
				require.Equal(t, value, got[key], key)
			}
			if _, there := c.want["facefusion.cause"]; !there {
				require.NotContains(t, got, "facefusion.cause")
			}
			declined := env.Log.Logs()[0].Totals.Causes[logstream.CauseDeclined.Index()]
			require.Equal(t, c.outcome == jobqueue.OutcomeDeclined && c.line == "", declined == 1, "what no line says is counted")
		})
	}
}
