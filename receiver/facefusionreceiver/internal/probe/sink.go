package probe

import (
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Sink takes what is told when it happens.
type Sink interface {
	// WantsLogs and WantsTraces say whether anybody listens; where nobody does, nothing need be built.
	WantsLogs() bool
	WantsTraces() bool
	// Logs hands over an event. It never blocks, and what it is given belongs to the sink from then on. What cannot be delivered is tried again for a while, then
	// dropped and counted. Events arrive in the order in which they were handed over. Of events of which too many come some are held back and counted: hand them
	// over one by one.
	Logs(plog.Logs)
	// LogsThen and TracesThen do the same with any number of events or spans, and hold nothing back, for what is told exactly once. then is for one who keeps it
	// until it has arrived, and may be nil. It is called exactly once: by the goroutine that delivers; where there is no room or nobody listens any more, by the
	// caller before they return; and for what is left in the end, by the one that shuts down. It must not block.
	LogsThen(logs plog.Logs, then func(Fate))
	TracesThen(traces ptrace.Traces, then func(Fate))
}

// Fate is what became of what was handed over.
type Fate int

// The fates.
const (
	// Pending: it is on its way.
	Pending Fate = iota
	// Delivered: the pipeline has taken it.
	Delivered
	// Dropped: it was refused for good or for too long, or there was no room for it. It is counted as dropped.
	Dropped
	// Left: the pipeline was shut down before. One who keeps it may hand it over again after the next start; where nobody does, it is counted as dropped.
	Left
)
