package gpu_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
)

// A second of full load in each 15 s is in the maximum of the scrape, at any phase relative to the
// passes, and the mean over the scrapes is within 2 % of its share.
func TestABurstIsInTheMaximumAndItsShareInTheMean(t *testing.T) {
	const (
		interval = 15 * time.Second
		period   = 200 * time.Millisecond // of the driver's buffer, which spans 14 s
		capacity = 70
		scrapes  = 60
	)
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		begin := time.Now()
		// It is 370 ms later in each interval than in the previous one.
		burst := func(at time.Duration) bool {
			n := at / interval
			from := n * 370 * time.Millisecond % (interval - time.Second)
			return at%interval >= from && at%interval < from+time.Second
		}
		pass := func() {
			s.change(func() {
				var ring []gpu.Sample
				for at := time.Since(begin).Truncate(period); at >= 0 && len(ring) < capacity; at -= period {
					sample := gpu.Sample{Timestamp: uint64(begin.Add(at).UnixMicro())}
					// An entry is the mean of the time before it.
					if burst(at - period/2) {
						sample.Value = 100
					}
					ring = append(ring, sample)
				}
				a.Samples = samples(ring...)
				a.Utilization = map[gpu.Task]uint32{gpu.TaskGeneral: 0}
			})
			s.passes(1)
		}
		window := func() gpu.Window {
			for range 15 {
				pass()
			}
			return s.utilization(0)[gpu.TaskGeneral]
		}
		window() // opens the buffer
		sum, missed := 0.0, 0
		for range scrapes {
			w := window()
			sum += w.Mean
			if w.Max < 1 {
				missed++
			}
		}
		require.Zero(t, missed, "windows without the burst")
		require.InEpsilon(t, float64(time.Second)/float64(interval), sum/scrapes, 0.02)
	})
}
