package gpu_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

func names(missing []gpu.MissingReading) (list []string) {
	for _, m := range missing {
		list = append(list, m.Name)
	}
	return list
}

// A call that fails in every pass removes its series while the GPU is ok: the failures are counted,
// and the reading is missing until it succeeds again.
func TestReadingsThatFailAreCountedAndMissing(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.passes(10)
		require.Zero(t, s.sampler.Latest().Devices[0].Failures)
		s.change(func() {
			a.Errs = map[gputest.Call]error{
				gputest.CallPower: gpu.ErrUnknown, gputest.CallMemory: gpu.ErrInvalidArgument, gputest.CallEnergy: gpu.ErrNoPermission,
				gputest.CallTemperature: gpu.ErrTimeout,
			}
		})
		d := s.passes(2).Devices[0]
		require.Equal(t, gpu.HealthOK, d.Health)
		require.Empty(t, d.Missing, "twice may be chance")
		d = s.passes(1).Devices[0]
		require.Equal(t, []string{"memory", "temperature", "power"}, names(d.Missing))
		require.ErrorIs(t, d.Missing[2].Err, gpu.ErrUnknown)
		d = s.passes(57).Devices[0]
		require.Equal(t, []string{"memory", "temperature", "power", "energy"}, names(d.Missing))
		var want gpu.Failures
		want[gpu.GroupPower][gpu.FailureUnknown], want[gpu.GroupMemory][gpu.FailureInvalidArgument] = 60, 60
		want[gpu.GroupPower][gpu.FailureNoPermission], want[gpu.GroupTemperature][gpu.FailureTimeout] = 12, 60
		require.Equal(t, want, d.Failures)
		s.change(func() { a.Errs = nil })
		d = s.passes(6).Devices[0]
		require.Empty(t, d.Missing)
		require.Equal(t, want, d.Failures, "a counter")
	})
}

// NOT_SUPPORTED is a failure only of a reading that succeeded before.
func TestNotSupportedIsAFailureOfWhatWasThere(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Errs = map[gputest.Call]error{gputest.CallEnergy: gpu.ErrNotSupported, gputest.CallTemperature: gpu.ErrNotFound}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		d := s.passes(60).Devices[0]
		require.Zero(t, d.Failures)
		require.Empty(t, d.Missing)
		s.change(func() { a.Errs[gputest.CallPower], a.Errs[gputest.CallMemory] = gpu.ErrNotSupported, gpu.ErrNotFound })
		d = s.passes(1).Devices[0]
		require.Equal(t, []string{"power"}, names(d.Missing), "at once: it is asked for again only later")
		require.Equal(t, int64(1), d.Failures[gpu.GroupPower][gpu.FailureNotSupported])
		d = s.passes(2).Devices[0]
		require.Equal(t, []string{"memory", "power"}, names(d.Missing))
		require.Equal(t, int64(3), d.Failures[gpu.GroupMemory][gpu.FailureNoData])
	})
}

// A GPU that answers no call is unhealthy; its single readings are not missing.
func TestReadingsOfAGPUThatAnswersNothingDoNotFail(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.passes(10)
		s.change(func() { a.Err = gpu.ErrUnknown })
		d := s.passes(30).Devices[0]
		require.Equal(t, gpu.ReasonDriverError, d.Reason)
		require.Zero(t, d.Failures)
		s.change(func() { a.Err = nil })
		d = s.passes(1).Devices[0]
		require.Zero(t, d.Failures)
		require.Empty(t, d.Missing)
	})
}

// A reading that stays implausible is missing as well.
func TestAReadingThatCannotBeTrueIsMissing(t *testing.T) {
	a := gputest.NewGPU(0)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.passes(1)
		s.change(func() { a.Power = 1 << 31 })
		d := s.passes(3).Devices[0]
		require.Equal(t, []string{"power"}, names(d.Missing))
		require.ErrorIs(t, d.Missing[0].Err, gpu.ErrImplausible)
		require.Zero(t, d.Failures)
		require.Equal(t, int64(3), d.Implausible[gpu.GroupPower])
	})
}

