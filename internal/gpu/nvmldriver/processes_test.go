//go:build linux && cgo

package nvmldriver

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/fakenvml"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// All versions of the lists give the same result. The last library has the oldest version only.
func TestProcessesInEveryVersionOfTheList(t *testing.T) {
	for form, variants := range map[string][]fakenvml.Variant{
		"_v3": nil, "_v2": {fakenvml.WithoutProcessesV3}, "": {fakenvml.WithoutVersions},
	} {
		t.Run("form"+form, func(t *testing.T) {
			runIsolated(t, func(s *harness) {
				s.set("gpu.0.compute 11:100 12:200", "gpu.0.graphics 12:200 13:unknown", "gpu.0.mps 14:400")
				h, err := s.open().Handle(0)
				require.NoError(s, err)
				contexts, err := h.Contexts()
				require.NoError(s, err)
				require.Equal(s, []gpu.Context{
					{PID: 11, Memory: 100}, {PID: 12, Memory: 200},
					{PID: 12, Memory: 200, Kind: gpu.ContextGraphics}, {PID: 13, Memory: 1<<64 - 1, Kind: gpu.ContextGraphics},
					{PID: 14, Memory: 400, Kind: gpu.ContextMPS},
				}, contexts)
				require.NotZero(s, s.calls("nvmlDeviceGetComputeRunningProcesses"+form))
			}, variants...)
		})
	}
}

func TestProcessListsThatAreMissing(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.0.compute 11:100", "gpu.0.mps unsupported", "gpu.1.compute unsupported", "gpu.1.graphics unsupported", "gpu.1.mps unsupported")
		session := s.open()
		h, err := session.Handle(0)
		require.NoError(s, err)
		for range 3 {
			contexts, err := h.Contexts()
			require.NoError(s, err)
			require.Len(s, contexts, 1)
		}
		require.Equal(s, 1, s.calls("nvmlDeviceGetMPSComputeRunningProcesses_v3"), "remembered")
		h, err = session.Handle(1)
		require.NoError(s, err)
		_, err = h.Contexts()
		require.ErrorIs(s, err, gpu.ErrNotSupported)
	})
}

// The first drivers of branch 535 write beyond the end of the list.
func TestProcessListsOfEarly535AreNotAsked(t *testing.T) {
	for version, broken := range map[string]bool{"535.54.03": true, "535.98": true, "535.104.05": false, "530.41.03": false, "545.23": false, "": false} {
		t.Run(version, func(t *testing.T) {
			runIsolated(t, func(s *harness) {
				s.set("driver_version "+version, "gpu.0.compute 11:100")
				h, err := s.open().Handle(0)
				require.NoError(s, err)
				_, err = h.Contexts()
				if broken {
					require.ErrorIs(s, err, gpu.ErrNotSupported)
					require.Zero(s, s.calls("nvmlDeviceGetComputeRunningProcesses_v3"))
				} else {
					require.NoError(s, err)
				}
			})
		})
	}
}

// A list with another struct layout, read with the expected one.
func TestBrokenProcessListIsCleaned(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.0.compute 4294967295:100 0:4096 11:100 12:18446744073709551600 13:20000000000000")
		sampler := s.sampler(0)
		require.NoError(s, sampler.Observe(context.Background()))
		require.Equal(s, reading.Known([]gpu.ProcessMemory{{PID: 11, Memory: reading.Known(int64(100))}}), sampler.Latest().Devices[0].Processes)
	})
}

func TestProcessSamples(t *testing.T) {
	runIsolated(t, func(s *harness) {
		now := uint64(time.Now().UnixMicro())
		s.set(fmt.Sprintf("gpu.0.process.samples %d:11:50:20:10 %d:12:255:0:0", now-10, now-5), "gpu.1.process.samples unsupported")
		session := s.open()
		h, err := session.Handle(0)
		require.NoError(s, err)
		samples, err := h.ProcessSamples(now - 8)
		require.NoError(s, err)
		require.Equal(s, []gpu.ProcessSample{{PID: 12, Timestamp: now - 5, General: 255}}, samples)
		samples, err = h.ProcessSamples(0)
		require.NoError(s, err)
		require.Equal(s, gpu.ProcessSample{PID: 11, Timestamp: now - 10, General: 50, Encoder: 20, Decoder: 10}, samples[0])
		_, err = h.ProcessSamples(now)
		require.ErrorIs(s, err, gpu.ErrNotFound)

		// go-nvml panics if the second answer is longer than the first.
		s.set(fmt.Sprintf("gpu.0.process.samples %d:11:50:20:10", now), "gpu.0.process.grow 100000", "gpu.1.process.samples unsupported")
		_, err = h.ProcessSamples(0)
		require.ErrorIs(s, err, errGrown)
		h, err = session.Handle(1)
		require.NoError(s, err)
		_, err = h.ProcessSamples(0)
		require.ErrorIs(s, err, gpu.ErrNotSupported)
	})
}

// A busy process, an idle one, and one that ended: means are over the whole window.
func TestProcessUtilizationOverTime(t *testing.T) {
	runIsolated(t, func(s *harness) {
		sampler := s.sampler(0)
		require.NoError(s, sampler.Observe(context.Background()))
		require.Nil(s, sampler.Collect(time.Now(), 0).Devices[0].ProcessUtilization)
		s.set(fmt.Sprintf("gpu.0.process.samples %d:11:50:20:10", time.Now().UnixMicro()))
		require.NoError(s, sampler.Observe(context.Background()))
		u := sampler.Collect(time.Now(), 0).Devices[0].ProcessUtilization
		require.InDelta(s, 0.5, u[11].General.Mean, 1e-9)
		require.Equal(s, 0.2, u[11].Encoder.Max)
		require.Equal(s, 0.1, u[11].Decoder.Max)
		s.set()
		require.NoError(s, sampler.Observe(context.Background()))
		idle := sampler.Collect(time.Now(), 0).Devices[0].ProcessUtilization
		require.NotNil(s, idle, "known to be idle")
		require.Empty(s, idle)
	})
}
