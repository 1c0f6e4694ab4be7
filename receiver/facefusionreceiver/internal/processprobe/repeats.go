package processprobe

import (
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// A service that ends more often than lostInRow times within an episode is reported once, and again
// when the episode is over: one that restarts each second would fill the log.
const (
	lostInRow    = 3
	episodeLasts = 10 * time.Minute
)

// episode are the ends of an instance's services that come one after the other.
type episode struct {
	begun time.Time
	lost  int
}

// lostAgain counts an end, and says that it is not to be logged.
func (p *Probe) lostAgain(instance string, now time.Time) bool {
	e := p.episodes[instance]
	if e == nil {
		e = &episode{begun: now}
		p.episodes[instance] = e
	}
	e.lost++
	if e.lost == lostInRow+1 {
		p.env.Settings.Logger.Warn("FaceFusion is found and lost again and again, which is told once in ten minutes from now on", zap.String("instance", instance),
			zap.String("remedy", "see why it ends: its own log, facefusion_process_exits_total by facefusion_exit_reason, and the event facefusion.process.exited"))
	}
	return e.lost > lostInRow
}

// repeats says that what is found of an instance is not to be logged now.
func (p *Probe) repeats(instance string) bool {
	e := p.episodes[instance]
	return e != nil && e.lost > lostInRow
}

// endEpisodes reports how often, and whether it runs now.
func (p *Probe) endEpisodes(snapshot *process.Snapshot) {
	for instance, e := range p.episodes {
		if snapshot.Time.Sub(e.begun) < episodeLasts {
			continue
		}
		delete(p.episodes, instance)
		if e.lost <= lostInRow {
			continue
		}
		services := 0
		for _, f := range p.found {
			if f.instance == instance {
				services++
			}
		}
		p.env.Settings.Logger.Info("FaceFusion was found and lost again and again", zap.String("instance", instance), zap.Int("times", e.lost), zap.Int("running_now", services))
	}
}
