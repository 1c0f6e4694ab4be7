package logstream

import (
	"time"
)

// Settings of a stream.
type Settings struct {
	// KeepPaths leaves paths in the text of records.
	KeepPaths bool
	// ProgressEvery is how far the records about an open bar are apart at least; 0 for none. Each
	// bar has one when it ends.
	ProgressEvery time.Duration
}

const (
	// causeAgain is after how long the same cause counts again where no step begins in between.
	causeAgain = time.Minute
)

// Stream turns what one or more FaceFusions write to one place into records.
type Stream struct {
	settings Settings
	emit     func(Record)
	splitter splitter
	bars     bars
	// trace is the exception whose lines still come.
	trace *traceback
	// garbage are binary bytes that were not reported yet.
	garbage int
	// at is when the piece at hand was read, written when the last one was.
	at time.Time
	// closable says that the last record was one of a bar, so that a newline closes it.
	closable bool
	// step of steps is under way, as far as messages said.
	step   int
	totals Totals
	// announced says that a job was named whose first step has not begun.
	announced bool
	// causes are those that were counted in the step at hand, by Index, with the time.
	causes [len(Causes)]time.Time
	// phase is the one that a message announced and for which no bar has come: FaceFusion up to 3.0
	// has no bars for it.
	phase *PhaseRun
	quiet quietSteps
}

// NewStream begins a stream. emit is called by Write, Line, Idle and Close.
func NewStream(settings Settings, emit func(Record)) *Stream {
	return &Stream{settings: settings, emit: emit}
}

// Write takes what comes next. at is when it was written, or read.
func (s *Stream) Write(at time.Time, data []byte) {
	s.at = at
	s.splitter.write(data, s.piece)
	// The last record of a bar ends only with the next one: take it now, so that what is shown is
	// not one frame behind.
	if open := s.splitter.open(); len(open) > 0 {
		if p, rest, ok := parseProgress(open, false); ok && len(rest) == 0 {
			s.splitter.take()
			s.progress(&p)
		}
	}
}

// Idle says that nothing has come for a second or more: what stands open is taken as it is.
// FaceFusion writes each line at once. The beginning of a bar is left: Docker and journald cut
// where a part is full, and hand over the next when that one is.
func (s *Stream) Idle() {
	if startsBar(s.splitter.open()) {
		s.endTraceback()
		s.endGarbage()
		return
	}
	s.flush()
}

// Cut says that what comes next does not continue what came before: another file, for example.
func (s *Stream) Cut() { s.flush() }

func (s *Stream) flush() {
	s.splitter.flush(s.piece)
	s.endTraceback()
	s.endGarbage()
}

// piece takes a record. One that is glued to the end of a bar is a record of its own.
func (s *Stream) piece(r piece) {
	if p, rest, ok := parseProgress(r.text, true); ok {
		s.progress(&p)
		if len(rest) > 0 {
			s.text(rest, r.dropped)
		} else if r.end == '\n' {
			s.closeBar()
		}
		return
	}
	if blank(r.text) && r.dropped == 0 {
		if r.end == '\n' {
			s.closeBar()
		}
		return
	}
	s.text(r.text, r.dropped)
}

func blank(text []byte) bool {
	for _, b := range text {
		if b != ' ' && b != '\t' {
			return false
		}
	}
	return true
}

// progress takes a record of a bar.
func (s *Stream) progress(p *barRecord) {
	if s.trace != nil && s.trace.exception != "" {
		s.endTraceback()
	}
	current, frames, lost := s.bars.update(s.at, s.step, p)
	if lost != nil {
		s.endBar(lost, false)
		s.bars.remove(lost)
	}
	if s.phase != nil {
		s.endPhase(s.phase.Phase != p.phase)
	}
	if i := p.phase.Index(); i >= 0 {
		s.totals.Frames[i] += frames
	}
	s.closable = true
	if every := s.settings.ProgressEvery; every > 0 && p.n > 0 && s.at.Sub(current.shown) >= every {
		if !current.shown.IsZero() || s.at.Sub(current.begun) >= every {
			current.shown = s.at
			s.emitPhase(current.run)
		}
	}
}

// closeBar is called for a newline that follows the last record of a bar.
func (s *Stream) closeBar() {
	if b := s.bars.closing(); s.closable && b != nil {
		s.endBar(b, true)
		b.parted, s.bars.last = true, nil
	}
	s.closable = false
}

// endBar reports the end of a bar.
func (s *Stream) endBar(b *bar, closed bool) {
	if b.parted {
		return
	}
	b.end(closed)
	s.finishPhase(b.run, b.run.Elapsed-b.counted)
	b.counted = b.run.Elapsed
	if b.run.Phase == PhaseAnalysing && b.run.Completed && b.content > contentLimit {
		s.declined()
	}
}

// contentLimit is the percentage of frames from which FaceFusion 2.0 to 3.8 declines a target.
const contentLimit = 10

// declined makes the record that FaceFusion does not write.
func (s *Stream) declined() {
	s.record(Record{
		Time: s.at, Severity: SeverityWarn, Module: "FACEFUSION.CONTENT_ANALYSER", Event: EventDeclined, Cause: CauseDeclined,
		Text: "content declined",
	})
}

