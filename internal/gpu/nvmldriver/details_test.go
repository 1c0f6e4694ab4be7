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

// secondDetails returns the details of the second GPU of the fake library by default. All values
// differ.
func secondDetails() (d gpu.Details) {
	d.TemperatureLimits = gpu.TemperatureLimits{
		Shutdown: reading.Known(82.0), Slowdown: reading.Known(87.0), MemoryMaximum: reading.Known(92.0), Maximum: reading.Known(97.0),
	}
	d.MemoryTemperature = reading.Known(72.0)
	d.PowerLimits = gpu.PowerLimits{
		Enforced: reading.Known(300.002), Default: reading.Known(301.002), Minimum: reading.Known(302.002), Maximum: reading.Known(303.002),
	}
	d.Clocks = clocks(200)
	d.MaxClocks = clocks(1200)
	d.ClockEvents = reading.Known(gpu.ClockEvents(4))
	for t, seconds := range map[gpu.Throttle]float64{
		gpu.ThrottlePower: 76, gpu.ThrottleThermal: 77, gpu.ThrottleSyncBoost: 78, gpu.ThrottleBoardLimit: 79, gpu.ThrottleReliability: 81,
	} {
		d.ThrottleTime[t] = reading.Known(seconds)
	}
	d.PerformanceState = reading.Known(int64(2))
	d.RecoveryAction = reading.Known(gpu.RecoveryNone)
	for k, count := range map[gpu.ErrorKind]int64{
		gpu.ErrorCorrected: 21, gpu.ErrorUncorrected: 22, gpu.ErrorAggregateCorrected: 23, gpu.ErrorAggregateUncorrected: 24, gpu.ErrorPCIeReplay: 7,
		gpu.ErrorRetiredPageSingleBit: 2, gpu.ErrorRetiredPageDoubleBit: 3, gpu.ErrorRemappedRowCorrected: 2, gpu.ErrorRemappedRowUncorrected: 3,
	} {
		d.Errors[k] = reading.Known(count)
	}
	known := reading.Known[int64]
	// The byte counters begin with the sampler.
	d.PCIe = gpu.PCIe{Transmitted: known(0), Received: known(0), Generation: known(3), MaxGeneration: known(4), Width: known(8), MaxWidth: known(16)}
	d.EncoderSessions, d.EncoderFrameRate, d.EncoderLatency = known(2), reading.Known(22.0), reading.Known(0.002)
	d.BAR1Used, d.BAR1Total = known(2<<20), known(256<<20)
	d.Fans = []gpu.Fan{{Ratio: reading.Known(0.32), RPM: known(1002)}, {Ratio: reading.Known(0.42), RPM: known(1102)}}
	return d
}

func clocks(mhz int64) gpu.Clocks {
	known := func(k int64) reading.Value[int64] { return reading.Known((mhz + 10*k) * 1_000_000) }
	return gpu.Clocks{Graphics: known(1), SM: known(2), Memory: known(3), Video: known(4)}
}

func zeroXIDs() reading.Value[[]xid.Count] {
	return reading.Known([]xid.Count{{Code: 0}, {Code: 46}, {Code: 48}, {Code: 62}, {Code: 64}, {Code: 74}, {Code: 79}, {Code: 95}, {Code: 109}, {Code: 119}, {Code: 120}, {Code: 140}, {Code: 143}, {Code: 154}})
}

// The number of a field depends on the version of the driver: 251 in one is 269 in the other.
func TestRenumberedFieldsFollowTheDriverVersion(t *testing.T) {
	for version, want := range map[string]float64{"570.124.06": 1, "580.65.06": 1, "580.82.07": 2, "590.10": 2, "unreadable": 0, "": 0} {
		t.Run(version, func(t *testing.T) {
			runIsolated(t, func(s *harness) {
				s.set("driver_version "+version, "gpu.0.field.251 1000000000", "gpu.0.field.269 2000000000")
				h, err := s.open().Handle(0)
				require.NoError(s, err)
				v, err := h.Number(gpu.QuantityThrottleSWThermal)
				if want == 0 {
					require.ErrorIs(s, err, gpu.ErrNotSupported)
					return
				}
				require.NoError(s, err)
				require.Equal(s, want, float64(v.Value)/1e9)
			})
		})
	}
}

