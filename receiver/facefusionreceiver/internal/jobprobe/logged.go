package jobprobe

import (
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
)

// phaseSpan is the index of the first span of a phase: far from those of steps.
const phaseSpan = 1 << 20

// addLogged adds to the spans of a run what its log says: a span for each phase, and each cause as
// an event. They are joined after the run has ended, as its last lines are read later than its file
// is.
func addLogged(spans ptrace.SpanSlice, run *jobqueue.Run, account *runlog.Account) {
	if spans.Len() == 0 {
		return
	}
	byID := map[pcommon.SpanID]ptrace.Span{}
	for _, span := range spans.All() {
		byID[span.SpanID()] = span
	}
	root := byID[pcommon.SpanID(run.Span(jobqueue.RootSpan))]
	parent := func(step int) ptrace.Span {
		if step == 0 && len(run.Steps) == 1 {
			step = 1
		}
		if span, there := byID[pcommon.SpanID(run.Span(step-1))]; there && step > 0 {
			return span
		}
		return root
	}
	for i := range account.Causes {
		finding := &account.Causes[i]
		appendCause(parent(finding.Step), finding)
	}
	if cause := account.Cause(); cause != nil && run.Outcome != jobqueue.OutcomeCompleted {
		setCause(root, cause)
		if step := parent(cause.Step); step.SpanID() != root.SpanID() {
			setCause(step, cause)
		}
	}
	for i := range account.Phases {
		phase := &account.Phases[i]
		appendPhase(spans, run, i, phase, parent(phase.Step))
	}
}

func appendCause(span ptrace.Span, finding *runlog.Finding) {
	event := span.Events().AppendEmpty()
	event.SetName("facefusion.cause")
	event.SetTimestamp(pcommon.NewTimestampFromTime(finding.Time))
	event.Attributes().PutStr("facefusion.cause", string(finding.Cause))
	event.Attributes().PutStr("message", finding.Text)
}

func setCause(span ptrace.Span, finding *runlog.Finding) {
	span.Attributes().PutStr("facefusion.cause", string(finding.Cause))
	if status := span.Status(); status.Code() == ptrace.StatusCodeError {
		status.SetMessage(status.Message() + ": " + string(finding.Cause))
	}
}

// appendPhase adds the span of a phase within that of its step. Where the log came in one piece, as
// from the journal, the phase keeps its length and ends where it can.
func appendPhase(spans ptrace.SpanSlice, run *jobqueue.Run, i int, phase *runlog.EndedPhase, parent ptrace.Span) {
	first, last := parent.StartTimestamp().AsTime(), parent.EndTimestamp().AsTime()
	end := latest(earliest(phase.Updated, last), first)
	begin := latest(end.Add(-phase.Elapsed), first)
	span := newSpan(spans, run, phaseSpan+i, "facefusion.phase."+string(phase.Phase), begin, end)
	span.SetParentSpanID(parent.SpanID())
	a := span.Attributes()
	a.PutStr("facefusion.phase", string(phase.Phase))
	a.PutInt("facefusion.phase.frames", phase.Frames)
	if phase.Total > 0 {
		a.PutInt("facefusion.phase.total", phase.Total)
	}
	a.PutDouble("facefusion.phase.duration", phase.Elapsed.Seconds())
	a.PutBool("facefusion.phase.completed", phase.Completed)
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// concludeRefusals adds the cause of runs whose image was refused: FaceFusion's log has no line and
// no bar about that.
func (p *Probe) concludeRefusals(snapshot *jobqueue.Snapshot) {
	for i := range snapshot.Changes {
		c := &snapshot.Changes[i]
		if !c.Ended || c.Run == nil || c.Run.Outcome != jobqueue.OutcomeDeclined {
			continue
		}
		instances := sharing(snapshot, c.Instance)
		account := p.account(c, instances)
		if slices.ContainsFunc(account.Causes, func(f runlog.Finding) bool { return f.Cause == logstream.CauseDeclined }) {
			continue
		}
		at := slices.IndexFunc(instances, p.env.Log.Heard)
		if at < 0 {
			continue // its log is read no more
		}
		p.env.Log.Conclude(instances[at], runlog.Finding{
			Time: ending(c), Cause: logstream.CauseDeclined, Text: "content declined", Job: c.Run.Job, Step: failedStep(c.Run),
		})
	}
}

// failedStep is the step that a run ended with, from 1; 0 where none did.
func failedStep(run *jobqueue.Run) int {
	return 1 + slices.IndexFunc(run.Steps, func(s jobqueue.Step) bool { return s.Outcome == jobqueue.OutcomeFailed })
}

// account is what the log says about a run that ended with a change.
func (p *Probe) account(c *jobqueue.Change, instances []string) runlog.Account {
	var all runlog.Account
	from, to := first(c.Run.Started, c.Run.Queued, reading.Known(ending(c))).V, ending(c)
	for _, instance := range instances {
		one := p.env.Log.Account(instance, c.Run.Job, from, to)
		all.Phases = append(all.Phases, one.Phases...)
		all.Causes = append(all.Causes, one.Causes...)
	}
	return all
}
