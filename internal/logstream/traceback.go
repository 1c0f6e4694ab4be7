package logstream

import (
	"regexp"
	"strings"
	"time"
)

const (
	tracebackStart = "Traceback (most recent call last):"
	groupStart     = "  + Exception Group Traceback (most recent call last):"
	// tracebackLimit bounds one: a recursion of 1,000 calls has some 100 KiB.
	tracebackLimit = 64 << 10
)

var (
	// raised is the line that ends a traceback: the type of the exception, and mostly a text.
	raised = regexp.MustCompile(`^([A-Za-z_][\w.]*)(?::\s|:$|$)`)
	// chained are the lines between two tracebacks that belong together.
	chained = regexp.MustCompile(`^(?:During handling of the above exception, another exception occurred|The above exception was the direct cause of the following exception):$`)
)

// traceback joins the lines of a Python exception, also of several that belong together.
type traceback struct {
	at      time.Time
	text    strings.Builder
	dropped int
	// exception is the type of the last one, empty until its line has come. message is that line.
	exception, message string
	// chain says that another one is announced.
	chain bool
}

func startsTraceback(line string) bool { return line == tracebackStart || line == groupStart }

// add takes a line if it belongs to the traceback.
func (t *traceback) add(line string) bool {
	indented := line[0] == ' ' || line[0] == '\t'
	switch {
	case t.exception == "":
		if indented || startsTraceback(line) {
			break
		}
		groups := raised.FindStringSubmatch(line)
		if groups == nil {
			return false
		}
		t.exception, t.message = groups[1], line
	case chained.MatchString(line):
		t.chain = true
	case t.chain && startsTraceback(line):
		t.chain, t.exception, t.message = false, "", ""
	case indented: // an exception with a text of several lines, or a note
	default:
		return false
	}
	t.write(line)
	return true
}

func (t *traceback) write(line string) {
	if t.text.Len()+len(line) >= tracebackLimit {
		t.dropped += len(line) + 1
		return
	}
	if t.text.Len() > 0 {
		t.text.WriteByte('\n')
	}
	t.text.WriteString(line)
}

// record is the whole.
func (t *traceback) record() Record {
	r := Record{Time: t.at, Module: ModulePython, Event: EventException, Severity: SeverityError, Text: t.text.String(), Dropped: t.dropped}
	r.Fields.Exception = t.exception
	// somebody filled in the page wrongly: nothing ran
	if strings.HasPrefix(t.exception, "gradio.exceptions.") {
		r.Event, r.Severity = EventRejected, SeverityWarn
		return r
	}
	if r.Cause = symptomOf(t.message); r.Cause == "" {
		switch {
		case t.exception == "KeyboardInterrupt":
			r.Cause = CauseStopped
		case strings.Contains(t.message, "[ONNXRuntimeError]"):
			r.Cause = CauseInference
		default:
			r.Cause = CauseException
		}
	}
	return r
}