// finishPhase counts a phase that has ended, and says so.
func (s *Stream) finishPhase(run PhaseRun, more time.Duration) {
	if i := run.Phase.Index(); i >= 0 {
		s.totals.Time[i] += more
	}
	s.emitPhase(run)
}

func (s *Stream) emitPhase(run PhaseRun) {
	s.record(Record{Time: s.at, Severity: SeverityInfo, Event: EventPhase, Text: run.text(), Phase: &run})
}

// text takes a record that is no bar.
func (s *Stream) text(raw []byte, dropped int) {
	s.closable = false
	raw = trimRight(plain(raw))
	if blank(raw) && dropped == 0 {
		return
	}
	if binary(raw) {
		s.garbage += len(raw) + dropped
		return
	}
	s.endGarbage()
	line := printable(string(raw))
	if i := indexGlued(line); i > 0 {
		s.line(line[:i], 0)
		line = line[i:]
	}
	s.line(line, dropped)
}

func (s *Stream) line(line string, dropped int) {
	if s.trace != nil {
		if s.trace.add(line) {
			s.trace.dropped += dropped
			return
		}
		s.endTraceback()
	}
	if startsTraceback(line) {
		s.trace = &traceback{at: s.at}
		s.trace.write(line)
		return
	}
	r := newRecord(s.at, line)
	r.Dropped = dropped
	s.follow(&r)
	s.record(r)
	if r.Event.endsJob() {
		s.step = 0
	}
}

// endsJob says that no step of the job comes after it. A job ends with its first step that fails.
func (e EventName) endsJob() bool {
	switch e {
	case EventStepFailed, EventStopped, EventJobSucceeded, EventJobFailed, EventModelFailed, EventException, "input_rejected", "no_source_face":
		return true
	default:
		return false
	}
}

// follow takes from a message where the job is.
func (s *Stream) follow(r *Record) {
	switch r.Event {
	case EventStepStarted:
		s.leaveBar()
		s.step = r.Fields.Step
		r.Announced, s.announced = s.announced, false
		clear(s.causes[:])
	case EventJobStarted, EventJobRetried:
		s.leaveBar()
		s.step, s.announced = 0, true
		clear(s.causes[:])
	case EventStepSucceeded, EventStepFailed, EventJobSucceeded, EventJobFailed:
		s.leaveBar()
	case EventModelLoaded:
		s.totals.ModelsLoaded++
		s.totals.ModelTime += time.Duration(r.Fields.Seconds * float64(time.Second))
	case EventModelFailed:
		s.totals.ModelsFailed++
		s.leaveBar()
	case "extracting_started":
		s.announce(PhaseExtracting)
	case "merging_started":
		s.announce(PhaseMerging)
	case "processor_started":
		s.endPhase(true)
	}
}

// leaveBar reports a bar that is still open as ended: what was said shows that it goes no further.
func (s *Stream) leaveBar() {
	s.endPhase(true)
	if b := s.bars.last; b != nil {
		s.endBar(b, false)
		b.parted, s.bars.last = true, nil
	}
}

// announce begins a phase for which there may be no bar.
func (s *Stream) announce(phase Phase) {
	s.leaveBar()
	s.phase = &PhaseRun{Phase: phase, Step: s.step, Started: s.at, Left: -1}
}

// endPhase ends the phase that was announced. It counts if nothing else reports it.
func (s *Stream) endPhase(counts bool) {
	if s.phase == nil {
		return
	}
	run := *s.phase
	s.phase = nil
	if counts {
		run.Updated, run.Elapsed, run.Ended, run.Completed = s.at, s.at.Sub(run.Started), true, true
		s.finishPhase(run, run.Elapsed)
	}
}

func (s *Stream) endTraceback() {
	if s.trace == nil {
		return
	}
	r := s.trace.record()
	s.trace = nil
	if r.Event == EventException {
		s.leaveBar()
	}
	s.record(r)
	if r.Event.endsJob() {
		s.step = 0
	}
}

func (s *Stream) endGarbage() {
	if s.garbage == 0 {
		return
	}
	n := s.garbage
	s.garbage = 0
	s.record(Record{Time: s.at, Severity: SeverityWarn, Event: EventBinary, Text: "binary data", Dropped: n})
}

// record counts and hands over.
func (s *Stream) record(r Record) {
	r.Step = s.step
	if !s.settings.KeepPaths && r.Phase == nil {
		r.Text = redact(r.Text)
	}
	s.quiet.hear(&r)
	s.totals.Records++
	s.totals.Dropped += int64(r.Dropped)
	s.count(&r)
	s.emit(r)
}

// count counts a cause once for each step: each thread reports an out of memory, and again by
// the exception.
func (s *Stream) count(r *Record) {
	i := r.Cause.Index()
	if i < 0 || r.Time.Sub(s.causes[i]) < causeAgain {
		return
	}
	if r.Cause.consequence() {
		for j := range i {
			if r.Time.Sub(s.causes[j]) < causeAgain {
				return
			}
		}
	}
	s.causes[i] = r.Time
	s.totals.Causes[i]++
}
