package jobprobe

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// spans makes a trace for each run that ended.
func (p *Probe) spans(changes []jobqueue.Change) ptrace.Traces {
	traces := ptrace.NewTraces()
	for i := range changes {
		c := &changes[i]
		if !c.Ended || c.Run == nil {
			continue
		}
		rs := traces.ResourceSpans().AppendEmpty()
		p.env.EventResource(c.Instance, p.env.Version(c.Instance)).MoveTo(rs.Resource())
		ss := rs.ScopeSpans().AppendEmpty()
		ss.Scope().SetName(metadata.ScopeName)
		ss.Scope().SetVersion(p.env.Settings.BuildInfo.Version)
		appendRunSpans(ss.Spans(), c.Run, ending(c), p.gpus.endRun(c.Instance, c.Run, ending(c)))
	}
	return traces
}

// ending is when a run ended, or when that was noticed.
func ending(c *jobqueue.Change) time.Time {
	return first(c.Run.Ended, reading.Known(c.Time)).V
}

// appendRunSpans adds the spans of a run: the root, the time in the queue, and each step whose
// times are known. A run whose end alone is known, because it came and went while the collector was
// away, begins with its end. consumed is what is known of the GPUs, by span.
func appendRunSpans(spans ptrace.SpanSlice, run *jobqueue.Run, end time.Time, consumed map[int]gpuConsumption) {
	begin := first(run.Queued, run.Started, reading.Known(end))
	root := newSpan(spans, run, jobqueue.RootSpan, "facefusion.job", begin.V, end)
	root.SetParentSpanID(pcommon.SpanID(run.Trace.Caller))
	root.Attributes().PutStr("facefusion.job.id", run.Job)
	root.Attributes().PutInt("facefusion.job.attempt", int64(run.Attempt))
	root.Attributes().PutStr("facefusion.origin", string(run.Origin))
	root.Attributes().PutStr("facefusion.media", string(run.Media))
	putConsumption(root, consumed[jobqueue.RootSpan])
	putKnown(root, "facefusion.job.evidence", string(run.Basis))
	putKnown(root, "facefusion.orphan.reason", string(run.Reason))
	setOutcome(root, run.Outcome)
	if run.Attempt > 1 {
		before := run.RunID
		before.Attempt--
		link := root.Links().AppendEmpty()
		link.SetTraceID(pcommon.TraceID(jobqueue.TraceOf(before).ID))
		link.SetSpanID(pcommon.SpanID(before.Span(jobqueue.RootSpan)))
	}
	if run.Queued.Known && run.Started.Known && !run.Started.V.Before(run.Queued.V) {
		newSpan(spans, run, jobqueue.QueueSpan, "facefusion.job.wait", run.Queued.V, run.Started.V).SetParentSpanID(root.SpanID())
	}
	appendStepSpans(spans, run, root.SpanID(), end, consumed)
}

// appendStepSpans adds a span for each step that began. One that did not end by itself ended with
// its run.
func appendStepSpans(spans ptrace.SpanSlice, run *jobqueue.Run, root pcommon.SpanID, end time.Time, consumed map[int]gpuConsumption) {
	for i := range run.Steps {
		step := &run.Steps[i]
		if !step.Started.Known {
			continue
		}
		ended := end
		if step.Ended.Known {
			ended = step.Ended.V
		}
		span := newSpan(spans, run, i, "facefusion.step", step.Started.V, ended)
		span.SetParentSpanID(root)
		span.Attributes().PutInt("facefusion.step.index", int64(i))
		span.Attributes().PutStr("facefusion.media", string(step.Media))
		span.Attributes().PutStr("facefusion.processors", step.Processors)
		span.Attributes().PutStr("facefusion.model", step.Models)
		putKnown(span, "facefusion.encoder", step.Encoder)
		putKnown(span, "facefusion.target.path", step.Target) // empty unless trace_paths
		putKnown(span, "facefusion.output.path", step.Output)
		putConsumption(span, consumed[i])
		outcome := step.Outcome
		if outcome == "" {
			outcome = run.Outcome
		}
		setOutcome(span, outcome)
	}
}

func putKnown(span ptrace.Span, name, value string) {
	if value != "" {
		span.Attributes().PutStr(name, value)
	}
}

func newSpan(spans ptrace.SpanSlice, run *jobqueue.Run, index int, name string, begin, end time.Time) ptrace.Span {
	span := spans.AppendEmpty()
	span.SetTraceID(pcommon.TraceID(run.Trace.ID))
	span.SetSpanID(pcommon.SpanID(run.Span(index)))
	span.SetName(name)
	span.SetKind(ptrace.SpanKindInternal)
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(begin))
	if end.Before(begin) { // the clock was set back
		end = begin
	}
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
	return span
}

// setOutcome says what became of a run or step. Everything but completed is an error; of its cause
// FaceFusion writes nothing.
func setOutcome(span ptrace.Span, outcome jobqueue.Outcome) {
	span.Attributes().PutStr("facefusion.outcome", string(outcome))
	if outcome != jobqueue.OutcomeCompleted {
		span.Status().SetCode(ptrace.StatusCodeError)
		span.Status().SetMessage("job " + string(outcome))
	}
}

func first(values ...reading.Value[time.Time]) reading.Value[time.Time] {
	for _, v := range values {
		if v.Known {
			return v
		}
	}
	return reading.Value[time.Time]{}
}