func TestFieldsHaveTheTypeThatTheyCarry(t *testing.T) {
	runIsolated(t, func(s *harness) {
		h, err := s.open().Handle(0)
		require.NoError(s, err)
		for _, c := range []struct {
			value, kind string
			want        gpu.Number
			err         error
		}{
			{"0xffffffff00000007", "1", gpu.Number{Value: 7, Bits: 32}, nil},
			{"0xffffffff00000007", "3", gpu.Number{Value: 0xffffffff00000007, Bits: 64}, nil},
			{"0xffff0007", "6", gpu.Number{Value: 7, Bits: 16}, nil},
			{"0x00000007", "5", gpu.Number{Value: 7, Bits: 31}, nil},
			{"0xffffffff", "5", gpu.Number{}, gpu.ErrNotFound},
			{"0xffffffffffffffff", "4", gpu.Number{}, gpu.ErrNotFound},
			{"0x401c000000000000", "0", gpu.Number{Value: 7, Bits: 64}, nil}, // 7.0
			{"0x7ff8000000000000", "0", gpu.Number{}, gpu.ErrImplausible},    // NaN
			{"0xfffffffb", "5", gpu.Number{}, gpu.ErrImplausible},            // -5
			{"7", "99", gpu.Number{}, gpu.ErrNotFound},
		} {
			s.set("gpu.0.field.82 "+c.value, "gpu.0.field.82.type "+c.kind)
			v, err := h.Number(gpu.QuantityMemoryTemperature)
			require.ErrorIs(s, err, c.err, c)
			if c.err == nil {
				require.Equal(s, c.want, v, c)
			}
		}
		_, err = h.Number(gpu.QuantityNVLinkReceived)
		require.ErrorIs(s, err, gpu.ErrNotSupported)
		_, err = h.Number(-1)
		require.ErrorIs(s, err, gpu.ErrNotSupported)
	})
}

func TestOlderFormsOfDetails(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.0.clock_events 128")
		h, err := s.open().Handle(0)
		require.NoError(s, err)
		bits, err := h.Number(gpu.QuantityClockEvents)
		require.NoError(s, err)
		require.Equal(s, gpu.Number{Value: 128}, bits)
		require.Equal(s, 1, s.calls("nvmlDeviceGetCurrentClocksThrottleReasons"))
	}, fakenvml.WithoutEventReasons)
}

// Each fan has its own speed, also if that of another cannot be read.
func TestRevolutionsOfEachFan(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.0.fans 3", "gpu.0.rpm.0 700", "gpu.0.rpm.2 2900")
		session := s.open()
		h, err := session.Handle(0)
		require.NoError(s, err)
		fan, err := h.Fan(0)
		require.NoError(s, err)
		require.Equal(s, gpu.FanSpeed{Percent: 31}, fan, "nobody knows yet who it is")

		h, err = session.Handle(0)
		require.NoError(s, err)
		_, err = h.Identity()
		require.NoError(s, err)
		for number, want := range []gpu.FanSpeed{{Percent: 31, RPM: 700}, {Percent: 41, RPM: 1101}, {Percent: 51, RPM: 2900}} {
			fan, err := h.Fan(number)
			require.NoError(s, err)
			require.Equal(s, want, fan)
		}
		require.Equal(s, 1, s.calls("nvmlDeviceGetHandleByUUID"))
		s.set("gpu.0.fans 3", "gpu.0.rc.rpm 999")
		fan, err = h.Fan(1)
		require.NoError(s, err)
		require.Equal(s, gpu.FanSpeed{Percent: 41}, fan)
		s.set("gpu.0.fans 3", "gpu.0.rc.rpm 3")
		_, err = h.Fan(1)
		require.NoError(s, err)
		asked := s.calls("nvmlDeviceGetFanSpeedRPM")
		_, err = h.Fan(1)
		require.NoError(s, err)
		require.Equal(s, asked, s.calls("nvmlDeviceGetFanSpeedRPM"), "not supported, and not soon asked again")
		_, err = h.Fan(2)
		require.NoError(s, err)
		require.Equal(s, asked+1, s.calls("nvmlDeviceGetFanSpeedRPM"), "of another fan it is not known")
	})
}

// No call may block for 20 ms, as GetPcieThroughput does.
func TestThroughputIsNeverAsked(t *testing.T) {
	runIsolated(t, func(s *harness) {
		sampler := s.sampler(0)
		for range 5 {
			require.NoError(s, sampler.Observe(context.Background()))
		}
		require.Zero(s, s.calls("nvmlDeviceGetPcieThroughput"))
		require.Equal(s, 1, s.calls("nvmlDeviceGetPerformanceState")/2/5)
		require.Equal(s, 2, s.calls("nvmlDeviceGetBAR1MemoryInfo"), "once for each GPU in 15 s")
	})
}

// The driver reports a counter of 32 bits, which wraps after 17 s on this link.
func TestPCIeBytesAreCountedAcrossTheWrap(t *testing.T) {
	runIsolated(t, func(s *harness) {
		sampler := s.sampler(0)
		for _, c := range []struct {
			raw  string
			want reading.Value[int64]
		}{
			{"4294967000", reading.Value[int64]{}}, {"4294967290", reading.Known(int64(290))}, {"4", reading.Known(int64(300))},
			{"104", reading.Known(int64(400))}, {"50", reading.Known(int64(450))},
		} {
			s.set("gpu.0.link 1 1 1 1", "gpu.0.field.197.type 1", "gpu.0.field.197 "+c.raw)
			require.NoError(s, sampler.Observe(context.Background()))
			require.Equal(s, c.want, sampler.Latest().Devices[0].PCIe.Transmitted, c.raw)
		}
	})
}

