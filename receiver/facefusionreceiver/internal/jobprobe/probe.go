package jobprobe

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/checkpoint"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/outbox"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// Probe watches FaceFusion's jobs folders.
type Probe struct {
	env         probe.Env
	histograms  HistogramsConfig
	watcher     *jobqueue.Watcher
	latest      snapshots.Latest[jobqueue.Snapshot]
	gpus        *gpuAccounting
	roots       *roots
	exits       exits
	loop        *poll.Loop
	persister   *checkpoint.Persister // nil without a storage extension
	storing     sync.Mutex            // held by whoever uses the persister
	acks        *acks                 // nil until started, and where nothing is kept
	emitsEvents bool                  // somebody takes events
	emitsTraces bool                  // somebody takes spans
	// Folders of which the first pass was logged, by instance; owned by the goroutine that observes
	firstScanLogged map[string]bool
	overLogged      map[string]bool // owned by the goroutine that observes, see limits.go
	recent          recentRuns      // owned by the goroutine that observes
	// holding guards held and traced. held are traces that wait for the log, until unheld: from
	// then on none waits. traced are the changes that entries are about, owned by the goroutine
	// that observes.
	holding sync.Mutex
	unheld  bool
	held    []heldTraces
	traced  map[*outbox.Entry][]jobqueue.Change
	// unsubscribe ends the calls of the log when it names a cause.
	unsubscribe func()
	// begun says that a run began, and that the processes were not listed since.
	begun atomic.Bool
	mb    *metadata.MetricsBuilder // owned by the goroutine that scrapes
	lb    *metadata.LogsBuilder    // owned by the goroutine that observes
}

// New makes the probe.
func New(cfg Config, histograms HistogramsConfig, env probe.Env) *Probe {
	p := &Probe{
		env:             env,
		histograms:      histograms,
		firstScanLogged: map[string]bool{},
		overLogged:      map[string]bool{},
		unsubscribe:     func() {},
		gpus:            newGPUAccounting(),
		roots:           newRoots(env.Gate, env.RootPath),
		mb:              metadata.NewMetricsBuilder(env.Metrics, env.Settings),
		lb:              metadata.NewLogsBuilder(env.Logs, env.Settings),
	}
	p.loop = poll.New(cfg.Interval, p.observe)
	env.Snapshots.Processes.Subscribe(p.begin)
	env.Snapshots.GPUWork.Subscribe(func() { p.gpus.observe(env.Snapshots.GPUWork.Load()) })
	settings := jobqueue.Settings{
		StallAfter:  cfg.StallAfter,
		OnHint:      p.loop.Trigger,
		KeepPaths:   cfg.TracePaths,
		Gate:        env.Gate,
		Exponential: histograms.exponential(),
	}
	if env.Storage != nil {
		settings.Load = func(ctx context.Context, keys []string) ([][]byte, error) {
			if p.persister == nil {
				return make([][]byte, len(keys)), nil // it is not available
			}
			return p.persister.Load(ctx, keys)
		}
	}
	p.watcher = jobqueue.NewWatcher(settings)
	return p
}

// Name implements probe.Probe.
func (*Probe) Name() string { return "jobs" }

// Health implements probe.Probe.
func (p *Probe) Health() poll.LoopHealth {
	h := p.loop.Health()
	if s := p.latest.Load(); s != nil {
		h.Oldest(s.Oldest)
	}
	return h
}

// Start implements probe.Probe.
func (p *Probe) Start(ctx context.Context, host component.Host) error {
	// All signals of the receiver were created by now. Data of a signal that is shut down before
	// the others is still recorded: it is kept and delivered after the next start.
	p.emitsEvents, p.emitsTraces = p.env.Sink.WantsLogs(), p.env.Sink.WantsTraces()
	if err := p.openStorage(ctx, host); err != nil {
		if err := p.persister.Without(ctx, p.env.Settings.Logger, err); err != nil {
			return err
		}
		p.persister, p.acks = nil, nil
	}
	if p.acks != nil {
		p.acks.start()
	}
	p.unsubscribe = p.env.Log.Subscribe(p.loop.Trigger)
	p.loop.Start()
	return nil
}

