package probe

import (
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Sink takes events and spans when they happen. It never blocks, and what it is given belongs to it
// from then on. A batch that a pipeline refuses is retried for a while, then dropped and counted.
// Batches of one signal are delivered in the order in which they were handed over.
type Sink interface {
	// WantsLogs and WantsTraces say whether there is a pipeline; without one, nothing need be
	// built.
	WantsLogs() bool
	WantsTraces() bool
	// Event hands over one event. Events are rate-limited per kind; the suppressed ones are
	// counted.
	Event(plog.Logs)
	// SendLogs and SendTraces hand over a batch of events or spans that is not rate-limited. onDone
	// may be nil. It is called exactly once: by the goroutine that delivers; by the caller, before
	// SendLogs returns, where there is no room or no pipeline; and at shutdown by the goroutine
	// that shuts down. It must not block. A batch with onDone has an owner, who may send it again.
	SendLogs(logs plog.Logs, onDone func(Result))
	SendTraces(traces ptrace.Traces, onDone func(Result))
}

// Result is what became of a batch.
type Result int

// The results.
const (
	// Pending: it is queued or in the pipeline's hands.
	Pending Result = iota
	// Delivered: the pipeline has taken it.
	Delivered
	// Dropped: it was refused for good or for too long, or there was no room. It is counted.
	Dropped
	// Abandoned: the pipeline was shut down before. The owner may send the batch again after the
	// next start; a batch without an owner is counted as dropped.
	Abandoned
)
