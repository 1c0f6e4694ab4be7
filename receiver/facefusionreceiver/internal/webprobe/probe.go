package webprobe

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// Probe watches FaceFusion's web servers.
type Probe struct {
	env        probe.Env
	cfg        Config
	histograms HistogramsConfig
	instances  []ConfiguredInstance
	discovers  bool
	loop       *poll.Loop
	mb         *metadata.MetricsBuilder // owned by the goroutine that scrapes
	latest     snapshots.Latest[webui.Snapshot]
	// targets are those that were asked last.
	targets atomic.Pointer[[]webui.Target]
	// clients are those of the health checks.
	clients []*http.Client
	// barriers are the servers whose barrier was logged; owned by the goroutine that observes.
	barriers map[barrier]bool
	// unhealthy are those whose failing check was logged; over and late say that what is over a
	// limit was. Owned by the goroutine that observes as well.
	unhealthy  map[serverKey]bool
	over, late bool
	// asking is tracker, once there is one, for those who may only have it ask.
	asking atomic.Pointer[webui.Tracker]
	// Owned by the goroutine that observes
	lb      *metadata.LogsBuilder
	tracker *webui.Tracker
	started time.Time
}

// New makes the probe. The instances are those that the configuration names; discovers says that a
// process probe finds others.
func New(cfg Config, histograms HistogramsConfig, instances []ConfiguredInstance, discovers bool, env probe.Env) *Probe {
	p := &Probe{
		env:        env,
		cfg:        cfg,
		histograms: histograms,
		instances:  slices.Clone(instances),
		discovers:  discovers,
		mb:         metadata.NewMetricsBuilder(env.Metrics, env.Settings),
		lb:         metadata.NewLogsBuilder(env.Logs, env.Settings),
	}
	p.loop = poll.New(cfg.Interval, p.observe)
	env.Snapshots.Processes.Subscribe(p.follow)
	env.Snapshots.Jobs.Subscribe(p.askAfterJobs)
	return p
}

// Name implements probe.Probe.
func (*Probe) Name() string { return "web" }

// Health implements probe.Probe.
func (p *Probe) Health() poll.LoopHealth {
	h := p.loop.Health()
	if s := p.latest.Load(); s != nil {
		h.Oldest(s.Oldest)
	}
	return h
}

// OverLimits implements probe.Bounded.
func (p *Probe) OverLimits() []probe.OverLimit {
	var over, waiting int
	if s := p.latest.Load(); s != nil {
		over, waiting = s.Over, s.Waiting
	}
	return []probe.OverLimit{{Limit: "servers", Items: over}, {Limit: "server_turns", Items: waiting}}
}

// Start implements probe.Probe. It fails when the client's settings name a file or an extension
// that is not there.
func (p *Probe) Start(ctx context.Context, host component.Host) error {
	clients := make(map[string]*http.Client, len(p.instances))
	for n := range p.instances {
		i := &p.instances[n]
		if i.Endpoint != nil {
			client, err := p.endpointClient(ctx, host, p.cfg.ClientConfig, *i)
			if err != nil {
				return err
			}
			clients[i.Name] = client
		}
		if i.Health != nil {
			client, err := p.endpointClient(ctx, host, i.Health.ClientConfig, *i)
			if err != nil {
				return err
			}
			i.check = i.Health.check()
			i.check.Client = client
			p.clients = append(p.clients, client)
		}
	}
	p.started = time.Now()
	p.tracker = webui.NewTracker(webui.Settings{Endpoints: clients, Timeout: p.cfg.ClientConfig.Timeout, FailureThreshold: p.cfg.FailureThreshold})
	p.asking.Store(p.tracker)
	p.loop.Start()
	return nil
}

// Shutdown implements probe.Probe.
func (p *Probe) Shutdown(context.Context) error {
	p.loop.Stop()
	if p.tracker != nil {
		p.tracker.Close()
	}
	for _, client := range p.clients {
		client.CloseIdleConnections()
	}
	return nil
}

// follow has the servers asked at once when a process started, stopped or began to listen, instead
// of at the next interval.
func (p *Probe) follow() {
	asked := p.targets.Load()
	if asked == nil || !slices.EqualFunc(targets(p.env.Snapshots.Processes.Load(), p.instances), *asked, sameTarget) {
		p.loop.Trigger()
	}
}

// askAfterJobs has Gradio asked for its statistics when a run's fate depends on them.
func (p *Probe) askAfterJobs() {
	if tracker := p.asking.Load(); tracker != nil && p.env.Snapshots.Jobs.Load().AwaitCalls {
		tracker.AskStatistics()
		p.loop.Trigger()
	}
}

// observe asks the servers.
func (p *Probe) observe(ctx context.Context) error {
	processes := p.env.Snapshots.Processes.Load()
	if processes == nil && p.discovers && time.Since(p.started) < p.cfg.Interval {
		// Servers that were there before our first pass have a past; one that appears later has
		// not, and all it ever counted is news. A process table that cannot be had holds up the
		// configured endpoints for one interval only.
		return nil
	}
	targets := targets(processes, p.instances)
	p.targets.Store(&targets)
	p.reportBarriers(processes)
	snapshot, err := p.tracker.Observe(ctx, targets, known(processes, p.instances))
	if snapshot == nil {
		return err
	}
	p.latest.Publish(snapshot)
	p.env.Snapshots.Servers.Publish(snapshot)
	p.report(snapshot)
	p.emit(snapshot)
	if len(snapshot.Changes) > 0 {
		p.env.RequestScrape()
	}
	return err
}

// Scrape implements probe.Probe.
func (p *Probe) Scrape(now time.Time) pmetric.Metrics {
	snapshot := p.latest.Load()
	if snapshot == nil {
		return pmetric.NewMetrics()
	}
	metrics := pmetric.NewMetrics()
	for servers := range byInstance(snapshot.Servers) {
		for i := range servers {
			record(p.mb, &servers[i], now)
		}
		id := servers[0].Instance
		p.mb.EmitForResource(metadata.WithResource(p.env.InstanceResource(id)))
		emitted := p.mb.Emit()
		if p.histograms.ServerProbeDuration.Enabled && emitted.ResourceMetrics().Len() > 0 {
			appendProbeDurations(&p.histograms.ServerProbeDuration, emitted.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics(), servers, now)
		}
		emitted.ResourceMetrics().MoveAndAppendTo(metrics.ResourceMetrics())
	}
	return metrics
}
