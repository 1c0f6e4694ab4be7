package gpu_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// A counter of 64 bits never wraps: if it decreases, it was reset, whatever its value was.
func TestBytesAreCountedAcrossARestart(t *testing.T) {
	a := detailed(gpu.QuantityPCIeTransmitted, 1000)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		for _, step := range []struct {
			raw  uint64
			want int64
		}{
			{1<<32 - 400, 1<<32 - 1400},
			{200, 1<<32 - 1200}, // between 2^31 and 2^32, and no wrap
			{3_000_000_000, 1<<32 - 1400 + 3_000_000_000},
			{50, 1<<32 - 1350 + 3_000_000_000},
			{1 << 40, 1<<40 + 1<<32 - 1400 + 3_000_000_000},
		} {
			s.change(func() { a.Numbers[gpu.QuantityPCIeTransmitted] = step.raw })
			require.Equal(t, reading.Known(step.want), s.passes(5).Devices[0].PCIe.Transmitted)
		}
		require.Equal(t, gpu.Implausible{gpu.GroupLink: 2}, s.implausible(), "it went back while the driver ran")
		s.change(func() { a.Err = gpu.ErrUninitialized })
		s.passes(1)
		s.change(func() { a.Err, a.Numbers[gpu.QuantityPCIeTransmitted] = nil, 5 })
		require.Equal(t, reading.Known[int64](1<<40+1<<32-1395+3_000_000_000), s.passes(10).Devices[0].PCIe.Transmitted, "across sessions")
		require.Equal(t, gpu.Implausible{gpu.GroupLink: 2}, s.implausible(), "which is when counters begin anew")
	})
}

// narrow returns a GPU whose driver counts bytes in 32 bits, on a link of the given generation and
// width.
func narrow(generation, lanes uint64) *gputest.GPU {
	a := detailed(gpu.QuantityPCIeTransmitted, 4_000_000_000)
	a.Numbers[gpu.QuantityMaxLinkGeneration], a.Numbers[gpu.QuantityMaxLinkWidth] = generation, lanes
	a.Bits = map[gpu.Quantity]int{gpu.QuantityPCIeTransmitted: 32}
	return a
}

// send transmits 2 GB/s over the link for some seconds, with a pass each second.
func (s *harness) send(a *gputest.GPU, seconds int) (d gpu.Device) {
	for range seconds {
		s.change(func() {
			a.Numbers[gpu.QuantityPCIeTransmitted] = (a.Numbers[gpu.QuantityPCIeTransmitted] + 2_000_000_000) % (1 << 32)
		})
		d = s.passes(1).Devices[0]
	}
	return d
}

// 2 GB/s for 46 s are 92 GB, 21 times the range of 32 bits.
func TestANarrowCounterIsReadOftenEnoughForItsLink(t *testing.T) {
	a := narrow(3, 4) // 3.9 GB/s: it wraps within 1.09 s
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.passes(1)
		d := s.send(a, 46)
		require.Equal(t, reading.Known[int64](92_000_000_000), d.PCIe.Transmitted)
		require.Empty(t, d.Missing)
		require.Zero(t, d.Failures)
	})
}

// A late pass may have missed a wrap: the unknown increase is not counted, and the reading fails.
func TestALatePassAddsNothing(t *testing.T) {
	a := narrow(3, 4)
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.passes(1)
		require.Equal(t, reading.Known[int64](10_000_000_000), s.send(a, 5).PCIe.Transmitted)
		time.Sleep(3 * time.Second)
		d := s.send(a, 1)
		require.False(t, d.PCIe.Transmitted.Known)
		require.Equal(t, int64(1), d.Failures[gpu.GroupLink][gpu.FailureOther])
		require.Equal(t, reading.Known[int64](12_000_000_000), s.send(a, 1).PCIe.Transmitted)
	})
}

// On a faster link the counter may wrap several times between two passes, so it is not reported.
func TestANarrowCounterOfAFastLinkIsSuppressed(t *testing.T) {
	for name, a := range map[string]*gputest.GPU{"gen 4 x16": narrow(4, 16), "unknown": narrow(0, 0)} {
		run(t, gputest.New(a), func(s *harness) {
			t := s.T
			s.passes(1)
			d := s.send(a, 20)
			require.False(t, d.PCIe.Transmitted.Known, name)
			require.Equal(t, []string{"pcie_transmitted"}, names(d.Missing))
			require.ErrorIs(t, d.Missing[0].Err, gpu.ErrTooNarrow)
			require.ErrorContains(t, d.Missing[0].Err, "32 bits wrap within")
			before := d.Failures
			d = s.send(a, 600)
			require.False(t, d.PCIe.Transmitted.Known)
			require.Equal(t, before, d.Failures, "which is no failure of the GPU")
		})
	}
}

// A narrow counter that is reset with the driver does not count bytes that were never sent.
func TestANarrowCounterThatBeginsAnew(t *testing.T) {
	a := narrow(1, 1) // 250 MB/s
	a.Numbers[gpu.QuantityPCIeTransmitted] = 1_000_000_000
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.passes(2)
		s.change(func() { a.Numbers[gpu.QuantityPCIeTransmitted] = 1_100_000_000 })
		require.Equal(t, reading.Known[int64](100_000_000), s.passes(1).Devices[0].PCIe.Transmitted)
		s.change(func() { a.Numbers[gpu.QuantityPCIeTransmitted] = 1000 })
		require.Equal(t, reading.Known[int64](100_001_000), s.passes(1).Devices[0].PCIe.Transmitted, "the link cannot have carried 3.2 GB")
		s.change(func() { a.Numbers[gpu.QuantityPCIeTransmitted] = 900_000_000 })
		require.Equal(t, reading.Known[int64](350_001_000), s.passes(1).Devices[0].PCIe.Transmitted, "nor more in a second than it can")
	})
}