func TestParts(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("gpu.1.mig 2", "gpu.1.mig.1.compute 77:1000")
		sampler := s.sampler(0)
		require.NoError(s, sampler.Observe(context.Background()))
		devices := sampler.Latest().Devices
		require.Len(s, devices, 4)
		require.Equal(s, gpu.Device{
			Identity: gpu.Identity{UUID: "MIG-fa4e0000-0000-0000-0002-000000000002", Index: 1, Name: "Fake GPU 2", PCIAddress: "0000:42:00.0", VBIOSVersion: "95.02.02.00.01"},
			Parent:   second().UUID, MIGIndex: 1, Health: gpu.HealthOK,
			MemoryUsed: reading.Known(int64(2 << 30)), MemoryTotal: reading.Known(int64(5 << 30)),
			ProcessUse: gpu.Unsupported,
			Processes:  reading.Known([]gpu.ProcessMemory{{PID: 77, Memory: reading.Known(int64(1000))}}),
		}, timeless(devices[3]))
		require.Equal(s, second().UUID, devices[2].Parent)
		s.set()
		require.NoError(s, sampler.Observe(context.Background()))
		require.Len(s, sampler.Latest().Devices, 2, "put together again, and nothing is lost")
	})
}

func TestXIDsAreReportedOfTheirGPU(t *testing.T) {
	runIsolated(t, func(s *harness) {
		s.set("xids 1:1:79")
		sampler := s.sampler(0)
		require.NoError(s, sampler.Observe(context.Background()))
		s.set("xids 1:1:79 2:1:31 3:0:999 4:1:31")
		s.until(sampler, func(snapshot *gpu.Snapshot) bool { return count(snapshot.Devices[1], 31) == 2 })
		s.until(sampler, func(snapshot *gpu.Snapshot) bool { return count(snapshot.Devices[0], 0) == 1 })
		require.Zero(s, count(sampler.Latest().Devices[1], 79), "it came before anybody watched")
		require.WithinDuration(s, time.Now(), sampler.Latest().Devices[1].LastXID, 10*time.Second)
		require.Equal(s, 1, s.calls("nvmlEventSetCreate"))
		require.Equal(s, 2, s.calls("nvmlDeviceRegisterEvents"))

		// The driver is unloaded and loaded again, and repeats its earlier values.
		s.set("rc 9", "init 9")
		s.until(sampler, func(snapshot *gpu.Snapshot) bool { return snapshot.Library.State == gpu.LibraryDriverNotLoaded })
		s.set("xids.replay 1", "xids 2:1:31 3:0:999 4:1:31")
		s.until(sampler, func(snapshot *gpu.Snapshot) bool { return snapshot.Library.State == gpu.LibraryAvailable })
		s.set("xids 2:1:31 3:0:999 4:1:31 5:1:119")
		time.Sleep(2 * xidsSettled)
		s.set("xids 2:1:31 3:0:999 4:1:31 5:1:119")
		s.until(sampler, func(snapshot *gpu.Snapshot) bool { return count(snapshot.Devices[1], 119) == 1 })
		require.Equal(s, int64(2), count(sampler.Latest().Devices[1], 31), "not counted twice")
	})
}

const xidsSettled = 150 * time.Millisecond

func count(d gpu.Device, code int) int64 {
	for _, x := range d.XIDs.V {
		if x.Code == code {
			return x.Count
		}
	}
	return -1
}

// The recovery action: the numbers of nvml.h, one of a later driver, and a driver without the
// field.
func TestRecoveryActions(t *testing.T) {
	runIsolated(t, func(s *harness) {
		for number, want := range map[string]gpu.RecoveryAction{
			"0": gpu.RecoveryNone, "1": gpu.RecoveryReset, "2": gpu.RecoveryReboot, "3": gpu.RecoveryDrain, "4": gpu.RecoveryReset,
			"5": gpu.RecoveryDrain, "6": gpu.RecoveryReset, "7": gpu.RecoveryReboot, "8": gpu.RecoveryDrain,
		} {
			s.set("gpu.0.field.230 "+number, "gpu.0.field.230.type 1")
			sampler := s.sampler(0)
			require.NoError(s, sampler.Observe(context.Background()))
			require.Equal(s, reading.Known(want), sampler.Latest().Devices[0].RecoveryAction, number)
		}
		for _, unknown := range []string{"gpu.0.field.230 4294967295", "gpu.0.rc.fields 3"} {
			s.set(unknown)
			sampler := s.sampler(0)
			require.NoError(s, sampler.Observe(context.Background()))
			require.False(s, sampler.Latest().Devices[0].RecoveryAction.Known)
		}
	})
}
