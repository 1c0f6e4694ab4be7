package gpuprobe

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// healthy and lost have a value of their own in every field, so that a swapped field shows.
func healthy() gpu.Device {
	return gpu.Device{
		Identity:    gpu.Identity{UUID: "GPU-11111111-aaaa", Index: 3, Name: "NVIDIA H200", PCIAddress: "0000:65:00.0", VBIOSVersion: "96.00.A1"},
		Health:      gpu.HealthOK,
		MemoryUsed:  reading.Known(int64(20 << 30)),
		MemoryTotal: reading.Known(int64(80 << 30)),
		Temperature: reading.Known(61.5),
		Power:       reading.Known(412.25),
		Energy:      reading.Known(987654.5),
		Utilization: map[gpu.Task]gpu.Window{
			gpu.TaskGeneral: {Mean: 0.42, Max: 0.95, Peak: 0.97, Samples: 30},
			gpu.TaskEncoder: {Mean: 0.11, Max: 0.21, Peak: 0.22, Samples: 15},
			gpu.TaskDecoder: {Mean: 0.33, Max: 0.44, Peak: 0.45}, // no sample: nothing is known
			gpu.TaskJPEG:    {Mean: 0.05, Max: 0.06, Peak: 0.06, Samples: 4},
			gpu.TaskMemory:  {Mean: 0.27, Max: 0.28, Peak: 0.29, Samples: 30},
		},
		Details:     details(),
		XIDs:        reading.Known([]xid.Count{{Code: 0, Count: 1}, {Code: 31, Count: 2}, {Code: 79}}),
		LastXID:     time.Unix(1_700_000_000, 250_000_000),
		Implausible: implausible(),
	}
}

func implausible() (n gpu.Implausible) {
	for group := range n {
		n[group] = int64(40 + group)
	}
	return n
}

// details are in the order of gpu.Details, each number another.
func details() (d gpu.Details) {
	known, whole := reading.Known[float64], reading.Known[int64]
	d.TemperatureLimits = gpu.TemperatureLimits{Slowdown: known(87), Shutdown: known(92), Maximum: known(85), MemoryMaximum: known(105)}
	d.MemoryTemperature = known(71)
	d.PowerLimits = gpu.PowerLimits{Enforced: known(650), Default: known(700), Minimum: known(200), Maximum: known(710)}
	d.Clocks = gpu.Clocks{Graphics: whole(1_101), SM: whole(1_102), Memory: whole(1_103), Video: whole(1_104)}
	d.MaxClocks = gpu.Clocks{Graphics: whole(1_201), SM: whole(1_202), Memory: whole(1_203), Video: whole(1_204)}
	d.ClockEvents = reading.Known(gpu.ClockEvents(1<<2 | 1<<6))
	d.ThrottleTime[gpu.ThrottlePower] = known(12.5)
	d.PerformanceState = whole(2)
	d.RecoveryAction = reading.Known(gpu.RecoveryReset)
	for k := range d.Errors {
		d.Errors[k] = whole(int64(10 + k))
	}
	d.PCIe = gpu.PCIe{Transmitted: whole(1_301), Received: whole(1_302), Generation: whole(4), MaxGeneration: whole(5), Width: whole(8), MaxWidth: whole(16)}
	d.EncoderSessions, d.EncoderFrameRate, d.EncoderLatency = whole(3), known(29.5), known(0.004)
	d.BAR1Used, d.BAR1Total = whole(1<<20), whole(256<<20)
	d.Fans = []gpu.Fan{{Ratio: known(0.31), RPM: whole(1500)}, {Ratio: known(0.32)}}
	return d
}

// migDevice is a MIG device of the healthy GPU.
func migDevice() gpu.Device {
	return gpu.Device{
		Identity: gpu.Identity{UUID: "MIG-33333333-cccc", Index: 3, Name: "NVIDIA H200 MIG 1g.18gb", PCIAddress: "0000:65:00.0", VBIOSVersion: "96.00.A1"},
		Parent:   healthy().UUID, MIGIndex: 1, Health: gpu.HealthOK,
		MemoryUsed: reading.Known(int64(1 << 30)), MemoryTotal: reading.Known(int64(18 << 30)),
	}
}

func TestMetricsOfAMIGDevice(t *testing.T) {
	parent := gpu.Device{Identity: healthy().Identity, Health: gpu.HealthDegraded, Reason: gpu.ReasonRowRemapPending}
	golden(t, "testdata/mig.yaml", &gpu.Snapshot{Library: library(), Devices: []gpu.Device{parent, migDevice()}, Unmatched: []string{"7"}})
}

func TestMetricsOfASuspendedGPU(t *testing.T) {
	asleep := gpu.Device{Identity: healthy().Identity, Health: gpu.HealthOK, Suspended: true}
	golden(t, "testdata/suspended.yaml", &gpu.Snapshot{Library: gpu.Library{State: gpu.LibrarySuspended}, Devices: []gpu.Device{asleep}})
}

func lost() gpu.Device {
	return gpu.Device{
		Identity: gpu.Identity{UUID: "GPU-22222222-bbbb", Index: 4, Name: "NVIDIA L40S", PCIAddress: "0000:b3:00.0"},
		Health:   gpu.HealthFailed,
		Reason:   gpu.ReasonLost,
	}
}

func library() gpu.Library {
	return gpu.Library{State: gpu.LibraryAvailable, DriverVersion: "570.124.06", NVMLVersion: "12.570.124.06", CUDAVersion: "12.8"}
}

func TestMetricsOfAHealthyAndALostGPU(t *testing.T) {
	golden(t, "testdata/healthy_and_lost.yaml", &gpu.Snapshot{Library: library(), Devices: []gpu.Device{healthy(), lost()}})
}

