package gpu_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
)

// utilization collects the windows of the first GPU.
func (s *harness) utilization(minWidth time.Duration) map[gpu.Task]gpu.Window {
	return s.sampler.Collect(time.Now(), minWidth).Devices[0].Utilization
}

func requireWindow(t *testing.T, want, got gpu.Window) {
	t.Helper()
	require.InDelta(t, want.Mean, got.Mean, 1e-9, "mean")
	require.InDelta(t, want.Max, got.Max, 1e-9, "max")
	require.Equal(t, want.Samples, got.Samples, "samples")
}

func TestPolledUtilizationIsTheMeanAndMaxOfTheWindow(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		for _, percent := range []uint32{10, 90, 20} {
			s.change(func() {
				a.Utilization = map[gpu.Task]uint32{gpu.TaskGeneral: percent, gpu.TaskEncoder: percent / 2, gpu.TaskDecoder: 0}
			})
			s.passes(1)
		}
		u := s.utilization(0)
		requireWindow(t, gpu.Window{Mean: 0.4, Max: 0.9, Samples: 3}, u[gpu.TaskGeneral])
		requireWindow(t, gpu.Window{Mean: 0.2, Max: 0.45, Samples: 3}, u[gpu.TaskEncoder])
		requireWindow(t, gpu.Window{Mean: 0, Max: 0, Samples: 3}, u[gpu.TaskDecoder])

		require.Equal(t, u, s.utilization(0), "a new window has nothing in it, and is reported like the one before")
		s.passes(1)
		requireWindow(t, gpu.Window{Mean: 0.2, Max: 0.2, Samples: 1}, s.utilization(0)[gpu.TaskGeneral])
		require.Nil(t, s.sampler.Latest().Devices[0].Utilization)
	})
}

func TestTooNarrowWindowIsReportedAndGoesOn(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.passes(4)
		requireWindow(t, gpu.Window{Mean: 0.61, Max: 0.61, Samples: 4}, s.utilization(5 * time.Second)[gpu.TaskGeneral])
		s.change(func() { a.Utilization = map[gpu.Task]uint32{gpu.TaskGeneral: 1} })
		s.passes(1)
		requireWindow(t, gpu.Window{Mean: (4*0.61 + 0.01) / 5, Max: 0.61, Samples: 5}, s.utilization(5 * time.Second)[gpu.TaskGeneral])
		s.passes(1)
		// closed by the previous one
		requireWindow(t, gpu.Window{Mean: 0.01, Max: 0.01, Samples: 1}, s.utilization(5 * time.Second)[gpu.TaskGeneral])
	})
}

func TestClockSetBackDoesNotKeepAWindowOpen(t *testing.T) {
	run(t, gputest.New(gputest.NewGPU(0)), func(s *harness) {
		t := s.T
		s.passes(3)
		hourAgo := time.Now().Round(0).Add(-time.Hour)
		require.Equal(t, 3, s.sampler.Collect(hourAgo, time.Minute).Devices[0].Utilization[gpu.TaskGeneral].Samples)
		s.passes(1)
		require.Equal(t, 1, s.sampler.Collect(hourAgo, time.Minute).Devices[0].Utilization[gpu.TaskGeneral].Samples)
	})
}

func TestPauseDoesNotCountForTheValueAfterIt(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.passes(1)
		time.Sleep(time.Hour)
		s.change(func() { a.Utilization = map[gpu.Task]uint32{gpu.TaskGeneral: 1} })
		_, _ = s.observe()
		requireWindow(t, gpu.Window{Mean: 0.31, Max: 0.61, Samples: 2}, s.utilization(0)[gpu.TaskGeneral])
	})
}

// sampledAt returns a timestamp of the sample buffer, in milliseconds after an arbitrary origin.
func sampledAt(milliseconds uint64) uint64 { return 1_700_000_000_000_000 + milliseconds*1000 }

func samples(entries ...gpu.Sample) map[gpu.Task][]gpu.Sample {
	return map[gpu.Task][]gpu.Sample{gpu.TaskGeneral: entries}
}

