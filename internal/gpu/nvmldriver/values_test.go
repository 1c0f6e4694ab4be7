//go:build linux && cgo

package nvmldriver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/fakenvml"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// second returns the second GPU of the fake library by default.
func second() gpu.Device {
	return gpu.Device{
		Identity: gpu.Identity{
			UUID: "GPU-fa4e0000-0000-0000-0000-000000000002", Index: 1, Name: "Fake GPU 2", PCIAddress: "0000:42:00.0", VBIOSVersion: "95.02.02.00.01",
		},
		Health:      gpu.HealthOK,
		MemoryUsed:  reading.Known(int64(4 << 30)),
		MemoryTotal: reading.Known(int64(18 << 30)),
		Temperature: reading.Known(62.0),
		Power:       reading.Known(150.002),
		Energy:      reading.Known(5000.002),
		Details:     secondDetails(),
		Processes:   reading.Known([]gpu.ProcessMemory{}),
		XIDs:        zeroXIDs(),
	}
}

func TestValuesAreWhatTheLibrarySays(t *testing.T) {
	runIsolated(t, func(s *harness) {
		sampler := s.sampler(0)
		require.NoError(s, sampler.Observe(context.Background()))
		snapshot := sampler.Latest()
		require.Equal(s, gpu.Library{State: gpu.LibraryAvailable, DriverVersion: "999.42.01", NVMLVersion: "13.999.42.01", CUDAVersion: "13.4"}, snapshot.Library)
		require.Len(s, snapshot.Devices, 2)
		require.Equal(s, second(), timeless(snapshot.Devices[1]))
		require.Equal(s, map[gpu.Task]gpu.Window{
			gpu.TaskGeneral: {Mean: 0.42, Max: 0.42, Peak: 0.42, Samples: 1},
			gpu.TaskEncoder: {Mean: 0.22, Max: 0.22, Peak: 0.22, Samples: 1},
			gpu.TaskDecoder: {Mean: 0.12, Max: 0.12, Peak: 0.12, Samples: 1},
			gpu.TaskMemory:  {Mean: 0.08, Max: 0.08, Peak: 0.08, Samples: 1},
		}, sampler.Collect(time.Now(), 0).Devices[1].Utilization)
	})
}

func TestRunningProcessSeesChangedValues(t *testing.T) {
	runIsolated(t, func(s *harness) {
		sampler := s.sampler(0)
		require.NoError(s, sampler.Observe(context.Background()))
		s.set("gpu.1.temperature 88", "gpu.1.memory.used 12345", "gpu.1.power 77000", "gpu.1.energy 4000")
		require.NoError(s, sampler.Observe(context.Background()))
		want := second()
		want.Temperature, want.MemoryUsed, want.Power, want.Energy = reading.Known(88.0), reading.Known(int64(12345)), reading.Known(77.0), reading.Known(4.0)
		want.Implausible[gpu.GroupPower] = 1 // The energy went back.
		// The activity depends on when the test observed.
		want.Activity = map[int]float64{}
		require.Equal(s, want, timeless(sampler.Latest().Devices[1]))
	})
}

// Implausible answers are counted for their GPU.
func TestImplausibleAnswersOfTheLibrary(t *testing.T) {
	runIsolated(t, func(s *harness) {
		sampler := s.sampler(0)
		s.set("gpu.1.field.82 0x7ff8000000000000", "gpu.1.field.82.type 0", "gpu.1.utilization 255", "gpu.1.memory.used 99999999999", "gpu.1.compute 7:unknown",
			"gpu.1.name \xff", "gpu.1.pstate 32", "gpu.1.bar1 9 8")
		require.NoError(s, sampler.Observe(context.Background()))
		devices := sampler.Latest().Devices
		require.Zero(s, devices[0].Implausible)
		// The rate, and the sample buffer that is derived from it.
		require.Equal(s, gpu.Implausible{
			gpu.GroupTemperature: 1, gpu.GroupUtilization: 2, gpu.GroupMemory: 2, gpu.GroupIdentity: 1,
		}, devices[1].Implausible)
		require.Empty(s, devices[1].Name)
		require.False(s, devices[1].MemoryUsed.Known)
	})
}

func TestSampleBufferIsRead(t *testing.T) {
	runIsolated(t, func(s *harness) {
		sampler := s.sampler(0)
		s.set("gpu.0.samples 1000000:99")
		require.NoError(s, sampler.Observe(context.Background()))
		sampler.Collect(time.Now(), 0)
		s.set("gpu.0.samples 1000000:99 1200000:20 0:77 1300000:255 1600000:100")
		require.NoError(s, sampler.Observe(context.Background()))
		w := sampler.Collect(time.Now(), 0).Devices[0].Utilization[gpu.TaskGeneral]
		require.InDelta(s, (0.2*0.2+1.0*0.4)/0.6, w.Mean, 1e-9)
		require.Equal(s, 1.0, w.Max)
		require.Equal(s, 2, w.Samples)
	})
}

