package jobprobe

import (
	"slices"

	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

var _ probe.Bounded = (*Probe)(nil)

// OverLimits implements probe.Bounded.
func (p *Probe) OverLimits() []probe.OverLimit {
	sizes, models, work := probe.OverLimit{Limit: "job_size"}, probe.OverLimit{Limit: "models"}, probe.OverLimit{Limit: "folder_work"}
	if s := p.latest.Load(); s != nil {
		work.Items = len(s.Behind)
		for i := range s.Queues {
			sizes.Items += s.Queues[i].Oversized
			models.Items += int(s.Queues[i].ModelsOver)
		}
	}
	return []probe.OverLimit{sizes, models, work}
}

// logOverLimits logs once for each folder and limit what is over it.
func (p *Probe) logOverLimits(snapshot *jobqueue.Snapshot) {
	for i := range snapshot.Queues {
		q := &snapshot.Queues[i]
		instance := q.Instances[0]
		if p.becameOver("job_size "+instance, q.Oversized > 0) {
			p.env.Settings.Logger.Warn("jobs are too large to be read, and are reported as unreadable", zap.String("instance", instance),
				zap.Int("jobs", q.Oversized), zap.String("job", q.OversizedJob), zap.String("reason", q.OversizedReason))
		}
		if p.becameOver("models "+instance, q.ModelsOver > 0) {
			p.env.Settings.Logger.Warn("too many models: models that are not FaceFusion's own are reported as other from now on", zap.String("instance", instance))
		}
		if p.becameOver("folder_work "+instance, slices.Contains(snapshot.Behind, instance)) {
			p.env.Settings.Logger.Warn("a jobs folder has more changes than are read at once: what is known of its jobs is late", zap.String("instance", instance))
		}
	}
}

// becameOver says that it is to be logged.
func (p *Probe) becameOver(limit string, over bool) bool {
	was := p.overLogged[limit]
	if over {
		p.overLogged[limit] = true
	} else {
		delete(p.overLogged, limit)
	}
	return over && !was
}
