package jobprobe

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// events makes an event for each transition of a job, with the trace and the root span of its run.
func (p *Probe) events(snapshot *jobqueue.Snapshot, changes []jobqueue.Change) plog.Logs {
	all := plog.NewLogs()
	for i := range changes {
		c := &changes[i]
		if c.From == c.To && !c.Concludes() {
			continue // the end of a run whose job was already reported completely
		}
		cause := p.causeOf(snapshot, c)
		p.recordChange(traceContext(c.Run), c, cause)
		if event, wanted := probe.Event(p.lb, p.env.EventResource(c.Instance, p.env.Version(c.Instance)), severity(c), body(c, cause)); wanted {
			event.ResourceLogs().MoveAndAppendTo(all.ResourceLogs())
		}
	}
	return all
}

// causeOf is why a run failed that ended with a change, as its log says; empty where it says
// nothing.
func (p *Probe) causeOf(snapshot *jobqueue.Snapshot, c *jobqueue.Change) logstream.Cause {
	if c.Run == nil || !c.Ended || c.Run.Outcome == jobqueue.OutcomeCompleted {
		return ""
	}
	account := p.account(c, sharing(snapshot, c.Instance))
	if cause := account.Cause(); cause != nil {
		return cause.Cause
	}
	return ""
}

func (p *Probe) recordChange(ctx context.Context, c *jobqueue.Change, cause logstream.Cause) {
	ts := pcommon.NewTimestampFromTime(c.Time)
	from := metadata.MapAttributeFacefusionJobTransitionFrom[stateName(c.From)]
	var options []metadata.EventAttributeOption
	if c.Run != nil {
		options = append(options, metadata.WithFacefusionJobAttemptEventAttribute(int64(c.Run.Attempt)))
	}
	if c.Run != nil && c.To == jobqueue.StateOrphaned && c.Run.Reason != "" {
		options = append(options, metadata.WithFacefusionOrphanReasonEventAttribute(string(c.Run.Reason)))
	}
	if cause != "" {
		options = append(options, metadata.WithFacefusionEventCauseEventAttribute(string(cause)))
	}
	if c.Run != nil && c.Ended && c.To != jobqueue.StateOrphaned {
		options = append(options, metadata.WithFacefusionEventOutcomeEventAttribute(string(c.Run.Outcome)))
	}
	switch {
	case c.Concludes():
		p.lb.RecordFacefusionJobConcludedEvent(ctx, ts, c.Job, string(c.Basis), changeUID(c), options...)
	case c.To == jobqueue.StateStalled:
		p.lb.RecordFacefusionJobStalledEvent(ctx, ts, c.Job, from, string(c.Basis), changeUID(c), options...)
	case c.To == jobqueue.StateOrphaned:
		p.lb.RecordFacefusionJobOrphanedEvent(ctx, ts, c.Job, from, string(c.Basis), changeUID(c), options...)
	default:
		to := metadata.MapAttributeFacefusionJobTransitionTo[stateName(c.To)]
		p.lb.RecordFacefusionJobStateChangedEvent(ctx, ts, c.Job, from, to, string(c.Basis), changeUID(c), options...)
	}
}

// stateName gives the state before a job was known a name.
func stateName(s jobqueue.JobState) string {
	if s == jobqueue.StateNone {
		return "none"
	}
	return string(s)
}

// traceContext has the trace of a run, from which mdatagen's builder takes the ids of the event.
func traceContext(run *jobqueue.Run) context.Context {
	if run == nil {
		return context.Background()
	}
	return trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(run.Trace.ID),
		SpanID:  trace.SpanID(run.Span(jobqueue.RootSpan)),
	}))
}

// severity grades what became of a job. That it failed was said before it is known how.
func severity(c *jobqueue.Change) plog.SeverityNumber {
	if c.Concludes() {
		return plog.SeverityNumberInfo
	}
	switch c.To {
	case jobqueue.StateFailed, jobqueue.StateOrphaned:
		return plog.SeverityNumberError
	case jobqueue.StateStalled, jobqueue.StateUnreadable:
		return plog.SeverityNumberWarn
	default:
		return plog.SeverityNumberInfo
	}
}

func body(c *jobqueue.Change, cause logstream.Cause) string {
	text := fmt.Sprintf("FaceFusion job %s: %s", c.Job, c.To)
	switch {
	case c.Concludes():
		text = fmt.Sprintf("FaceFusion job %s: its run ended as %s", c.Job, c.Run.Outcome)
	case c.From != jobqueue.StateNone:
		text += fmt.Sprintf(", was %s", c.From)
	}
	if cause != "" && string(cause) != string(c.Run.Outcome) {
		text += fmt.Sprintf(" (%s)", cause)
	}
	if c.Run != nil && c.Run.Reason != "" {
		text += fmt.Sprintf(" (%s)", c.Run.Reason)
	}
	if c.Run != nil && c.Ended {
		if took := c.Run.Duration(); took.Known {
			text += fmt.Sprintf(", ran for %v", took.V.Round(time.Millisecond))
		}
	}
	return text
}