// Shutdown implements probe.Probe.
func (p *Probe) Shutdown(ctx context.Context) error {
	p.unsubscribe()
	p.loop.Stop()
	p.Flush()
	p.watcher.Close()
	if p.acks != nil {
		p.acks.stop() // a delivery that ends later still asks it
	}
	return p.persister.Close(ctx)
}

// Flush implements probe.Flusher. What the log says until now is all that these traces get.
func (p *Probe) Flush() {
	p.holding.Lock()
	p.unheld = true
	p.holding.Unlock()
	p.sendHeld(true)
}

// begin remembers exits, and looks for the first time as soon as the processes are known. From then
// on the interval and the hints decide, and a run that has begun: whoever has it may be gone from
// the next list.
func (p *Probe) begin() {
	p.exits.add(p.env.Snapshots.Processes.Load())
	if p.begun.Swap(false) || p.latest.Load() == nil {
		p.loop.Trigger()
	}
}

// begins says that a run began with a change. One that stalled and goes on did not.
func begins(c jobqueue.Change) bool {
	return c.To == jobqueue.StateRunning && c.From != jobqueue.StateStalled && c.From != jobqueue.StateFinalizing
}

func (p *Probe) observe(ctx context.Context) error {
	p.sendHeld(false)
	processes := p.env.Snapshots.Processes.Load()
	if processes == nil {
		return nil
	}
	snapshot, err := p.watcher.Observe(ctx, p.roots.folders(processes),
		evidence(processes, p.exits.get(), p.env.Snapshots.Servers.Load(), p.env.Snapshots.GPUUse.Load(), p.env.Log))
	if snapshot == nil {
		return err
	}
	if p.emitsTraces {
		p.gpus.follow(snapshot)
	}
	p.concludeRefusals(snapshot)
	entries := p.batches(snapshot)
	// Persist before emitting: after a crash we must know what was emitted already.
	err = errors.Join(err, p.save(ctx, entries))
	before := p.latest.Load()
	p.latest.Publish(snapshot)
	begun := slices.ContainsFunc(snapshot.Changes, begins)
	if begun {
		p.begun.Store(true)
	}
	p.env.Snapshots.Jobs.Publish(&snapshots.Jobs{
		Begun:      begun,
		AwaitCalls: slices.ContainsFunc(snapshot.Queues, func(q jobqueue.Queue) bool { return q.AwaitsCalls }),
	})
	p.publishRuns(snapshot)
	p.send(p.holdTraces(snapshot, entries))
	p.logFirstScan(snapshot)
	p.logOverLimits(snapshot)
	if len(snapshot.Changes) > 0 || !sameFolders(before, snapshot) {
		p.env.RequestScrape()
	}
	return err
}

// sameFolders says that two snapshots are of the same folders, as accessible and as far scanned.
func sameFolders(before, after *jobqueue.Snapshot) bool {
	return before != nil && slices.EqualFunc(before.Queues, after.Queues, func(a, b jobqueue.Queue) bool {
		return a.Access == b.Access && a.Scanning == b.Scanning && slices.Equal(a.Instances, b.Instances)
	})
}

// Scrape implements probe.Probe.
func (p *Probe) Scrape(now time.Time) pmetric.Metrics {
	metrics := pmetric.NewMetrics()
	snapshot := p.latest.Load()
	if snapshot == nil {
		return metrics
	}
	for i := range snapshot.Queues {
		queue := &snapshot.Queues[i]
		id := queue.Instances[0]
		record(p.mb, &p.histograms, queue, now)
		p.mb.EmitForResource(metadata.WithResource(p.env.InstanceResource(id)))
		emitted := p.mb.Emit()
		if emitted.ResourceMetrics().Len() > 0 {
			appendDurations(&p.histograms, emitted.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics(), queue, now)
		}
		emitted.ResourceMetrics().MoveAndAppendTo(metrics.ResourceMetrics())
	}
	return metrics
}
