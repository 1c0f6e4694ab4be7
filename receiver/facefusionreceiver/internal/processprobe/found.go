package processprobe

import (
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// portPatience is how long a service that was found may take to listen before the log says that it
// was found: it loads and checks its models first. Where it listens is said then.
const portPatience = 10 * time.Second

// foundService is a service that runs.
type foundService struct {
	instance, version, rule string
	role                    process.Role
	seen                    time.Time
	port                    uint16
	// logged says that the log has it, listens that the log has its port, too.
	logged, listens bool
}

// reportFound logs each service once when it is found, with the rule that found it: why a process
// counts as FaceFusion's is what an operator asks first. It logs once when it is gone, and a server
// that fails before it listens, too. Runs come by the hundred, and are events.
func (p *Probe) reportFound(snapshot *process.Snapshot) {
	present := make(map[process.ID]*foundService)
	for n := range snapshot.Instances {
		p.noteServices(&snapshot.Instances[n], snapshot.Time, present)
	}
	for id, f := range p.found {
		if present[id] != nil {
			continue
		}
		if reason := exitOf(snapshot, id.PID); f.logged || f.role == process.RoleServer && reason.Failure() {
			p.logGone(id, f, reason, snapshot.Time)
		}
	}
	for id, f := range present {
		p.logFound(id, f, snapshot.Time)
	}
	p.found = present
	p.endEpisodes(snapshot)
}

func (p *Probe) noteServices(i *process.Instance, now time.Time, present map[process.ID]*foundService) {
	for _, proc := range i.Processes {
		if proc.Role != process.RoleServer && proc.Role != process.RoleService {
			continue
		}
		f := p.found[proc.ID]
		if f == nil {
			f = &foundService{seen: now}
		}
		f.instance, f.version, f.role, f.rule = i.ID, i.Version, proc.Role, proc.Rule
		present[proc.ID] = f
	}
	for _, server := range i.Servers {
		if f := present[server.ID]; f != nil {
			f.port = server.Port
			if server.PortUnknown {
				f.seen = now.Add(-portPatience) // it will not be known
			}
		}
	}
}

func (p *Probe) logFound(id process.ID, f *foundService, now time.Time) {
	logger := p.env.Settings.Logger
	switch {
	case p.repeats(f.instance) && !f.logged:
		f.logged, f.listens = true, true
	case !f.logged && (f.port != 0 || now.Sub(f.seen) >= portPatience):
		fields := []zap.Field{
			zap.String("instance", f.instance), zap.String("version", f.version), zap.String("role", string(f.role)), zap.String("rule", f.rule), zap.Int("pid", id.PID),
		}
		if f.port != 0 {
			fields = append(fields, zap.Uint16("port", f.port))
		}
		logger.Info("FaceFusion found", fields...)
		f.logged, f.listens = true, f.port != 0
	case f.logged && !f.listens && f.port != 0:
		logger.Info("FaceFusion listens", zap.String("instance", f.instance), zap.Int("pid", id.PID), zap.Uint16("port", f.port))
		f.listens = true
	}
}

func (p *Probe) logGone(id process.ID, f *foundService, reason process.ExitReason, now time.Time) {
	if p.lostAgain(f.instance, now) {
		return
	}
	fields := []zap.Field{zap.String("instance", f.instance), zap.String("version", f.version), zap.String("role", string(f.role)), zap.Int("pid", id.PID)}
	if reason != "" {
		fields = append(fields, zap.String("reason", string(reason)))
	}
	p.env.Settings.Logger.Info("FaceFusion lost", fields...)
}

// exitOf is how a process ended; empty where that was not seen.
func exitOf(snapshot *process.Snapshot, pid int) (reason process.ExitReason) {
	for _, change := range snapshot.Changes {
		if change.Exited && change.PID == pid {
			reason = change.Reason
		}
	}
	return reason
}
