//go:build linux && cgo

package nvmldriver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/fakenvml"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// measurable returns a handle whose identity was read, as it is before every profile.
func (s *harness) measurable(session gpu.Session, index int) gpu.Handle {
	h, err := session.Handle(index)
	require.NoError(s, err)
	_, err = h.Identity()
	require.NoError(s, err)
	return h
}

// ids are the numbers of nvml.h, written by hand as a second source: the fake library reports the
// number as percent or MiB, and 0.2 more for its second GPU.
var ids = map[gpu.ProfileQuantity]float64{
	gpu.ProfileGraphics: 1, gpu.ProfileSM: 2, gpu.ProfileOccupancy: 3, gpu.ProfileInteger: 4, gpu.ProfileTensor: 5, gpu.ProfileMemoryBandwidth: 10,
	gpu.ProfileFP64: 11, gpu.ProfileFP32: 12, gpu.ProfileFP16: 13, gpu.ProfilePCIeTransmitted: 20, gpu.ProfilePCIeReceived: 21,
	gpu.ProfileNVLinkReceived: 60, gpu.ProfileNVLinkTransmitted: 61,
	gpu.ProfileDecoder: 30, gpu.ProfileDecoder + 7: 37, gpu.ProfileJPEG: 40, gpu.ProfileJPEG + 7: 47, gpu.ProfileOFA: 50, gpu.ProfileOFA + 1: 51,
}

func TestProfileOfAGPU(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.1.gpm.60 none", "gpu.1.gpm.11 99.5")
		h := s.measurable(s.open(), 1)
		_, err := h.Profile()
		require.ErrorIs(s, err, gpu.ErrNotFound, "there is nothing to compare with")
		_, err = h.Profile()
		require.ErrorIs(s, err, gpu.ErrNotFound, "too early")
		require.Equal(s, 1, s.calls("nvmlGpmMigSampleGet"))
		for range 3 {
			time.Sleep(profileGap)
			sample, err := h.Profile()
			require.NoError(s, err)
			require.GreaterOrEqual(s, sample.Elapsed, profileGap)
			require.Less(s, sample.Elapsed, 10*time.Second)
			for q, id := range ids {
				want := reading.Known(id + 0.2)
				switch q {
				case gpu.ProfileNVLinkReceived:
					want = reading.Value[float64]{}
				case gpu.ProfileFP64:
					want.V = 99.5
				}
				require.Equal(s, want, sample.Values[q], "quantity %d", q)
			}
			for q, v := range sample.Values {
				require.True(s, v.Known || gpu.ProfileQuantity(q) == gpu.ProfileNVLinkReceived, "quantity %d is asked for", q)
			}
		}
		require.Equal(s, 1, s.calls("nvmlGpmQueryDeviceSupport"))
		require.Equal(s, 2, s.calls("nvmlGpmSampleAlloc"))

		// A new handle starts again, with the same allocated samples.
		h = s.measurable(h.(*handle).session, 1)
		time.Sleep(profileGap)
		_, err = h.Profile()
		require.ErrorIs(s, err, gpu.ErrNotFound)
		require.Equal(s, 2, s.calls("nvmlGpmSampleAlloc"))
	})
}

func TestSamplesAreFreedWithTheSession(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.0.mig 2")
		first, second := New(Settings{}), New(Settings{})
		for range 3 {
			a, err := first.Open()
			require.NoError(s, err)
			b, err := second.Open()
			require.NoError(s, err)
			for _, session := range []gpu.Session{a, b} {
				for i := range 2 {
					_, _ = s.measurable(session, i).Profile()
				}
				mig, err := s.measurable(session, 0).MIG()
				require.NoError(s, err)
				require.Len(s, mig.Devices, 2)
				for _, device := range mig.Devices {
					_, _ = device.Identity()
					_, _ = device.Profile()
				}
			}
			require.NoError(s, a.Close())
			_, err = s.measurable(b, 0).Profile()
			require.ErrorIs(s, err, gpu.ErrNotFound, "the other session goes on")
			require.NoError(s, b.Close())
			require.NoError(s, b.Close())
		}
		require.Equal(s, 3*2*4*2, s.calls("nvmlGpmSampleAlloc"))
		require.Equal(s, 3*2*4*2, s.calls("nvmlGpmSampleFree"))
	})
}

func TestGPUThatCannotBeMeasuredIsAskedOnce(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.0.gpm 0")
		h := s.measurable(s.open(), 0)
		for range 3 {
			_, err := h.Profile()
			require.ErrorIs(s, err, gpu.ErrNotSupported)
		}
		require.Equal(s, 1, s.calls("nvmlGpmQueryDeviceSupport"))
		require.Zero(s, s.calls("nvmlGpmSampleAlloc"))
	})
}

// An older driver has none of the functions, and no sample is allocated on a driver that cannot
// free it.
func TestProfileOfAnOlderDriver(t *testing.T) {
	for _, variant := range []fakenvml.Variant{fakenvml.WithoutGPM, fakenvml.WithoutGPMFree} {
		t.Run(string(variant), func(t *testing.T) {
			runIsolated(t, func(s *harness) {
				s.set("gpu.0.mig 1")
				h := s.measurable(s.open(), 0)
				_, err := h.Profile()
				require.ErrorIs(s, err, gpu.ErrNotSupported)
				mig, err := h.MIG()
				require.NoError(s, err)
				require.Len(s, mig.Devices, 1)
				_, err = mig.Devices[0].Profile()
				require.ErrorIs(s, err, gpu.ErrNotSupported)
			}, variant)
		})
	}
}

// MIG devices in one GPU instance share its samples.
func TestProfileOfParts(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.0.mig 3", "gpu.0.mig.2.instance 4")
		sampler := gpu.NewSampler(gpu.Settings{Driver: s.driver(), SampleInterval: 2 * profileGap, Profile: true})
		s.Cleanup(func() { require.NoError(s, sampler.Close(context.Background())) })
		s.until(sampler, func(*gpu.Snapshot) bool {
			devices := sampler.Collect(time.Now(), time.Hour).Devices
			for i := range devices {
				if devices[i].Profile == nil {
					return false
				}
			}
			return len(devices) == 5
		})
		devices := sampler.Collect(time.Now(), 0).Devices
		for i, want := range []float64{0.021, 0.0213, 0.0214, 0.0214, 0.022} {
			require.InDelta(s, want, devices[i].Profile[gpu.ProfileSM].V, 1e-9, devices[i].UUID)
		}
		require.InEpsilon(s, 20.1*(1<<20), devices[0].Profile[gpu.ProfilePCIeTransmitted].V, 1e-9)
		require.Zero(s, devices[0].Implausible)
	})
}

func TestProfileCostsNothingWhenOff(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.0.mig 1")
		sampler := s.sampler(0)
		for range 3 {
			require.NoError(s, sampler.Observe(context.Background()))
		}
		for _, function := range []string{"nvmlGpmQueryDeviceSupport", "nvmlGpmSampleAlloc", "nvmlGpmMigSampleGet", "nvmlDeviceGetGpuInstanceId"} {
			require.Zero(s, s.calls(function))
		}
		require.Nil(s, sampler.Collect(time.Now(), 0).Devices[0].Profile)
	})
}
