package jobprobe

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
)

// Trace and span ids are a hash of what identifies a run, so that the same run seen twice, also by two collectors, is the same trace.

// rootSpan, queueSpan and the index of a step tell the spans of a run apart.
const (
	rootSpan  = -1
	queueSpan = -2
)

// traceparent is a W3C trace context, whose characters are all legal in a job id: a caller that names its job by it gets the job into its own trace.
// https://www.w3.org/TR/trace-context/#traceparent-header
var traceparent = regexp.MustCompile(`(?:^|[^0-9a-f])00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:$|[^0-9a-f])`)

// parent is the caller's trace and span, where the job's id names them.
func parent(id jobqueue.RunID) (trace pcommon.TraceID, span pcommon.SpanID, ok bool) {
	match := traceparent.FindStringSubmatch(strings.ToLower(id.Job))
	if match == nil {
		return trace, span, false
	}
	_, errTrace := hex.Decode(trace[:], []byte(match[1]))
	_, errSpan := hex.Decode(span[:], []byte(match[2]))
	ok = errTrace == nil && errSpan == nil && !trace.IsEmpty() && !span.IsEmpty()
	return trace, span, ok
}

// traceID of a run: the one that its id names, else its own.
func traceID(id jobqueue.RunID) pcommon.TraceID {
	if trace, _, ok := parent(id); ok {
		return trace
	}
	hash := digest(id, rootSpan)
	return pcommon.TraceID(hash[:16])
}

// spanID of the root, of the time in the queue, or of a step.
func spanID(id jobqueue.RunID, span int) pcommon.SpanID {
	hash := digest(id, span)
	return pcommon.SpanID(hash[16:24])
}

// changeUID is the same for a change that is told again.
func changeUID(c *jobqueue.Change) string {
	b := fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%d", c.Instance, c.Job, c.From, c.To, c.Time.UnixNano())
	hash := sha256.Sum256(b)
	return hex.EncodeToString(hash[:16])
}

func digest(id jobqueue.RunID, span int) [sha256.Size]byte {
	b := make([]byte, 0, len(id.Job)+32)
	b = append(b, id.Job...)
	b = binary.BigEndian.AppendUint64(append(b, 0), uint64(id.Created.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, uint64(id.Attempt))
	b = binary.BigEndian.AppendUint64(b, uint64(span))
	return sha256.Sum256(b)
}
