package facefusionlogprocessor

import (
	"context"
	"maps"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
)

const (
	// queueLimit bounds the records that wait for their run or for the next component. Beyond it
	// pieces are refused, so that a reader that retries (retry_on_failure) goes on later.
	queueLimit = 10_000
	// batchLimit is the most that is handed over at once.
	batchLimit = 1_000
	// turn is how often waiting records are looked at.
	turn = 100 * time.Millisecond
	// The times between two tries to hand over.
	retryFirst, retryLongest = time.Second, 30 * time.Second
)

// waiting is a record on its way out.
type waiting struct {
	record logstream.Record
	from   *followed
	line   runlog.Line
	// until is when it goes out without a run, at the latest; zero for one that waits for none.
	until time.Time
	run   *runlog.KnownRun
}

// enqueue is called for each record of a stream, with the lock held.
func (p *logProcessor) enqueue(f *followed, r *logstream.Record) {
	known := p.exchange.Known()
	w := waiting{record: *r, from: f, line: runlog.Line{At: r.Time, Job: r.Fields.Job, Step: r.Step, Begins: begins(r)}}
	if w.line.Begins {
		f.since = r.Time
	}
	w.line.Since = f.since
	if f.unmatched == 0 {
		w.run = p.match(known, &w)
	}
	if w.run == nil && known != nil && ofRun(r) {
		w.until = time.Now().Add(p.cfg.JoinTimeout)
		f.unmatched++
	}
	p.queue = append(p.queue, w)
	p.collect(f, &w)
}

// begins says that a record is the first of a run. After a line that names the job, the first step
// does not begin another.
func begins(r *logstream.Record) bool {
	switch r.Event {
	case logstream.EventJobStarted, logstream.EventJobRetried:
		return true
	default:
		return r.Event == logstream.EventStepStarted && r.Step == 1 && !r.Announced
	}
}

// ofRun says that a record belongs to a run, whichever.
func ofRun(r *logstream.Record) bool {
	if r.Step > 0 {
		return true
	}
	switch r.Event {
	case logstream.EventJobStarted, logstream.EventJobRetried, logstream.EventJobSucceeded, logstream.EventJobFailed:
		return true
	default:
		return r.Phase != nil && r.Phase.Phase.Index() >= 0
	}
}

// match finds the run of a record, and remembers it for the next of the same stream.
func (p *logProcessor) match(known *runlog.Known, w *waiting) *runlog.KnownRun {
	f := w.from
	w.line.Instance = f.instance
	if w.line.Begins {
		f.run = nil
	}
	run := known.Match(w.line, f.run, func(r *runlog.KnownRun) bool {
		other, there := p.taken[r.ID()]
		return there && (other != f || w.line.Begins)
	})
	if run != nil {
		if w.line.Begins || f.run == nil {
			p.take(known, run, f)
		}
		f.run = run
	}
	return run
}

// take remembers whose lines a run has, and forgets the runs that nobody knows any more.
func (p *logProcessor) take(known *runlog.Known, run *runlog.KnownRun, f *followed) {
	if len(p.taken) > 2*len(known.Runs)+16 {
		there := map[runlog.RunID]bool{}
		for i := range known.Runs {
			there[known.Runs[i].ID()] = true
		}
		maps.DeleteFunc(p.taken, func(id runlog.RunID, _ *followed) bool { return !there[id] })
	}
	p.taken[run.ID()] = f
}

// collect keeps for the receiver what a record means for its run.
func (p *logProcessor) collect(f *followed, w *waiting) {
	job := ""
	if w.run != nil {
		job = w.run.Job
	}
	r := &w.record
	if r.Phase != nil && r.Phase.Ended && len(f.phases) < collectedLimit {
		f.phases = append(f.phases, runlog.EndedPhase{PhaseRun: *r.Phase, Job: job})
	}
	if r.Cause != "" && len(f.findings) < collectedLimit {
		f.findings = append(f.findings, runlog.Finding{Time: r.Time, Cause: r.Cause, Text: summary(r), Job: job, Step: r.Step})
	}
}

// collectedLimit bounds what a stream keeps until it is known whose it is.
const collectedLimit = 256

// summary is what explains a cause in a line: of an exception its last one.
func summary(r *logstream.Record) string {
	const limit = 300
	text := r.Text
	if r.Event == logstream.EventException {
		for i := len(text) - 1; i >= 0; i-- {
			if text[i] == '\n' {
				text = text[i+1:]
				break
			}
		}
	}
	if len(text) > limit {
		text = text[:limit]
	}
	return text
}

// ready takes the records that may go out, in order: one that waits for its run holds up what came
// after it.
func (p *logProcessor) ready(now time.Time, all bool) []waiting {
	known := p.exchange.Known()
	n := 0
	for ; n < len(p.queue) && n < batchLimit; n++ {
		w := &p.queue[n]
		if w.run == nil {
			w.run = p.match(known, w)
		}
		if w.run == nil && now.Before(w.until) && !all {
			break
		}
		if !w.until.IsZero() {
			w.from.unmatched--
		}
	}
	batch := p.queue[:n:n]
	p.queue = p.queue[n:]
	if len(p.queue) == 0 {
		p.queue = nil
	}
	return batch
}

// logs makes what is handed over, with a resource for each stream.
func (p *logProcessor) logs(batch []waiting, now time.Time) plog.Logs {
	logs := plog.NewLogs()
	scopes := map[*followed]plog.ScopeLogs{}
	known := p.exchange.Known()
	for i := range batch {
		w := &batch[i]
		scope, there := scopes[w.from]
		if !there {
			rl := logs.ResourceLogs().AppendEmpty()
			w.from.describe(rl.Resource().Attributes(), known)
			scope = rl.ScopeLogs().AppendEmpty()
			scope.Scope().SetName(scopeName)
			scope.Scope().SetVersion(p.set.BuildInfo.Version)
			scopes[w.from] = scope
		}
		fill(scope.LogRecords().AppendEmpty(), &w.record, w.from.attributes, w.run, w.line, now)
	}
	return logs
}

// deliver hands the ready records over until none is left. It gives up on an error that will not
// pass, and when the processor stops.
func (p *logProcessor) deliver(ctx context.Context, all bool) {
	for {
		p.mu.Lock()
		now := time.Now()
		batch := p.ready(now, all)
		var logs plog.Logs
		if len(batch) > 0 {
			logs = p.logs(batch, now)
		}
		p.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		p.countRecords(batch)
		p.hand(ctx, logs, all)
	}
}

func (p *logProcessor) hand(ctx context.Context, logs plog.Logs, last bool) {
	for wait := retryFirst; ; wait = min(2*wait, retryLongest) {
		err := p.next.ConsumeLogs(ctx, logs)
		if err == nil {
			return
		}
		if !last && !consumererror.IsPermanent(err) && sleep(ctx, p.done, wait) {
			continue
		}
		p.telemetry.ProcessorFacefusionLogRecordsDropped.Add(ctx, int64(logs.LogRecordCount()))
		p.set.Logger.Warn("log records dropped", zap.Int("records", logs.LogRecordCount()), zap.Error(err))
		return
	}
}

// sleep returns false when it was ended before its time.
func sleep(ctx context.Context, done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-done:
		return false
	}
}
