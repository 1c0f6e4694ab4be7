package gpu

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/backoff"
)

// supportPace is how often a reading that a GPU does not support is asked for again. NOT_SUPPORTED
// is a state of the moment and no property of the GPU: NVML answers so for utilization while MIG is
// on, and drivers answer so for a few seconds while they recover. A call in vain costs at most the
// 1.2 ms of a memory temperature.
var supportPace = backoff.Pace{First: 15 * time.Second, Longest: 10 * time.Minute}

// support is whether a GPU has one of its readings.
type support struct {
	refused bool
	retry   backoff.Backoff
}

// due says whether a reading is to be asked for.
func (s *support) due(now time.Time) bool { return !s.refused || s.retry.Ready(now) }

// refuse notes that the reading is not supported now.
func (s *support) refuse(now time.Time) {
	s.refused = true
	s.retry.FailedAt(now, supportPace)
}

// confirm notes that it was answered.
func (s *support) confirm() { *s = support{} }

// noteMIG has everything asked for again when MIG was switched on or off.
func (g *acquiredGPU) noteMIG(enabled bool) {
	if g.mig.Known && g.mig.V != enabled {
		clear(g.support[:])
	}
	g.mig.Known, g.mig.V = true, enabled
}