func TestSampleBufferIsPreferredAndWeightedByTime(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Samples = samples(gpu.Sample{Timestamp: sampledAt(0), Value: 99})
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		s.utilization(0)
		s.change(func() {
			a.Samples = samples(
				// Out of order, as in a ring buffer; one entry never filled, one out of range, and
				// one that was returned before.
				gpu.Sample{Timestamp: sampledAt(600), Value: 100},
				gpu.Sample{Timestamp: sampledAt(200), Value: 20},
				gpu.Sample{Timestamp: 0, Value: 77},
				gpu.Sample{Timestamp: sampledAt(300), Value: 255},
				gpu.Sample{Timestamp: sampledAt(0), Value: 99},
			)
		})
		s.passes(5)
		u := s.utilization(0)
		requireWindow(t, gpu.Window{Mean: (0.2*0.2 + 1.0*0.4) / 0.6, Max: 1, Samples: 2}, u[gpu.TaskGeneral])
		requireWindow(t, gpu.Window{Mean: 0.31, Max: 0.31, Samples: 5}, u[gpu.TaskEncoder])

		s.change(func() { a.Samples = samples(gpu.Sample{Timestamp: sampledAt(700), Value: 50}) })
		s.passes(5)
		requireWindow(t, gpu.Window{Mean: 0.5, Max: 0.5, Samples: 1}, s.utilization(0)[gpu.TaskGeneral])
	})
}

func TestSilentSampleBufferIsFilledByPolling(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Samples = samples()
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		s.passes(5)
		requireWindow(t, gpu.Window{Mean: 0.61, Max: 0.61, Samples: 6}, s.utilization(0)[gpu.TaskGeneral])
	})
}

func TestWindowThatTheBufferHasNotReachedShowsWhatWasPolled(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Samples = samples(gpu.Sample{Timestamp: sampledAt(0), Value: 5})
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		s.utilization(0)
		s.passes(1)
		requireWindow(t, gpu.Window{Mean: 0.61, Max: 0.61, Samples: 1}, s.utilization(0)[gpu.TaskGeneral])
		s.passes(4)
		requireWindow(t, gpu.Window{Mean: 0.61, Max: 0.61, Samples: 4}, s.utilization(0)[gpu.TaskGeneral])
	})
}

func TestSampleBufferAfterTheClockWasSetBack(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Samples = samples(gpu.Sample{Timestamp: sampledAt(3_600_000), Value: 5})
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		s.change(func() { a.Samples = samples(gpu.Sample{Timestamp: sampledAt(1000), Value: 40}) })
		s.passes(20)
		s.utilization(0)
		s.change(func() { a.Samples = samples(gpu.Sample{Timestamp: sampledAt(1500), Value: 30}) })
		s.passes(5)
		requireWindow(t, gpu.Window{Mean: 0.3, Max: 0.3, Samples: 1}, s.utilization(0)[gpu.TaskGeneral])
	})
}

func TestLostGPUHasNoUtilization(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		s.change(func() { a.Err = gpu.ErrLost })
		s.passes(1)
		require.Nil(t, s.utilization(0))
	})
}

// A window that is exactly as long as the interval between two scrapes is closed by the second
// scrape. Otherwise it would be reported twice, and windows would be twice as long from then on.
func TestWindowOfExactlyTheIntervalIsClosed(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.utilizationAfter(a, 15, 10)
		for percent := range uint32(4) {
			u := s.utilizationAfter(a, 15, 20+percent)
			requireWindow(t, gpu.Window{Mean: float64(20+percent) / 100, Max: float64(20+percent) / 100, Samples: 15}, u)
		}
	})
}

// utilizationAfter returns the window of the first GPU after some seconds at a utilization.
func (s *harness) utilizationAfter(a *gputest.GPU, seconds int, percent uint32) gpu.Window {
	s.change(func() { a.Utilization = map[gpu.Task]uint32{gpu.TaskGeneral: percent} })
	s.passes(seconds)
	return s.utilization(time.Duration(seconds) * time.Second)[gpu.TaskGeneral]
}

// A sample is weighted with the time since the previous one, also if that is exactly longestSample,
// and also if it was taken at the moment of the read.
func TestSampleOnTheEdgeOfAWindowHasWeight(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		begin := now()
		a.Samples = samples(gpu.Sample{Timestamp: begin, Value: 0})
		s.healthy()
		s.utilization(0)
		s.change(func() {
			a.Samples = samples(
				// a second after the one before
				gpu.Sample{Timestamp: begin + 1_000_000, Value: 40},
				// more than a second: it counts for one
				gpu.Sample{Timestamp: begin + 4_500_000, Value: 60},
				gpu.Sample{Timestamp: begin + 5_000_000, Value: 80}, // at the moment of the read
			)
		})
		s.passes(5)
		requireWindow(t, gpu.Window{Mean: (0.4 + 0.6 + 0.8*0.5) / 2.5, Max: 0.8, Samples: 3}, s.utilization(0)[gpu.TaskGeneral])
		s.change(func() { a.Samples = samples(gpu.Sample{Timestamp: begin + 5_000_001, Value: 7}) })
		s.passes(5)
		requireWindow(t, gpu.Window{Mean: 0.07, Max: 0.07, Samples: 1}, s.utilization(0)[gpu.TaskGeneral])
	})
}
