//go:build linux && cgo

package nvmldriver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

func TestLostGPUAndBack(t *testing.T) {
	for knob, c := range map[string]struct {
		reason gpu.HealthReason
		err    error
	}{
		"lost":  {gpu.ReasonLost, gpu.ErrLost},
		"reset": {gpu.ReasonResetRequired, gpu.ErrResetRequired},
	} {
		t.Run(knob, func(t *testing.T) {
			runIsolated(t, func(s *harness) {
				sampler := s.sampler(0)
				require.NoError(s, sampler.Observe(context.Background()))
				s.set("gpu.1."+knob+" 1", "gpu.0.temperature 77")
				require.ErrorIs(s, sampler.Observe(context.Background()), c.err)
				devices := sampler.Latest().Devices
				require.Equal(s, gpu.Device{Identity: second().Identity, Health: gpu.HealthFailed, Reason: c.reason, XIDs: zeroXIDs()}, devices[1])
				require.Equal(s, reading.Known(77.0), devices[0].Temperature)
				s.set("gpu.0.temperature 78")
				snapshot := s.until(sampler, func(snapshot *gpu.Snapshot) bool { return snapshot.Devices[1].Health == gpu.HealthOK })
				require.Equal(s, second(), timeless(snapshot.Devices[1]))
				require.Equal(s, reading.Known(78.0), snapshot.Devices[0].Temperature)
				require.Zero(s, s.calls("nvmlErrorString"))
			})
		})
	}
}

func TestBlockingCall(t *testing.T) {
	runIsolated(t, func(s *harness) {
		const deadline = 200 * time.Millisecond
		sampler := gpu.NewSampler(gpu.Settings{Driver: s.driver(), Deadline: deadline})
		require.NoError(s, sampler.Observe(context.Background()))
		s.set("gpu.1.block 1")
		_ = sampler.Observe(context.Background())
		s.set("gpu.1.block 1", "gpu.0.temperature 77")
		snapshot := s.until(sampler, func(snapshot *gpu.Snapshot) bool { return snapshot.Devices[1].Reason == gpu.ReasonWedged })
		require.Equal(s, second().Identity, snapshot.Devices[1].Identity)
		require.Equal(s, reading.Known(77.0), snapshot.Devices[0].Temperature, "the other is on time")

		start := time.Now()
		require.ErrorContains(s, sampler.Close(context.Background()), "has not returned")
		require.Less(s, time.Since(start), time.Second, "nothing is waited for that is known to be stuck")
		require.Zero(s, s.calls("nvmlShutdown"), "not under a call")
		s.set()
		require.Eventually(s, func() bool { return sampler.Close(context.Background()) == nil }, 10*time.Second, 10*time.Millisecond)
		require.Equal(s, 1, s.calls("nvmlShutdown"))
	})
}

func TestWedgedGPURecovers(t *testing.T) {
	runIsolated(t, func(s *harness) {
		sampler := s.sampler(200 * time.Millisecond)
		require.NoError(s, sampler.Observe(context.Background()))
		s.set("gpu.1.block 1")
		s.until(sampler, func(snapshot *gpu.Snapshot) bool { return snapshot.Devices[1].Reason == gpu.ReasonWedged })
		s.set("gpu.1.temperature 80")
		snapshot := s.until(sampler, func(snapshot *gpu.Snapshot) bool { return snapshot.Devices[1].Health == gpu.HealthOK })
		require.Equal(s, reading.Known(80.0), snapshot.Devices[1].Temperature)
	})
}

func TestInitThatBlocks(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("init.block 1")
		sampler := s.sampler(200 * time.Millisecond)
		s.until(sampler, func(snapshot *gpu.Snapshot) bool { return snapshot.Library.State == gpu.LibraryFailed })
		s.set()
		s.until(sampler, func(snapshot *gpu.Snapshot) bool { return len(snapshot.Devices) == 2 })
		require.Equal(s, 1, s.calls("nvmlInit_v2"))
	})
}

func TestDriverGoesAndComesBack(t *testing.T) {
	runIsolated(t, func(s *harness) {
		sampler := s.sampler(0)
		require.NoError(s, sampler.Observe(context.Background()))
		s.set("rc 9", "init 9")
		s.until(sampler, func(snapshot *gpu.Snapshot) bool { return snapshot.Library.State == gpu.LibraryDriverNotLoaded })
		s.set("driver_version 1000.1")
		snapshot := s.until(sampler, func(snapshot *gpu.Snapshot) bool { return snapshot.Library.State == gpu.LibraryAvailable })
		require.Equal(s, "1000.1", snapshot.Library.DriverVersion)
		require.Equal(s, second(), timeless(snapshot.Devices[1]))
	})
}

// A reload of the configuration starts a sampler while the previous one still runs, or just after
// it ended.
func TestReload(t *testing.T) {
	runIsolated(t, func(s *harness) {
		for range 3 {
			before := gpu.NewSampler(gpu.Settings{Driver: s.driver()})
			require.NoError(s, before.Observe(context.Background()))
			after := gpu.NewSampler(gpu.Settings{Driver: s.driver()})
			require.NoError(s, after.Observe(context.Background()))
			require.NoError(s, before.Close(context.Background()))
			require.NoError(s, after.Observe(context.Background()))
			require.Equal(s, second(), timeless(after.Latest().Devices[1]))
			require.NoError(s, after.Close(context.Background()))
		}
		require.Equal(s, 3, s.calls("nvmlInit_v2"))
		require.Equal(s, 3, s.calls("nvmlShutdown"))
	})
}
