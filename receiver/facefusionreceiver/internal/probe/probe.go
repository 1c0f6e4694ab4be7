package probe

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// Probe observes one thing. Its constructor touches nothing; Start begins to observe in the
// background.
type Probe interface {
	// Name is short and fixed: the value of the attribute "probe" in the receiver's own telemetry.
	Name() string
	// Start returns at once. It fails on a wrong configuration only: what is not there yet is a
	// state to report. Its context ends with Start.
	Start(ctx context.Context, host component.Host) error
	// Scrape turns what was observed last into metrics. It touches neither driver, disk nor
	// network. One goroutine at a time calls it.
	Scrape(now time.Time) pmetric.Metrics
	// Health says how the observations go, from any goroutine.
	Health() poll.LoopHealth
	// Shutdown ends the observation and waits for it, unless ctx ends first. It may be called
	// unstarted and twice.
	Shutdown(ctx context.Context) error
}

// Flusher is a Probe that holds traces back.
type Flusher interface {
	// Flush sends them, and holds none from then on. It is called before the pipeline of traces is
	// shut down, while the probe observes or not.
	Flush()
}

// Bounded is a Probe that reports no more of a kind than a limit, whatever the host does.
type Bounded interface {
	// OverLimits has an entry for each of its limits, from any goroutine.
	OverLimits() []OverLimit
}

// OverLimit is how many items are over a limit.
type OverLimit struct {
	// Limit is short and fixed: the value of the attribute "limit" in the receiver's own telemetry.
	Limit string
	Items int
}

// Env is what every probe works with.
type Env struct {
	// Settings are the receiver's.
	Settings receiver.Settings
	// Metrics configures the metrics and the resource attributes.
	Metrics metadata.MetricsBuilderConfig
	// Logs configures the events.
	Logs metadata.LogsBuilderConfig
	// Snapshots is where probes see each other's latest snapshot.
	Snapshots *snapshots.Store
	// Log is where the processor of FaceFusion's log is met.
	Log *runlog.Exchange
	// Host is where the collector runs.
	Host host.Host
	// Storage names the extension that keeps what must outlive the collector; nil for none.
	Storage *component.ID
	// Gate runs what may hang: accesses to files of others.
	Gate *hostfs.Gate
	// RootPath is where the root of the observed host is mounted; "/" on the host itself.
	RootPath string
	// Window is the shortest time that a scrape may sum up: a scrape that comes early, because
	// something changed, cuts no window short.
	Window time.Duration
	// RequestScrape asks for a scrape soon. It never blocks.
	RequestScrape func()
	// Sink is the way out for events and spans.
	Sink Sink
}
