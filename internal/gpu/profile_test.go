package gpu_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// measured returns a sample over five seconds.
func measured(values map[gpu.ProfileQuantity]float64) *gpu.ProfileSample {
	s := &gpu.ProfileSample{Elapsed: 5 * time.Second}
	for q, v := range values {
		s.Values[q] = reading.Known(v)
	}
	return s
}

func (s *harness) profile() *gpu.Profile {
	return s.sampler.Collect(time.Now(), 0).Devices[0].Profile
}

func runProfile(t *testing.T, a *gputest.GPU, act func(s *harness)) {
	runWith(t, gpu.Settings{Profile: true}, gputest.New(a), act)
}

func TestProfileIsTheMeanOfTheWindow(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Profile = measured(map[gpu.ProfileQuantity]float64{gpu.ProfileSM: 20, gpu.ProfilePCIeReceived: 3, gpu.ProfileDecoder + 2: 100.5})
	runProfile(t, a, func(s *harness) {
		t := s.T
		s.healthy()
		require.Nil(t, s.profile(), "there is nothing to compare with")
		s.passes(5)
		s.change(func() {
			a.Profile = measured(map[gpu.ProfileQuantity]float64{gpu.ProfileSM: 80, gpu.ProfilePCIeReceived: 6})
			a.Profile.Elapsed = 10 * time.Second
		})
		s.passes(5)
		p := s.profile()
		require.Equal(t, reading.Known(0.6), p[gpu.ProfileSM], "5 s of 20 %, and 10 s of 80 %")
		require.Equal(t, reading.Known(5.0*(1<<20)), p[gpu.ProfilePCIeReceived])
		require.Equal(t, reading.Known(1.0), p[gpu.ProfileDecoder+2])
		require.False(t, p[gpu.ProfileTensor].Known)
		require.Zero(t, s.implausible())

		require.Equal(t, p, s.profile(), "reported once more until there is something new")
		s.passes(5)
		require.Equal(t, reading.Known(0.8), s.profile()[gpu.ProfileSM])
		s.change(func() { a.Errs = map[gputest.Call]error{gputest.CallProfile: errBroken} })
		s.passes(20)
		require.Nil(t, s.profile(), "what is old is not reported")
		s.change(func() { a.Errs, a.Err = nil, gpu.ErrLost })
		s.passes(1)
		require.Nil(t, s.profile())
	})
}

func TestGarbageProfileIsAbsentAndCounted(t *testing.T) {
	for name, v := range map[string]float64{"NaN": math.NaN(), "infinite": math.Inf(1), "negative": -1, "more than all": 102, "2^64-1": math.MaxUint64} {
		t.Run(name, func(t *testing.T) {
			a := gputest.NewGPU(0)
			a.Profile = measured(map[gpu.ProfileQuantity]float64{gpu.ProfileSM: v, gpu.ProfileFP16: v, gpu.ProfileTensor: 10, gpu.ProfilePCIeTransmitted: 1})
			runProfile(t, a, func(s *harness) {
				s.passes(10)
				want := new(gpu.Profile)
				want[gpu.ProfileTensor], want[gpu.ProfilePCIeTransmitted] = reading.Known(0.1), reading.Known(float64(1<<20))
				require.Equal(s.T, want, s.profile())
				require.Equal(s.T, gpu.Implausible{gpu.GroupUtilization: 1}, s.implausible())
			})
		})
	}
	a := gputest.NewGPU(0)
	a.Profile = measured(map[gpu.ProfileQuantity]float64{gpu.ProfileNVLinkReceived: 1e9, gpu.ProfileSM: 1})
	runProfile(t, a, func(s *harness) {
		s.passes(10)
		require.False(s.T, s.profile()[gpu.ProfileNVLinkReceived].Known, "no link is that fast")
		s.change(func() { a.Profile.Elapsed = 0 })
		s.passes(5)
		require.Equal(s.T, gpu.Implausible{gpu.GroupUtilization: 2}, s.implausible(), "nothing happens in no time")
	})
}

func TestProfileIsAskedOnlyWhenWantedAndRarelyInVain(t *testing.T) {
	for name, c := range map[string]struct {
		wanted, has bool
		calls       int
	}{"not wanted": {false, true, 0}, "not there": {true, false, 3}, "wanted and there": {true, true, 12}} {
		t.Run(name, func(t *testing.T) {
			a := gputest.NewGPU(0)
			if c.has {
				a.Profile = measured(nil)
			}
			runWith(t, gpu.Settings{Profile: c.wanted}, gputest.New(a), func(s *harness) {
				s.passes(60)
				require.Equal(s.T, c.calls, s.driver.Calls(a, gputest.CallProfile))
			})
		})
	}
}

func TestProfileOfAMIGDevice(t *testing.T) {
	a, mig := gputest.NewGPU(0), gputest.NewGPU(0)
	mig.Identity.UUID, mig.Profile = "MIG-1", measured(map[gpu.ProfileQuantity]float64{gpu.ProfileGraphics: 40, gpu.ProfileSM: -1})
	a.MIGDevices = []*gputest.GPU{mig}
	runProfile(t, a, func(s *harness) {
		t := s.T
		s.passes(10)
		devices := s.sampler.Collect(time.Now(), 0).Devices
		require.Len(t, devices, 2)
		require.Nil(t, devices[0].Profile)
		require.Equal(t, reading.Known(0.4), devices[1].Profile[gpu.ProfileGraphics])
		require.Equal(t, gpu.Implausible{gpu.GroupUtilization: 1}, devices[0].Implausible, "of the GPU")
		s.change(func() { mig.Profile = nil })
		require.Len(t, s.passes(5).Devices, 2, "not measured, and there all the same")
	})
}