// The driver fills its buffer while the utilization itself is not read.
func TestSampleBufferOfEachTask(t *testing.T) {
	runIsolated(t, func(s *harness) {
		h, err := s.open().Handle(0)
		require.NoError(s, err)
		for task, percent := range map[gpu.Task]float64{gpu.TaskGeneral: 41, gpu.TaskEncoder: 21, gpu.TaskDecoder: 11} {
			samples, err := h.Samples(task, 0)
			require.NoError(s, err)
			require.Len(s, samples, 70)
			require.Equal(s, percent, samples[69].Value)
			require.WithinDuration(s, time.Now(), time.UnixMicro(int64(samples[69].Timestamp)), time.Second)
			_, err = h.Samples(task, samples[69].Timestamp+1_000_000)
			require.ErrorIs(s, err, gpu.ErrNotFound)
		}
		_, err = h.Samples("fpga", 0)
		require.ErrorIs(s, err, gpu.ErrNotSupported)
		_, err = h.Utilization("fpga")
		require.ErrorIs(s, err, gpu.ErrNotSupported)
	})
}

// Without a function, only its reading is absent. The process keeps running.
func TestMissingSymbols(t *testing.T) {
	for _, c := range []struct {
		variant fakenvml.Variant
		lacks   func(*gpu.Device)
		tasks   []gpu.Task
	}{
		{fakenvml.WithoutErrorString, func(*gpu.Device) {}, nil},
		{fakenvml.WithoutMemoryV2, func(d *gpu.Device) { d.MemoryUsed = reading.Known(int64(4<<30 + 512<<20)) }, nil},
		{fakenvml.WithoutMemory, func(*gpu.Device) {}, nil},
		{fakenvml.WithoutTemperature, func(*gpu.Device) {}, nil},
		{fakenvml.WithoutTemperatureV, func(*gpu.Device) {}, nil},
		{fakenvml.WithoutPower, func(d *gpu.Device) { d.Power = reading.Value[float64]{} }, nil},
		{fakenvml.WithoutEnergy, func(d *gpu.Device) { d.Energy = reading.Value[float64]{} }, nil},
		{fakenvml.WithoutJPEG, func(*gpu.Device) {}, nil},
		{fakenvml.WithoutDetails, func(d *gpu.Device) {
			of := d.Details
			d.Details = gpu.Details{MemoryTemperature: of.MemoryTemperature, ThrottleTime: of.ThrottleTime, RecoveryAction: of.RecoveryAction}
			d.PCIe.Transmitted, d.PCIe.Received = of.PCIe.Transmitted, of.PCIe.Received
		}, nil},
		{fakenvml.WithoutEventReasons, func(*gpu.Device) {}, nil},
		{fakenvml.WithoutFields, func(d *gpu.Device) {
			var none gpu.Details
			d.RecoveryAction = none.RecoveryAction
			d.MemoryTemperature, d.ThrottleTime, d.PCIe.Transmitted, d.PCIe.Received = none.MemoryTemperature, none.ThrottleTime, none.PCIe.Transmitted, none.PCIe.Received
		}, nil},
		{fakenvml.WithoutProcesses, func(d *gpu.Device) {
			d.Processes, d.ProcessList = reading.Value[[]gpu.ProcessMemory]{}, gpu.Unsupported
		}, nil},
		{fakenvml.WithoutProcessesV3, func(*gpu.Device) {}, nil},
		{fakenvml.WithoutProcessUtilization, func(d *gpu.Device) { d.ProcessUse = gpu.Unsupported }, nil},
		{fakenvml.WithoutMIG, func(*gpu.Device) {}, nil},
		{fakenvml.WithoutFanRPM, func(d *gpu.Device) { d.Fans = []gpu.Fan{{Ratio: d.Fans[0].Ratio}, {Ratio: d.Fans[1].Ratio}} }, nil},
		{fakenvml.WithoutHandleByUUID, func(d *gpu.Device) { d.Fans = []gpu.Fan{{Ratio: d.Fans[0].Ratio}, {Ratio: d.Fans[1].Ratio}} }, nil},
		{fakenvml.WithoutEvents, func(d *gpu.Device) { d.XIDs = reading.Value[[]xid.Count]{} }, nil},
		{fakenvml.WithoutIdentity, func(d *gpu.Device) { d.Name, d.PCIAddress, d.VBIOSVersion = "", "", "" }, nil},
		{fakenvml.WithoutVersions, func(*gpu.Device) {}, nil},
		{fakenvml.WithoutSamples, func(*gpu.Device) {}, nil},
		// Without the rate there is still the sample buffer, but its first read only sets the
		// position.
		{fakenvml.WithoutUtilization, func(*gpu.Device) {}, []gpu.Task{gpu.TaskEncoder, gpu.TaskDecoder}},
		{fakenvml.WithoutEncoder, func(*gpu.Device) {}, []gpu.Task{gpu.TaskGeneral, gpu.TaskDecoder}},
		{fakenvml.WithoutDecoder, func(*gpu.Device) {}, []gpu.Task{gpu.TaskGeneral, gpu.TaskEncoder}},
	} {
		t.Run(string(c.variant), func(t *testing.T) {
			runIsolated(t, func(s *harness) {
				want := second()
				c.lacks(&want)
				sampler := s.sampler(0)
				require.NoError(s, sampler.Observe(context.Background()))
				require.Equal(s, want, timeless(sampler.Latest().Devices[1]))
				var tasks []gpu.Task
				for _, task := range []gpu.Task{gpu.TaskGeneral, gpu.TaskEncoder, gpu.TaskDecoder} {
					if _, ok := sampler.Collect(time.Now(), time.Hour).Devices[1].Utilization[task]; ok {
						tasks = append(tasks, task)
					}
				}
				if c.tasks == nil {
					c.tasks = []gpu.Task{gpu.TaskGeneral, gpu.TaskEncoder, gpu.TaskDecoder}
				}
				require.Equal(s, c.tasks, tasks)
			}, c.variant)
		})
	}
}

