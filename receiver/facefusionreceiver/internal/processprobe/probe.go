package processprobe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/checkpoint"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// Probe watches FaceFusion's processes.
type Probe struct {
	env   probe.Env
	table *process.Table
	loop  *poll.Loop
	// persister is nil without a storage extension; saved is what was saved last.
	persister *checkpoint.Persister
	saved     []byte
	mb        *metadata.MetricsBuilder // owned by the goroutine that scrapes
	lb        *metadata.LogsBuilder    // owned by the goroutine that observes
	// Owned by the goroutine that observes
	denied map[string]bool
	found  map[process.ID]*foundService
	// episodes are the instances of which something was lost lately.
	episodes map[string]*episode
	unfit    map[string]string
	blind    map[string]bool
	hinted   hinted
	observed bool
	shown    []shownInstance
	over     bool // it was logged that there are too many instances
	late     bool // it was logged that processes wait to have their ports searched for
}

// New makes the probe. The instances are those that the configuration names.
func New(cfg Config, instances []process.Configured, env probe.Env) *Probe {
	p := &Probe{
		env:      env,
		mb:       metadata.NewMetricsBuilder(env.Metrics, env.Settings),
		lb:       metadata.NewLogsBuilder(env.Logs, env.Settings),
		denied:   map[string]bool{},
		unfit:    map[string]string{},
		blind:    map[string]bool{},
		hinted:   hinted{},
		episodes: map[string]*episode{},
	}
	p.loop = poll.New(cfg.Interval, p.observe)
	afterJobs := throttle{least: listAgainAfter}
	env.Snapshots.Jobs.Subscribe(func() {
		if env.Snapshots.Jobs.Load().Begun && afterJobs.lets(time.Now()) {
			p.loop.Trigger()
		}
	})
	p.table = process.NewTable(process.Settings{
		RootPath:    env.RootPath,
		Gate:        env.Gate,
		ForgetAfter: cfg.ForgetAfter,
		Instances:   instances,
		OnExit:      p.loop.Trigger,
	})
	return p
}

// Name implements probe.Probe.
func (*Probe) Name() string { return "process" }

// Health implements probe.Probe.
func (p *Probe) Health() poll.LoopHealth {
	return p.loop.Health()
}

// OverLimits implements probe.Bounded.
func (p *Probe) OverLimits() []probe.OverLimit {
	var over, waiting int
	if s := p.env.Snapshots.Processes.Load(); s != nil {
		over, waiting = s.Over.Processes, s.Waiting
	}
	return []probe.OverLimit{{Limit: "instances", Items: over}, {Limit: "descriptors", Items: waiting}}
}

// Start implements probe.Probe.
func (p *Probe) Start(ctx context.Context, host component.Host) error {
	if err := p.restore(ctx, host); err != nil {
		if err := p.persister.Without(ctx, p.env.Settings.Logger, err); err != nil {
			return err
		}
		p.persister = nil
	}
	for _, name := range p.table.OpenToAnybody() {
		p.env.Settings.Logger.Warn("whoever works on this host may run a process that fits the match of an instance, and keep it up", zap.String("instance", name),
			zap.String("remedy", "give match.user, whose it is, or path, the checkout"))
	}
	unknown := p.table.UnknownUsers()
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		p.env.Settings.Logger.Warn("no process fits the match of an instance, as its user is not in the host's /etc/passwd", zap.String("instance", name),
			zap.String("user", unknown[name]), zap.String("remedy", unknownUserRemedy))
	}
	p.loop.Start()
	return nil
}

// Shutdown implements probe.Probe.
func (p *Probe) Shutdown(ctx context.Context) error {
	p.loop.Stop()
	return errors.Join(p.table.Close(), p.persister.Close(ctx))
}

func (p *Probe) observe(ctx context.Context) error {
	p.choose()
	snapshot, err := p.table.Observe(ctx)
	if snapshot == nil {
		return err
	}
	p.env.Snapshots.Processes.Publish(snapshot)
	p.report(snapshot)
	p.emit(snapshot)
	first := !p.observed
	p.observed = true
	if p.shows(snapshot.Instances) || first || len(snapshot.Changes) > 0 {
		p.env.RequestScrape()
	}
	return errors.Join(err, p.save(ctx))
}

// choose passes on which ports of processes the web probe found to be servers.
func (p *Probe) choose() {
	servers := p.env.Snapshots.Servers.Load()
	if servers == nil {
		return
	}
	for _, c := range servers.Choices {
		var id process.ID
		if _, err := fmt.Sscanf(c.Process, "%d/%d", &id.PID, &id.StartTicks); err == nil {
			p.table.Choose(id, c.Port)
		}
	}
}