// A GPU that was lost from the start has no UUID, and is reported nevertheless.
func TestAGPUThatWasLostFromTheStart(t *testing.T) {
	nameless := lost()
	nameless.Identity = gpu.Identity{Index: 5}
	golden(t, "testdata/lost_from_the_start.yaml", &gpu.Snapshot{Library: library(), Devices: []gpu.Device{nameless}})
}

func TestMetricsWithoutALibrary(t *testing.T) {
	golden(t, "testdata/library_not_found.yaml", &gpu.Snapshot{Library: gpu.Library{State: gpu.LibraryNotFound, Err: errors.New("libnvidia-ml.so.1: not found")}})
}

func golden(t *testing.T, file string, snapshot *gpu.Snapshot) {
	synctest.Test(t, func(t *testing.T) {
		env, _ := probetest.Env()
		mb := metadata.NewMetricsBuilder(env.Metrics, env.Settings)
		time.Sleep(time.Minute)
		record(mb, snapshot, time.Now())
		probetest.Metrics(t, file, mb.Emit(metadata.WithResource(env.HostResource())))
	})
}

func TestEventsOfALostAndARecoveredGPU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, sink := probetest.Env()
		p := New(NewDefaultConfig(), nil, env)
		back := lost()
		back.Health, back.Reason = gpu.HealthOK, gpu.ReasonNone
		passes := []gpu.Device{healthy(), lost(), lost(), back}
		before := &gpu.Snapshot{}
		for _, second := range passes {
			after := &gpu.Snapshot{Library: library(), Devices: []gpu.Device{healthy(), second}}
			if second.UUID == healthy().UUID {
				after.Devices = after.Devices[:1]
			}
			p.emitEvents(compare(before, after))
			before = after
		}
		probetest.Logs(t, "testdata/events.yaml", sink.All)
	})
}

// TestEveryValueIsDeclared keeps the domain's fixed sets and the contract the same.
func TestEveryValueIsDeclared(t *testing.T) {
	for _, task := range []gpu.Task{gpu.TaskGeneral, gpu.TaskEncoder, gpu.TaskDecoder, gpu.TaskJPEG, gpu.TaskOFA} {
		require.Contains(t, metadata.MapAttributeHwGpuTask, string(task))
	}
	for _, health := range []gpu.Health{gpu.HealthOK, gpu.HealthDegraded, gpu.HealthFailed} {
		require.Contains(t, metadata.MapAttributeHwState, string(health))
	}
	for _, reason := range []gpu.HealthReason{gpu.ReasonLost, gpu.ReasonResetRequired, gpu.ReasonWedged, gpu.ReasonNoPermission, gpu.ReasonDriverError,
		gpu.ReasonRowRemapFailed, gpu.ReasonRowRemapPending, gpu.ReasonPageRetirementPending} {
		require.Contains(t, metadata.MapAttributeNvidiaGpuFault, string(reason))
	}
	for _, state := range []gpu.LibraryState{
		gpu.LibraryAvailable, gpu.LibraryNotFound, gpu.LibraryDriverNotLoaded, gpu.LibraryNoPermission,
		gpu.LibraryRestartRequired, gpu.LibraryFailed, gpu.LibraryUnsupported, gpu.LibraryReleased, gpu.LibraryNoNVML, gpu.LibrarySuspended,
	} {
		require.Contains(t, metadata.MapAttributeNvidiaDriverState, string(state))
	}
	require.Len(t, metadata.MapAttributeNvidiaGpuRecoveryAction, 3)
	for _, action := range []gpu.RecoveryAction{gpu.RecoveryDrain, gpu.RecoveryReset, gpu.RecoveryReboot} {
		require.Contains(t, metadata.MapAttributeNvidiaGpuRecoveryAction, string(action))
	}
	require.Len(t, metadata.MapAttributeNvidiaGpuClockEvent, len(gpu.AllClockEvents))
	for _, event := range gpu.AllClockEvents {
		require.Contains(t, metadata.MapAttributeNvidiaGpuClockEvent, event.Name)
	}
	for policy := range len(gpu.Details{}.ThrottleTime) {
		require.Contains(t, metadata.MapAttributeNvidiaGpuThrottlePolicy, gpu.Throttle(policy).String())
	}
	require.Len(t, metadata.MapAttributeNvidiaGpuReading, len(gpu.Implausible{}))
	for group := range len(gpu.Implausible{}) {
		require.Contains(t, metadata.MapAttributeNvidiaGpuReading, gpu.Group(group).String())
	}
	for _, state := range []visibility{visible, translated, foreign, noProcess, memoryOnly, unsupported, unreliable, failing} {
		require.Contains(t, metadata.MapAttributeNvidiaProcessVisibility, string(state))
	}
}

func TestConfigErrorsNameFieldValueAndRemedy(t *testing.T) {
	cfg := NewDefaultConfig()
	require.NoError(t, cfg.Validate())
	cfg.Interval, cfg.Deadline = time.Millisecond, 0
	require.EqualError(t, cfg.Validate(), "interval is 1ms: give at least 100ms, or leave it out for 1s\n"+
		"deadline is 0s: give at least 100ms, or leave it out for 5s")
	cfg.Enabled = false
	require.NoError(t, cfg.Validate())
	cfg = NewDefaultConfig()
	cfg.ReleaseWhenIdle, cfg.PeakWindow, cfg.Devices.Exclude = -time.Second, 2*time.Hour, []string{"0", " "}
	require.EqualError(t, cfg.Validate(), "peak_window is 2h0m0s: give 1s to 1h, or leave it out for 1m\n"+
		"release_when_idle is -1s: give at least 1s, or 0s for never\n"+
		"devices has an empty entry: give a UUID, an index or a PCI address")
}