func TestLibraryThatHasNextToNothing(t *testing.T) {
	runIsolated(t, func(s *harness) {
		sampler := s.sampler(0)
		require.NoError(s, sampler.Observe(context.Background()))
		require.Equal(s, gpu.Library{State: gpu.LibraryAvailable}, sampler.Latest().Library)
		require.Equal(s, gpu.Device{Identity: gpu.Identity{UUID: second().UUID, Index: 1}, Health: gpu.HealthOK, ProcessList: gpu.Unsupported, ProcessUse: gpu.Unsupported}, timeless(sampler.Latest().Devices[1]))
		require.Nil(s, sampler.Collect(time.Now(), 0).Devices[1].Utilization)
	}, fakenvml.WithoutErrorString, fakenvml.WithoutSystem, fakenvml.WithoutIdentity, fakenvml.WithoutUtilization, fakenvml.WithoutEncoder, fakenvml.WithoutDecoder,
		fakenvml.WithoutSamples, fakenvml.WithoutMemory, fakenvml.WithoutMemoryV2, fakenvml.WithoutTemperature, fakenvml.WithoutTemperatureV, fakenvml.WithoutPower,
		fakenvml.WithoutEnergy, fakenvml.WithoutVersions, fakenvml.WithoutJPEG, fakenvml.WithoutDetails, fakenvml.WithoutFields, fakenvml.WithoutProcesses,
		fakenvml.WithoutProcessUtilization, fakenvml.WithoutMIG, fakenvml.WithoutEvents, fakenvml.WithoutHandleByUUID)
}

// Exported, but not supported by this GPU or this structure version: the older form is used, and
// the newer is not called again.
func TestNewerFormExportedButNotSupported(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.0.rc.memory 25", "gpu.0.rc.temperature 3")
		h, err := s.open().Handle(0)
		require.NoError(s, err)
		_, err = h.Memory()
		require.ErrorIs(s, err, gpu.ErrNotSupported)
		_, err = h.Temperature()
		require.ErrorIs(s, err, gpu.ErrNotSupported)
		s.set()
		m, err := h.Memory()
		require.NoError(s, err)
		require.Equal(s, gpu.Memory{Used: 3<<30 + 256<<20, Total: 17 << 30}, m)
		celsius, err := h.Temperature()
		require.NoError(s, err)
		require.Equal(s, 61, celsius)
		require.Equal(s, 1, s.calls("nvmlDeviceGetMemoryInfo_v2"))
		require.Equal(s, 1, s.calls("nvmlDeviceGetTemperatureV"))
	})
}

// timeless clears the time of the read, the only field that does not come from the library.
func timeless(d gpu.Device) gpu.Device {
	d.Sampled = time.Time{}
	return d
}
