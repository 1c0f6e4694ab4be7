package logstream

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Record is one thing that the stream says.
type Record struct {
	// Time is when its end was read.
	Time     time.Time
	Severity Severity
	// Module is who says it: FaceFusion's own scope, such as FACEFUSION.CORE, or one of the others
	// that are known; empty for anybody else.
	Module string
	Event  EventName
	Cause  Cause
	// Text is what it says, without scope and without paths.
	Text string
	// Dropped is how many bytes were left out because it was too long.
	Dropped int
	Fields  Fields
	// Step is the step of the job that ran then, from 1; 0 where nothing said so.
	Step int
	// Announced says of the first step that a line before named its job.
	Announced bool
	// Phase is set on records about a bar.
	Phase *PhaseRun
}

// newRecord understands a line that is neither a bar nor part of a traceback.
func newRecord(at time.Time, line string) Record {
	r := Record{Time: at}
	match := scope.FindStringSubmatch(line)
	if match == nil {
		r.Text = line
		r.understandForeign(line)
		return r
	}
	r.Module, r.Text = match[1], line[len(match[0]):]
	if w := understand(r.Text, &r.Fields); w != nil {
		r.Event, r.Severity, r.Cause = w.event, w.severity, w.cause
		return r
	}
	r.Severity = SeverityInfo
	if cause := symptomOf(r.Text); cause != "" {
		r.Cause, r.Event, r.Severity = cause, EventName(cause), SeverityError
	}
	return r
}

// binaryShare is the share of bytes that no text has, from which a line is not one.
const binaryShare = 0.25

// binary says that a line is not text.
func binary(line []byte) bool {
	strange := 0
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRune(line[i:])
		if r == utf8.RuneError && size == 1 || r < ' ' && r != '\t' || r == 0x7f {
			strange += size
		}
		i += size
	}
	return float64(strange) > binaryShare*float64(len(line))
}

// printable replaces what is not text.
func printable(line string) string {
	line = strings.ToValidUTF8(line, "\uFFFD")
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, line)
}
