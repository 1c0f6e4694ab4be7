package gpuprobe

import (
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// visibilityAdvice is what an operator should know about each state in which a share is unknown.
var visibilityAdvice = map[visibility]string{
	foreign: "the NVIDIA driver reports process ids of another pid namespace, so that FaceFusion's share of the GPUs is unknown: " +
		"run the collector in the host's pid namespace",
	memoryOnly:  "the NVIDIA driver does not report the utilization of processes on a GPU in use, so that FaceFusion's share of it is known for memory only: it never does for MIG",
	unsupported: "the NVIDIA driver does not list processes, so that FaceFusion's share of the GPUs is unknown",
	unreliable: "drivers 535.43 to 535.98 list processes in a layout that cannot be trusted, so that FaceFusion's share of the GPUs is unknown: " +
		"install 535.104 or later",
	failing: "the NVIDIA driver fails to list processes, so that FaceFusion's share of a GPU is unknown",
}

// reportVisibility says once for each state why shares are unknown.
func (p *Probe) reportVisibility(state visibility) {
	if advice := visibilityAdvice[state]; advice != "" && p.once("visibility "+string(state)) {
		p.env.Settings.Logger.Warn(advice, zap.String("root_path", p.env.RootPath))
	}
}

// missingQuiet is how long a reading that comes and goes is reported only once.
const missingQuiet = time.Hour

// missingReading is a reading that was reported as missing.
type missingReading struct {
	reported time.Time
	missing  bool
	// logged says that the log said so, and will say when it is back.
	logged bool
}

// reportReadings logs a reading when it is lost and when it is back. A GPU that does not answer has
// a fault, which says more.
func (p *Probe) reportReadings(snapshot *gpu.Snapshot) {
	for i := range snapshot.Devices {
		d := &snapshot.Devices[i]
		if !d.Answers() || d.Suspended || d.Parent != "" {
			continue
		}
		id := deviceID(d)
		missing := p.missing[id]
		if missing == nil {
			missing = make(map[string]*missingReading)
			p.missing[id] = missing
		}
		p.reportMissing(id, d.Missing, missing, snapshot.Time)
	}
}

func (p *Probe) reportMissing(id string, now []gpu.MissingReading, known map[string]*missingReading, at time.Time) {
	logger := p.env.Settings.Logger.With(zap.String("gpu", id))
	present := make(map[string]bool, len(now))
	for _, m := range now {
		present[m.Name] = true
		r := known[m.Name]
		if r == nil {
			r = &missingReading{}
			known[m.Name] = r
		}
		if r.missing {
			continue
		}
		r.missing = true
		if r.reported.IsZero() || at.Sub(r.reported) >= missingQuiet {
			r.reported, r.logged = at, true
			logger.Warn("GPU reading lost", zap.String("reading", m.Name), zap.Error(m.Err))
		}
	}
	for name, r := range known {
		if !r.missing || present[name] {
			continue
		}
		r.missing = false
		if r.logged {
			r.logged = false
			logger.Info("GPU reading back", zap.String("reading", name))
		}
	}
}

// reportXIDWatch logs when XIDs can no longer be seen, and when they can again.
func (p *Probe) reportXIDWatch(snapshot *gpu.Snapshot) {
	before, now := p.before.XIDWatch.State, snapshot.XIDWatch
	switch {
	case snapshot.Library.State != gpu.LibraryAvailable || now.State == before:
	case now.State == xid.WatchFailing:
		p.env.Settings.Logger.Warn("XIDs cannot be watched, it is tried again", zap.Error(now.Err))
	case now.State == xid.WatchUnavailable && p.once("no xids"):
		p.env.Settings.Logger.Info("the NVIDIA driver has no XID events", zap.Error(now.Err))
	case now.State == xid.WatchWatching && before == xid.WatchFailing:
		p.env.Settings.Logger.Info("XIDs are watched again")
	}
	if snapshot.XIDsUnmatched > p.before.XIDsUnmatched {
		p.env.Settings.Logger.Warn("the NVIDIA driver reports an XID of a GPU that is not watched", zap.Int64("total", snapshot.XIDsUnmatched))
	}
}
