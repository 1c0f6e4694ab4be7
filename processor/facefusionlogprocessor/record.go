package facefusionlogprocessor

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
)

// What only says where a reader reads, or would reveal a path.
var readersOwn = []string{attrFilePath, attrOffset, attrTag, attrFileResolved, "log.file.name_resolved", "log.file.record_number", "log.record.original"}

// fill writes a record with all that is known of it.
func fill(to plog.LogRecord, r *logstream.Record, attributes pcommon.Map, run *runlog.KnownRun, line runlog.Line, now time.Time) {
	to.SetTimestamp(pcommon.NewTimestampFromTime(r.Time))
	to.SetObservedTimestamp(pcommon.NewTimestampFromTime(now))
	to.SetSeverityNumber(plog.SeverityNumber(r.Severity))
	to.SetSeverityText(r.Severity.String())
	to.Body().SetStr(r.Text)
	attributes.CopyTo(to.Attributes())
	a := attrs{to.Attributes()}
	if r.Event != "" {
		to.SetEventName("facefusion.log." + string(r.Event))
	}
	a.str("facefusion.module", r.Module)
	a.str("facefusion.cause", string(r.Cause))
	a.num("facefusion.omitted.bytes", int64(r.Dropped))
	a.fields(&r.Fields)
	a.phase(r.Phase)
	if r.Step > 0 {
		a.PutInt("facefusion.step.index", int64(r.Step-1)) // as on the span of the step
	}
	if r.Event == logstream.EventException {
		a.str("exception.message", strings.TrimPrefix(r.Text[strings.LastIndexByte(r.Text, '\n')+1:], r.Fields.Exception+": "))
	}
	if run != nil {
		a.str("facefusion.job.id", run.Job)
		a.num("facefusion.job.attempt", int64(run.Attempt))
		to.SetTraceID(run.Trace)
		to.SetSpanID(run.Span(line))
	}
}

// attrs leaves out what is empty.
type attrs struct{ pcommon.Map }

func (a attrs) str(key, value string) {
	if value != "" {
		a.PutStr(key, value)
	}
}

func (a attrs) num(key string, value int64) {
	if value != 0 {
		a.PutInt(key, value)
	}
}

func (a attrs) seconds(key string, value float64) {
	if value > 0 {
		a.PutDouble(key, value)
	}
}

func (a attrs) fields(f *logstream.Fields) {
	a.str("facefusion.job.id", f.Job)
	a.num("facefusion.step.count", int64(f.Steps))
	a.str("facefusion.media", f.Media)
	a.seconds("facefusion.duration", f.Seconds)
	a.str("facefusion.model", f.Model)
	a.str("facefusion.resolution", f.Resolution)
	a.str("exception.type", f.Exception)
}

func (a attrs) phase(p *logstream.PhaseRun) {
	if p == nil {
		return
	}
	a.str("facefusion.phase", string(p.Phase))
	a.PutInt("facefusion.phase.frames", p.Frames)
	a.num("facefusion.phase.total", p.Total)
	a.seconds("facefusion.phase.duration", p.Elapsed.Seconds())
	a.seconds("facefusion.phase.rate", p.Rate)
	a.seconds("facefusion.phase.left", p.Left.Seconds())
	a.PutBool("facefusion.phase.completed", p.Completed)
	a.str("facefusion.model", p.File)
}
