package gpu_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
)

// A library that claims 65,536 GPUs costs no more than one with 64, and the real ones work.
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