// report logs, once each, what an operator should know: that there is nothing to watch yet, and
// what may not be read.
func (p *Probe) report(snapshot *process.Snapshot) {
	p.reportBlind(snapshot)
	if !p.observed && len(snapshot.Instances) == 0 && len(snapshot.Blind) == 0 {
		p.env.Settings.Logger.Info("no FaceFusion process found yet, it will be picked up when it starts", zap.String("root_path", p.env.RootPath))
	}
	p.reportFound(snapshot)
	p.reportUnfit(snapshot)
	p.reportHints(snapshot)
	if over := snapshot.Over; (over.Processes > 0) != p.over {
		p.over = !p.over
		if p.over {
			p.env.Settings.Logger.Warn("too many instances: processes of FaceFusion are in none, and are not reported",
				zap.Int("processes", over.Processes), zap.Int("pid", over.First.PID), zap.Int("uid", over.UID),
				zap.String("remedy", "name those that matter as instances[], which need no place among the 64 of a user and the 256 of all"))
		} else {
			p.env.Settings.Logger.Info("each process of FaceFusion is in an instance again")
		}
	}
	if snapshot.Waiting > 0 && !p.late {
		p.late = true
		p.env.Settings.Logger.Warn("processes have more descriptors than are looked at in a second: on which port they listen is seen late",
			zap.Int("processes", snapshot.Waiting), zap.String("limit", "descriptors"),
			zap.String("remedy", "look which user's processes have thousands of descriptors (ls /proc/PID/fd | wc -l); other users' are not late"))
	}
	p.reportDenied(snapshot)
}

// reportBlind logs, once each, why FaceFusion may run unseen.
func (p *Probe) reportBlind(snapshot *process.Snapshot) {
	for _, b := range snapshot.Blind {
		if p.blind[string(b.Visibility)] {
			continue
		}
		p.blind[string(b.Visibility)] = true
		fields := []zap.Field{zap.String("state", string(b.Visibility)), zap.String("capability", b.Capability), zap.String("lost", b.Lost), zap.String("remedy", b.Remedy)}
		if b.Processes > 0 {
			fields = append(fields, zap.Int("processes", b.Processes))
		}
		p.env.Settings.Logger.Warn("not all processes can be looked at: FaceFusion may run unseen", fields...)
	}
}

// reportDenied logs once what may not be read, and once that it may again. Without a process there
// is nothing to read.
func (p *Probe) reportDenied(snapshot *process.Snapshot) {
	if !slices.ContainsFunc(snapshot.Instances, func(i process.Instance) bool { return len(i.Processes) > 0 }) {
		return
	}
	now := make(map[string]bool, len(snapshot.Denied))
	for _, denied := range snapshot.Denied {
		if now[denied.Field] = true; !p.denied[denied.Field] {
			p.env.Settings.Logger.Warn("a field of FaceFusion's processes may not be read, what depends on it is absent",
				zap.String("field", denied.Field), zap.String("file", denied.Path), zap.String("lost", denied.Lost), zap.String("remedy", denied.Remedy))
		}
	}
	for field := range p.denied {
		if !now[field] {
			p.env.Settings.Logger.Info("a field of FaceFusion's processes may be read again", zap.String("field", field))
		}
	}
	p.denied = now
}

const unknownUserRemedy = "correct match.user; of a user that is in another directory (LDAP), or only in a container, give the number"

// remedyOf says what to do about what is configured and fits nothing; empty where that is to be
// waited for.
func remedyOf(instance *process.Instance) string {
	lacks := func(field string) bool { return slices.Contains(instance.Unfit, field) }
	switch instance.Configuration {
	case process.ConfigurationDenied:
		return "give the collector CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, or run it as the user and group of FaceFusion"
	case process.ConfigurationUnmatched:
	default:
		return ""
	}
	var remedies []string
	if lacks("match.user") {
		remedies = append(remedies, unknownUserRemedy)
	}
	if lacks("match") {
		remedies = append(remedies, "start the instance, or correct the match: one process has to fit all of its fields (docs/instances.md)")
	}
	if lacks("path") || lacks("jobs_path") {
		remedies = append(remedies, "correct the path, as the host or the process names it, or start what makes the folder (docs/instances.md)")
	}
	return strings.Join(remedies, "; ")
}

// reportUnfit logs, once each, the configured instances that nothing fits.
func (p *Probe) reportUnfit(snapshot *process.Snapshot) {
	for i := range snapshot.Instances {
		instance := &snapshot.Instances[i]
		remedy := remedyOf(instance)
		if fields := strings.Join(instance.Unfit, ", "); remedy != "" && p.unfit[instance.ID] != fields {
			p.unfit[instance.ID] = fields
			p.env.Settings.Logger.Warn("nothing fits the configuration of an instance", zap.String("instance", instance.ID), zap.String("fields", fields),
				zap.String("state", string(instance.Configuration)), zap.String("remedy", remedy))
		}
	}
}

// Scrape implements probe.Probe.
func (p *Probe) Scrape(now time.Time) pmetric.Metrics {
	snapshot := p.env.Snapshots.Processes.Load()
	if snapshot == nil {
		return pmetric.NewMetrics()
	}
	recordHost(p.mb, snapshot, pcommon.NewTimestampFromTime(now))
	p.mb.EmitForResource(metadata.WithResource(p.env.HostResource()))
	for i := range snapshot.Instances {
		instance := &snapshot.Instances[i]
		recordInstance(p.mb, instance, p.env.Snapshots.Servers.Load().Inside(instance.ID), now)
		p.mb.EmitForResource(metadata.WithResource(p.env.InstanceResource(instance.ID)))
	}
	if len(snapshot.Instances) == 0 && len(snapshot.Blind) == 0 {
		p.mb.RecordFacefusionProcessUpDataPoint(pcommon.NewTimestampFromTime(now), 0)
		p.mb.EmitForResource(metadata.WithResource(p.env.InstanceResource("")))
	}
	return p.mb.Emit()
}
