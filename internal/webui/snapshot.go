package webui

import (
	"net/url"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/histogram"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// Target is a server to look at: a live process of an instance, or a configured endpoint.
type Target struct {
	// Instance is the instance's ID.
	Instance string
	// Owner is whose it is, the user of a process for one: owners take turns.
	Owner string
	// Process distinguishes one process from the next on the same port (for example "1234/567890");
	// empty for a configured endpoint.
	Process string
	// Port is where the process listens; 0 while it does not.
	Port uint16
	// URL is where to ask; nil while there is nothing to ask, or where it cannot be reached.
	URL *url.URL
	// Unknown says that nothing can be said of this server: where it listens may not be looked at,
	// or cannot be reached from here.
	Unknown bool
	// Gone says that the instance should have a server, or had one, and has no process of it. Such
	// a target says nothing else but who served last and where, as far as that is known.
	Gone bool
	// Stopped says that it was ended on purpose: whatever does not run of it is no outage.
	Stopped bool
	// Others are further addresses at which the process listens. They are asked, some times only,
	// when it is not known what the first one speaks.
	Others []Address
	// Check is the health check that is configured for it; nil without one.
	Check *HealthCheck
	// NotProbed says that the server must not be asked: its address is somebody's mere claim.
	NotProbed bool
}

// Address is where a process listens, and where to ask.
type Address struct {
	Port uint16
	URL  *url.URL
}

// Choice says which of its addresses is the server of a process: the one that is understood.
type Choice struct {
	// Instance and Process are those of Target.
	Instance, Process string
	Port              uint16
}

// Snapshot is what is known about the servers at one moment. It is never changed after it was
// published, so any goroutine may read it.
type Snapshot struct {
	// Time is when the snapshot was taken.
	Time time.Time
	// Servers are sorted by instance and port.
	Servers []Server
	// Changes are the changes of state seen by this very pass.
	Changes []StateChange
	// Choices are of processes whose server is not where their targets have it.
	Choices []Choice
	// Over is how many servers are not known, as their instance has too many.
	Over int
	// Oldest is since when the server has waited for its turn that has waited for longest, of
	// owners who had less than their share; zero where there is none.
	Oldest time.Time
	// Waiting is how many wait for other servers of their owner, who had his share.
	Waiting int
}

// Inside says whether a server of an instance is observed from inside. It may be asked of no
// snapshot at all.
func (s *Snapshot) Inside(instance string) bool {
	return s != nil && slices.ContainsFunc(s.Servers, func(server Server) bool { return server.Instance == instance && server.Inside })
}

// ServerState is how a server is. The set is fixed, so that it may become an attribute.
type ServerState string

// The states.
const (
	// StateStarting: the process lives, but does not listen yet (it downloads and checks models
	// first).
	StateStarting ServerState = "starting"
	// StateReady: it answers as a FaceFusion server does.
	StateReady ServerState = "ready"
	// StateAnswering: it answers, and is not known further: no Gradio, and no health check is
	// configured.
	StateAnswering ServerState = "answering"
	// StateSaturated: the event loop answers, the thread pool does not.
	StateSaturated ServerState = "saturated"
	// StateUnhealthy: its health check failed twice in a row.
	StateUnhealthy ServerState = "unhealthy"
	// StateUnresponsive: the port is open, and nothing came back twice in a row; of a Gradio,
	// nothing sensible.
	StateUnresponsive ServerState = "unresponsive"
	// StateDown: the process is gone, or nothing listens at a configured endpoint.
	StateDown ServerState = "down"
	// StateStopped: the process was ended on purpose.
	StateStopped ServerState = "stopped"
	// StateNotProbed: it is not asked, as it is not certain whom a request would reach.
	StateNotProbed ServerState = "not_probed"
	// StateUnknown: nothing can be said. It is not sent.
	StateUnknown ServerState = ""
)

// States are all that are sent, 1 for the current.
var States = [...]ServerState{StateStarting, StateReady, StateAnswering, StateSaturated, StateUnhealthy, StateUnresponsive, StateDown, StateStopped, StateNotProbed}

// Server is one server of an instance.
type Server struct {
	Instance string
	Port     uint16
	State    ServerState
	// Kind is what it turned out to be.
	Kind ServerKind
	// Inside says that it is observed from inside as well, by the package facefusion-observability.
	Inside bool
	// QueueSize is how many events wait in Gradio's queue.
	QueueSize reading.Value[int64]
	// Functions are Gradio's own statistics of the functions we know, FaceFusion 3.5.0 and later:
	// all of them, or none where nothing is known.
	Functions []Function
	// Health is the result of its last health check; nil without one.
	Health *CheckResult
	// Process is the one that serves, as in Target, and Asked when it answered with its statistics
	// last; zero without.
	Process string
	Asked   time.Time
	// Viewers is how many tabs are open, after how often they ask for the terminal's text: twice a
	// second each.
	Viewers reading.Value[int64]
	// Probes are the latencies of our own requests since the collector looks.
	Probes []ProbeStats
}

// Function is what Gradio says of one of its functions.
type Function struct {
	// Name is one of a fixed list, or "other" for the sum of the rest.
	Name string
	// Requests and Failed are totals since Server.Start; they never decrease when the server
	// restarts. Requests counts what was asked for, ended or not; Failed those that raised an
	// exception, as far as Gradio's rounded answer shows: late rather than too high.
	Requests int64
	Failed   reading.Value[int64]
	// Own is what the process that serves now has counted itself. Its failures may be late, and are
	// never too high.
	Own Calls
	// P50, P90 and P99 are the seconds a request took; absent once Gradio does not report them, and
	// for "other".
	P50, P90, P99 reading.Value[float64]
}

// Calls is what one process says of one function.
type Calls struct {
	Requests int64
	Failed   reading.Value[int64]
}

// ProbeName is one of our own requests. The set is fixed, so that it may become an attribute.
type ProbeName string

// The probes.
const (
	// ProbeLoop asks the event loop alone, without a thread of the pool.
	ProbeLoop ProbeName = "loop"
	// ProbeQueue asks for the queue: the readiness request. It takes a thread of the pool, because
	// Gradio checks the login in one.
	ProbeQueue ProbeName = "queue"
	// ProbeApp asks for the app's id, which takes a thread of the pool.
	ProbeApp ProbeName = "app"
	// ProbeSummary asks for Gradio's statistics.
	ProbeSummary ProbeName = "summary"
	// ProbeCapabilities asks FaceFusion 4's api what it can do.
	ProbeCapabilities ProbeName = "capabilities"
)

// ProbeStats is the latency of one kind of request with one outcome.
type ProbeStats struct {
	Probe ProbeName
	// StatusCode of the answer; 0 when there was none, and then ErrorType says why.
	StatusCode int
	// ErrorType is one of a fixed list: "timeout", "connection_refused", "connection_reset", "tls",
	// "invalid_response", "redirect", "other".
	ErrorType string
	// Duration in seconds, since Start.
	Duration histogram.Snapshot
	Start    time.Time
}

// StateChange is one change of a server's state.
type StateChange struct {
	Time     time.Time
	Instance string
	Port     uint16
	From, To ServerState
}
