package gpu

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/backoff"
)

// supportPace is how often a reading that a GPU does not support is retried. NOT_SUPPORTED is not a
// permanent property of the GPU: NVML returns it for utilization while MIG mode is on, and for a
// few seconds while the driver recovers. A failed call takes at most 1.2 ms (memory temperature).
var supportPace = backoff.Pace{First: 15 * time.Second, Longest: 10 * time.Minute}

// support records whether a GPU supports one of its readings.
type support struct {
	refused bool
	retry   backoff.Backoff
}

// due reports whether a reading is to be read now.
func (s *support) due(now time.Time) bool { return !s.refused || s.retry.Ready(now) }

// refuse records that the reading is not supported now.
func (s *support) refuse(now time.Time) {
	s.refused = true
	s.retry.FailedAt(now, supportPace)
}

// confirm records that the call succeeded.
func (s *support) confirm() { *s = support{} }

// noteMIG makes every reading due again when MIG mode was switched on or off.
func (g *acquiredGPU) noteMIG(enabled bool) {
	if g.mig.Known && g.mig.V != enabled {
		clear(g.support[:])
	}
	g.mig.Known, g.mig.V = true, enabled
}
