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

func detailed(q gpu.Quantity, v uint64) *gputest.GPU {
	a := gputest.NewGPU(0)
	a.Numbers = map[gpu.Quantity]uint64{q: v}
	return a
}

// An implausible number is absent, and counted unless it means "unknown".
func TestGarbageNumbersAreAbsentAndCounted(t *testing.T) {
	for q, values := range map[gpu.Quantity][]uint64{
		gpu.QuantityClockSM:                  {0, 20_001, math.MaxUint32},
		gpu.QuantityClockEvents:              {math.MaxUint64},
		gpu.QuantityPerformanceState:         {16, 32, math.MaxUint32},
		gpu.QuantityMemoryTemperature:        {0, 151, math.MaxUint32, math.MaxUint64},
		gpu.QuantityPowerLimit:               {0, math.MaxUint32},
		gpu.QuantityCorrected:                {math.MaxUint64, 9223372036854775794},
		gpu.QuantityPCIeReplay:               {math.MaxUint32},
		gpu.QuantityLinkGeneration:           {0, 21},
		gpu.QuantityLinkWidth:                {0, 33, math.MaxUint32},
		gpu.QuantityThrottlePower:            {math.MaxUint64},
		gpu.QuantityTemperatureShutdown:      {0, math.MaxUint32},
		gpu.QuantityTemperatureMemoryMaximum: {0, 1000},
		gpu.QuantityMaxLinkWidth:             {0, 64},
		gpu.QuantityRetiredDoubleBit:         {math.MaxUint64},
		gpu.QuantityRetirementPending:        {2, math.MaxUint32},
		gpu.QuantityFans:                     {33, math.MaxUint32},
		gpu.QuantityPCIeReceived:             {math.MaxUint64, 9223372036854775794},
	} {
		for _, v := range values {
			want := fresh(t)
			if v != 0 && (q != gpu.QuantityPerformanceState || v != 32) {
				want.Implausible[groupOf[q]] = 1
			}
			run(t, gputest.New(detailed(q, v)), func(s *harness) { require.Equal(s.T, want, s.healthy().Devices[0], "%d: %d", q, v) })
		}
	}
}

// groupOf is the group of each number above, written by hand as a second source.
var groupOf = map[gpu.Quantity]gpu.Group{
	gpu.QuantityClockSM: gpu.GroupClock, gpu.QuantityClockEvents: gpu.GroupClock, gpu.QuantityPerformanceState: gpu.GroupClock, gpu.QuantityThrottlePower: gpu.GroupClock,
	gpu.QuantityMemoryTemperature: gpu.GroupTemperature, gpu.QuantityTemperatureShutdown: gpu.GroupTemperature, gpu.QuantityTemperatureMemoryMaximum: gpu.GroupTemperature,
	gpu.QuantityPowerLimit: gpu.GroupPower, gpu.QuantityCorrected: gpu.GroupError, gpu.QuantityPCIeReplay: gpu.GroupError, gpu.QuantityRetiredDoubleBit: gpu.GroupError,
	gpu.QuantityRetirementPending: gpu.GroupError, gpu.QuantityLinkGeneration: gpu.GroupLink, gpu.QuantityLinkWidth: gpu.GroupLink, gpu.QuantityMaxLinkWidth: gpu.GroupLink,
	gpu.QuantityPCIeReceived: gpu.GroupLink, gpu.QuantityFans: gpu.GroupFan,
}

