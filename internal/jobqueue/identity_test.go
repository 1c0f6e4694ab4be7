package jobqueue

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestIDsAreDeterministic(t *testing.T) {
	id := RunID{Job: "nightly-001", Created: time.Unix(1800000000, 123456000), Attempt: 1}
	same := RunID{Job: "nightly-001", Created: id.Created.UTC(), Attempt: 1}
	require.Equal(t, TraceOf(id), TraceOf(same))
	seen := map[string]bool{}
	for _, other := range []RunID{id, {Job: "nightly-002", Created: id.Created, Attempt: 1}, {Job: id.Job, Created: id.Created, Attempt: 2}, {Job: id.Job, Attempt: 1}} {
		seen[fmt.Sprintf("%x", TraceOf(other).ID)] = true
		for _, span := range []int{RootSpan, QueueSpan, 0, 1} {
			seen[fmt.Sprintf("%x", other.Span(span))] = true
		}
	}
	require.Len(t, seen, 4*5)
}

// TestAJobNamedAfterATraceJoinsIt: a gateway passes its own trace context on in the only text of a
// job that it may choose.
func TestAJobNamedAfterATraceJoinsIt(t *testing.T) {
	const trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for _, job := range []string{"00-" + trace + "-" + span + "-01", "upload-00-" + trace + "-" + span + "-01", "00-" + trace + "-" + span + "-01-retry"} {
		id := RunID{Job: job, Attempt: 1}
		require.Equal(t, trace, fmt.Sprintf("%x", TraceOf(id).ID), job)
		require.Equal(t, span, fmt.Sprintf("%x", TraceOf(id).Caller))
	}
	for _, job := range []string{
		"nightly", "00-" + trace, "01-" + trace + "-" + span + "-01", "00-00000000000000000000000000000000-" + span + "-01",
		"00-" + trace + "-0000000000000000-01", "00-" + trace + "aa-" + span + "-01",
	} {
		require.Equal(t, SpanID{}, TraceOf(RunID{Job: job}).Caller, job)
	}
}