// The UUID was read before the first pass began to hang.
func TestAGPUThatHangsInItsFirstPassHasItsIdentity(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	run(t, gputest.New(a, b), func(s *harness) {
		t := s.T
		block := make(chan struct{})
		s.change(func() { b.Block, b.BlockCall = block, gputest.CallMemory })
		d := s.passes(6).Devices
		require.Len(t, d, 2)
		require.Equal(t, gpu.Device{Identity: b.Identity, Health: gpu.HealthDegraded, Reason: gpu.ReasonWedged}, d[1])
		s.change(func() { b.Block = nil })
		close(block)
		require.Equal(t, gpu.HealthOK, s.passes(2).Devices[1].Health)
	})
}

// Two GPUs with one UUID are two GPUs.
func TestEqualUUIDsAreDistinguishedByPCIAddress(t *testing.T) {
	a, b, c := gputest.NewGPU(0), gputest.NewGPU(1), gputest.NewGPU(2)
	b.Identity.UUID = a.Identity.UUID
	run(t, gputest.New(a, b, c), func(s *harness) {
		t := s.T
		snapshot := s.passes(3)
		require.Len(t, snapshot.Devices, 3, "and no ghost of the one that seemed to be")
		require.Equal(t, a.Identity.UUID+"@0000:41:00.0", snapshot.Devices[0].UUID)
		require.Equal(t, a.Identity.UUID+"@0000:42:00.0", snapshot.Devices[1].UUID)
		require.Equal(t, c.Identity.UUID, snapshot.Devices[2].UUID)
		require.Equal(t, reading.Known(51.0), snapshot.Devices[0].Temperature)
		require.Equal(t, reading.Known(52.0), snapshot.Devices[1].Temperature)
		require.Equal(t, []string{a.Identity.UUID}, snapshot.DuplicateUUIDs)
		s.utilization(0)
		s.passes(10)
		devices := s.sampler.Collect(time.Now(), 0).Devices
		require.Equal(t, 0.61, devices[0].Utilization[gpu.TaskGeneral].Mean)
		require.Equal(t, 0.62, devices[1].Utilization[gpu.TaskGeneral].Mean)
		s.change(func() { b.Err = gpu.ErrLost })
		devices = s.passes(30).Devices
		require.Equal(t, a.Identity.UUID+"@0000:41:00.0", devices[0].UUID, "identities do not change with the health of another")
		require.Equal(t, gpu.ReasonLost, devices[1].Reason)
	})
}

// A selection by the UUID that two GPUs report selects both.
func TestEqualUUIDsCanBeSelected(t *testing.T) {
	a, b := gputest.NewGPU(0), gputest.NewGPU(1)
	b.Identity.UUID = a.Identity.UUID
	runWith(t, gpu.Settings{Include: []string{a.Identity.UUID}}, gputest.New(a, b), func(s *harness) {
		snapshot := s.passes(3)
		require.Len(s.T, snapshot.Devices, 2)
		require.Empty(s.T, snapshot.Unmatched)
	})
}

// The snapshot has the reason why processes are unknown.
func TestWhyProcessesAreNotKnown(t *testing.T) {
	for err, want := range map[error]gpu.Availability{
		gpu.ErrNotSupported: gpu.Unsupported, gpu.ErrUnreliable: gpu.Unreliable, gpu.ErrUnknown: gpu.Failing, nil: gpu.Available,
	} {
		a := gputest.NewGPU(0)
		a.Contexts, a.ProcessSamples = []gpu.Context{}, []gpu.ProcessSample{}
		a.Errs = map[gputest.Call]error{gputest.CallContexts: err, gputest.CallProcesses: err}
		run(t, gputest.New(a), func(s *harness) {
			d := s.passes(20).Devices[0]
			require.Equal(s.T, want, d.ProcessList, "%v", err)
			require.Equal(s.T, want, d.ProcessUse, "%v", err)
		})
	}
}