func TestDetailsAreReadAtTheirOwnPace(t *testing.T) {
	a := gputest.NewGPU(0)
	a.BAR1, a.Rows, a.Encoder = &gpu.Memory{Used: 1, Total: 2}, &gpu.Rows{}, &gpu.Encoder{}
	a.Fans = []gpu.FanSpeed{{Percent: 30, RPM: 900}, {Percent: 0}}
	a.Numbers = map[gpu.Quantity]uint64{gpu.QuantityFans: 2, gpu.QuantityClockSM: 1500}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.passes(61)
		require.Equal(t, 4, s.driver.Calls(a, gputest.CallBAR1), "at 1, 18, 33 and 48 s")
		require.Equal(t, 8, s.driver.Calls(a, gputest.CallFan))
		require.Equal(t, 13, s.driver.Calls(a, gputest.CallEnergy))
		d := s.sampler.Latest().Devices[0]
		require.Equal(t, []gpu.Fan{{Ratio: reading.Known(0.3), RPM: reading.Known(int64(900))}, {Ratio: reading.Known(0.0), RPM: reading.Known(int64(0))}}, d.Fans)
		require.Equal(t, reading.Known(int64(1_500_000_000)), d.Clocks.SM)
		s.change(func() { a.Numbers[gpu.QuantityClockSM] = 1600 })
		require.Equal(t, reading.Known(int64(1_600_000_000)), s.passes(1).Devices[0].Clocks.SM, "fast")
	})
}

func TestGPUThatShouldBeResetIsDegradedAndReadOn(t *testing.T) {
	for reason, spoil := range map[gpu.HealthReason]func(*gputest.GPU){
		gpu.ReasonRowRemapPending:       func(g *gputest.GPU) { g.Rows = &gpu.Rows{Uncorrected: 1, Pending: true} },
		gpu.ReasonRowRemapFailed:        func(g *gputest.GPU) { g.Rows = &gpu.Rows{Pending: true, Failed: true} },
		gpu.ReasonPageRetirementPending: func(g *gputest.GPU) { g.Numbers = map[gpu.Quantity]uint64{gpu.QuantityRetirementPending: 1} },
	} {
		a := gputest.NewGPU(0)
		spoil(a)
		run(t, gputest.New(a), func(s *harness) {
			t := s.T
			d := s.healthy().Devices[0]
			require.Equal(t, gpu.HealthDegraded, d.Health)
			require.Equal(t, reason, d.Reason)
			require.True(t, d.Power.Known)
			require.NotEmpty(t, s.sampler.Collect(time.Now(), 0).Devices[0].Utilization)
		})
	}
}

func TestGarbageGroupsAreAbsent(t *testing.T) {
	a := gputest.NewGPU(0)
	a.Rows = &gpu.Rows{Corrected: -1, Pending: true}
	a.Encoder = &gpu.Encoder{Sessions: 1, FrameRate: math.MaxUint32, Latency: math.MaxUint32}
	a.BAR1 = &gpu.Memory{Used: 9, Total: 8}
	a.Numbers = map[gpu.Quantity]uint64{gpu.QuantityFans: 1}
	a.Fans = []gpu.FanSpeed{{Percent: 255, RPM: math.MaxUint32}}
	want := fresh(t)
	want.Implausible = gpu.Implausible{gpu.GroupError: 1, gpu.GroupEncoder: 1, gpu.GroupMemory: 1, gpu.GroupFan: 1}
	want.EncoderSessions, want.BAR1Total, want.Fans = reading.Known(int64(1)), reading.Known(int64(8)), []gpu.Fan{{}}
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		require.Equal(t, want, s.healthy().Devices[0])
		s.change(func() { a.Encoder = &gpu.Encoder{Sessions: 0, FrameRate: 30, Latency: 100} })
		require.False(t, s.passes(20).Devices[0].EncoderFrameRate.Known, "what is left of the last session")
	})
}

func TestNVLinkIsAskedOnlyWhenWanted(t *testing.T) {
	for _, wanted := range []bool{false, true} {
		a := detailed(gpu.QuantityNVLinkReceived, 3)
		a.Numbers[gpu.QuantityNVLinkTransmitted] = 10
		runWith(t, gpu.Settings{NVLink: wanted}, gputest.New(a), func(s *harness) {
			s.healthy()
			s.change(func() { a.Numbers[gpu.QuantityNVLinkReceived], a.Numbers[gpu.QuantityNVLinkTransmitted] = 5, 13 })
			d := s.passes(5).Devices[0]
			require.Equal(s.T, map[bool]int64{true: 3072}[wanted], d.NVLinkTransmitted.V)
			got := d.NVLinkReceived
			require.Equal(s.T, wanted, got.Known)
			require.Equal(s.T, map[bool]int64{true: 2048}[wanted], got.V)
		})
	}
}
