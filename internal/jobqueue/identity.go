package jobqueue

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"strings"
)

// TraceID is that of W3C Trace Context. It is a hash of what identifies a run, so that the same run
// seen twice, also by two collectors, is the same trace.
type TraceID [16]byte

// SpanID is that of W3C Trace Context, and a hash as well.
type SpanID [8]byte

// RootSpan, QueueSpan and the index of a step distinguish the spans of a run.
const (
	RootSpan  = -1
	QueueSpan = -2
)

// Trace is where a run belongs.
type Trace struct {
	ID TraceID
	// Caller is the span of a caller that named the job by its traceparent; zero without one.
	Caller SpanID
}

// traceparent is a W3C trace context, whose characters are all legal in a job id: a caller that
// names its job by it gets the job into its own trace.
// https://www.w3.org/TR/trace-context/#traceparent-header
var traceparent = regexp.MustCompile(`(?:^|[^0-9a-f])00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:$|[^0-9a-f])`)

// TraceOf is the trace of a run: the one that the job's id names, else its own. It costs a regular
// expression and a hash, and so is computed once for each run and kept in Run.Trace.
func TraceOf(id RunID) Trace {
	var t Trace
	if match := traceparent.FindStringSubmatch(strings.ToLower(id.Job)); match != nil {
		_, errTrace := hex.Decode(t.ID[:], []byte(match[1]))
		_, errSpan := hex.Decode(t.Caller[:], []byte(match[2]))
		if errTrace == nil && errSpan == nil && t.ID != (TraceID{}) && t.Caller != (SpanID{}) {
			return t
		}
	}
	hash := id.digest(RootSpan)
	return Trace{ID: TraceID(hash[:16])}
}

// Span is the id of a span of the run: RootSpan, QueueSpan or the index of a step.
func (id RunID) Span(index int) SpanID {
	hash := id.digest(index)
	return SpanID(hash[16:24])
}

func (id RunID) digest(span int) [sha256.Size]byte {
	b := make([]byte, 0, len(id.Job)+32)
	b = append(b, id.Job...)
	b = binary.BigEndian.AppendUint64(append(b, 0), uint64(id.Created.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, uint64(id.Attempt))
	b = binary.BigEndian.AppendUint64(b, uint64(span))
	return sha256.Sum256(b)
}
