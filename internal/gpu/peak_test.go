package gpu_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
)

// collectEvery is the collection interval of the receiver, as shipped.
const collectEvery = 15 * time.Second

// reader is a scraper with an interval and a phase in seconds.
type reader struct{ every, phase int }

// whoSees simulates a receiver that collects each 15 s, and scrapers of the collected values. There
// is a burst at the given second. It returns for each scraper whether it saw the burst.
func whoSees(t *testing.T, burst int, peakWindow time.Duration, readers []reader) map[reader]bool {
	saw := make(map[reader]bool)
	synctest.Test(t, func(t *testing.T) {
		a := gputest.NewGPU(0)
		driver := gputest.New(a)
		s := gpu.NewSampler(gpu.Settings{Driver: driver, PeakWindow: peakWindow})
		defer func() { require.NoError(t, s.Close(context.Background())) }()
		shown := 0.0
		for second := range burst + 200 {
			driver.Change(func(*gputest.Script) {
				a.Utilization = map[gpu.Task]uint32{gpu.TaskGeneral: 5}
				if second == burst {
					a.Utilization[gpu.TaskGeneral] = 93
				}
			})
			require.NoError(t, s.Observe(context.Background()))
			if second%int(collectEvery/time.Second) == 0 {
				shown = s.Collect(time.Now(), time.Second).Devices[0].Utilization[gpu.TaskGeneral].Peak
			}
			for _, r := range readers {
				saw[r] = saw[r] || second%r.every == r.phase && shown == 0.93
			}
			time.Sleep(time.Second)
		}
	})
	return saw
}

// A scraper with an interval of 15, 30 or 60 seconds sees every burst of a second, at any phase of
// burst and scraper.
func TestEveryBurstIsSeenAtEachInterval(t *testing.T) {
	var readers []reader
	for _, every := range []int{15, 30, 60} {
		for phase := range every {
			readers = append(readers, reader{every, phase})
		}
	}
	for burst := 60; burst < 60+int(collectEvery/time.Second); burst++ {
		saw := whoSees(t, burst, 0, readers)
		for _, r := range readers {
			require.True(t, saw[r], "burst at %d, read each %d s from %d on", burst, r.every, r.phase)
		}
	}
	// Without the window, scrapers with the collection interval see it, and some of the others do
	// not.
	saw := whoSees(t, 61, time.Millisecond, readers)
	require.True(t, saw[reader{15, 3}])
	require.False(t, saw[reader{30, 3}] && saw[reader{30, 18}])
	require.False(t, saw[reader{60, 3}])
}

// A peak is reported for the length of the window after the Collect that first returned it, and no
// longer; then a lower, newer one follows.
func TestPeaksEnd(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		second := func(percent uint32) {
			s.change(func() { a.Utilization = map[gpu.Task]uint32{gpu.TaskGeneral: percent} })
			s.passes(1)
		}
		peak := func(minWidth time.Duration) float64 {
			w := s.utilization(minWidth)[gpu.TaskGeneral]
			require.LessOrEqual(t, w.Max, w.Peak)
			return w.Peak
		}
		second(90)
		require.InDelta(t, 0.9, peak(0), 1e-9)
		for range 29 {
			second(10)
		}
		second(40)
		require.InDelta(t, 0.9, peak(0), 1e-9)
		for range 30 {
			second(10)
		}
		require.InDelta(t, 0.9, peak(time.Hour), 1e-9, "60 s later, to the second")
		second(10)
		require.InDelta(t, 0.4, peak(0), 1e-9, "61 s later")
		for range 30 {
			second(10)
		}
		require.InDelta(t, 0.1, peak(0), 1e-9)
		second(70)
		require.InDelta(t, 0.7, peak(time.Hour), 1e-9, "of a window that goes on, too")
	})
}

func TestPeakAfterTheClockWasSetBack(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.passes(1)
		at := time.Now().Round(0)
		peakAt := func(now time.Time) float64 {
			return s.sampler.Collect(now, 0).Devices[0].Utilization[gpu.TaskGeneral].Peak
		}
		require.InDelta(t, 0.61, peakAt(at), 1e-9)
		s.change(func() { a.Utilization = map[gpu.Task]uint32{gpu.TaskGeneral: 1} })
		s.passes(1)
		require.InDelta(t, 0.61, peakAt(at.Add(-time.Hour)), 1e-9)
		s.passes(1)
		require.InDelta(t, 0.01, peakAt(at.Add(-time.Hour+61*time.Second)), 1e-9, "it does not stay for an hour")
	})
}
