package gpu_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
)

// A library that reports 65,536 GPUs costs no more than one with 64, and the real GPUs work.
func TestTheNumberOfGPUsHasABound(t *testing.T) {
	a := gputest.NewGPU(0)
	driver := gputest.New(a)
	driver.Change(func(s *gputest.Script) { s.Count = 65_536 })
	run(t, driver, func(s *harness) {
		t := s.T
		snapshot := s.passes(40)
		require.Equal(t, 65_536-64, snapshot.Beyond)
		require.LessOrEqual(t, len(snapshot.Devices), 64)
		require.Equal(t, gpu.HealthOK, snapshot.Devices[0].Health)
		require.Equal(t, a.Identity, snapshot.Devices[0].Identity)
		require.Equal(t, 1, driver.Calls(a, gputest.CallHandle), "and it is not enumerated again and again")
		start := time.Now()
		require.NoError(t, s.sampler.Close(context.Background()))
		require.Less(t, time.Since(start), time.Second)
	})
}

// For a GPU that reports four billion MIG devices, only possible indexes are read, and the answer
// counts as implausible.
func TestTheNumberOfMIGDevicesHasABound(t *testing.T) {
	a, m := gputest.NewGPU(0), gputest.NewGPU(7)
	m.Identity.UUID = "MIG-1"
	a.MIGDevices, a.MIGClaimed = []*gputest.GPU{m}, 1<<32-1
	run(t, gputest.New(a), func(s *harness) {
		t := s.T
		s.healthy()
		snapshot := s.passes(9)
		require.Len(t, snapshot.Devices, 2)
		require.EqualValues(t, 2, snapshot.Devices[0].Implausible[gpu.GroupUtilization])
		require.True(t, snapshot.Devices[1].Processes.Known || snapshot.Devices[1].MemoryTotal.Known)
		s.change(func() { a.MIGClaimed = 7 })
		require.EqualValues(t, 2, s.passes(10).Devices[0].Implausible[gpu.GroupUtilization])
	})
}
