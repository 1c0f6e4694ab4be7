package logprobe

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// Probe meets the processor in the exchange of its receiver. It observes nothing itself.
type Probe struct {
	env probe.Env
	mb  *metadata.MetricsBuilder // owned by the goroutine that scrapes
	// traits are looked up once for each process. They are owned by the goroutine that publishes
	// processes.
	traits map[process.ID]traits
}

// traits are by what a line shows that a process wrote it.
type traits struct {
	// files are those that it writes to.
	files          []runlog.KnownFile
	container, pod string
}

// New makes the probe.
func New(env probe.Env) *Probe {
	p := &Probe{env: env, traits: map[process.ID]traits{}, mb: metadata.NewMetricsBuilder(env.Metrics, env.Settings)}
	env.Snapshots.Processes.Subscribe(p.publish)
	return p
}

// Name implements probe.Probe.
func (*Probe) Name() string { return "log" }

// Health implements probe.Probe. What the processor does is in its own telemetry.
func (*Probe) Health() poll.LoopHealth { return poll.LoopHealth{} }

// Start implements probe.Probe.
func (*Probe) Start(context.Context, component.Host) error { return nil }

// Shutdown implements probe.Probe.
func (p *Probe) Shutdown(context.Context) error {
	p.env.Log.Withdraw()
	return nil
}

// publish is called for each list of processes.
func (p *Probe) publish() {
	if !p.env.Log.Attached() {
		return
	}
	snapshot := p.env.Snapshots.Processes.Load()
	alive := map[process.ID]bool{}
	instances := make([]runlog.KnownInstance, 0, len(snapshot.Instances))
	for i := range snapshot.Instances {
		from := &snapshot.Instances[i]
		to := runlog.KnownInstance{ID: from.ID, Version: from.Version}
		for _, o := range from.Processes {
			to.PIDs = append(to.PIDs, o.PID)
			alive[o.ID] = true
			if o.Role.Child() {
				continue // it has what its parent has
			}
			of := p.traitsOf(&o)
			to.Files = append(to.Files, of.files...)
			to.Containers = appendNew(to.Containers, of.container)
			to.Pods = appendNew(to.Pods, of.pod)
		}
		instances = append(instances, to)
	}
	maps.DeleteFunc(p.traits, func(id process.ID, _ traits) bool { return !alive[id] })
	p.env.Log.PublishInstances(runlog.KnownHost{Name: p.env.Host.Name, ID: p.env.Host.ID}, instances)
}

// traitsOf a process of FaceFusion's own.
func (p *Probe) traitsOf(o *process.Process) traits {
	of, known := p.traits[o.ID]
	if !known {
		files, complete := process.OutputFiles(p.env.Gate, p.env.RootPath, o.PID)
		for _, file := range files {
			of.files = append(of.files, runlog.KnownFile{Path: file.Path, Claim: claimOf(file)})
		}
		of.container, of.pod = process.Within(p.env.RootPath, o.PID)
		if complete {
			p.traits[o.ID] = of
		}
	}
	return of
}

func claimOf(file process.OutputFile) runlog.FileClaim {
	switch {
	case file.Owned:
		return runlog.ClaimByOwner
	case file.Confirmed:
		return runlog.ClaimByWriting
	default:
		return runlog.ClaimByName
	}
}

// appendNew adds an id that is known, once.
func appendNew(list []string, id string) []string {
	if id == "" || slices.Contains(list, id) {
		return list
	}
	return append(list, id)
}

// Scrape implements probe.Probe.
func (p *Probe) Scrape(now time.Time) pmetric.Metrics {
	metrics := pmetric.NewMetrics()
	for _, log := range p.env.Log.Logs() {
		// A log that begins with an error is shown without it at first: of a counter that begins at
		// one, nobody sees that it rose.
		if p.env.Log.Report(log.Instance) {
			log.Totals.Causes = [len(logstream.Causes)]int64{}
		}
		record(p.mb, &log, now)
		p.mb.EmitForResource(
			metadata.WithResource(p.env.InstanceResource(log.Instance)),
			metadata.WithStartTimeOverride(pcommon.NewTimestampFromTime(log.Since)),
		)
		p.mb.Emit().ResourceMetrics().MoveAndAppendTo(metrics.ResourceMetrics())
	}
	return metrics
}
