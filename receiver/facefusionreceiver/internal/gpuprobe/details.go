package gpuprobe

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// recordDetails records the readings of the second rank.
func recordDetails(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, id, name string) {
	recordThermal(mb, ts, d, id, name)
	recordPowerLimits(mb, ts, d, id, name)
	recordClocks(mb, ts, d, id, name)
	recordPCIe(mb, ts, d, id, name)
	recordEncoder(mb, ts, d, id, name)
	recordFans(mb, ts, d, id, name)
	if d.RecoveryAction.Known {
		for action := range probe.Values[metadata.AttributeNvidiaGpuRecoveryAction]() {
			mb.RecordNvidiaGpuRecoveryActionDataPoint(ts, probe.OneIf(string(d.RecoveryAction.V) == action.String()), id, name, action)
		}
	}
	whole(ts, d.PerformanceState, id, name, mb.RecordNvidiaGpuPerformanceStateDataPoint)
	whole(ts, d.BAR1Used, id, name, mb.RecordNvidiaGpuBar1UsageDataPoint)
	whole(ts, d.BAR1Total, id, name, mb.RecordNvidiaGpuBar1LimitDataPoint)
}

// whole records a reading that has no attributes beyond those of the GPU.
func whole[T int64 | float64](ts pcommon.Timestamp, v reading.Value[T], id, name string, to func(pcommon.Timestamp, T, string, string)) {
	if v.Known {
		to(ts, v.V, id, name)
	}
}

func recordThermal(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, id, name string) {
	const onDie, onMemory = metadata.AttributeHwSensorLocationGpu, metadata.AttributeHwSensorLocationMemory
	if d.MemoryTemperature.Known {
		mb.RecordHwTemperatureDataPoint(ts, d.MemoryTemperature.V, id+"/temp/memory", name, id, onMemory)
	}
	limit := func(v reading.Value[float64], sensor string, location metadata.AttributeHwSensorLocation, kind metadata.AttributeHwLimitType) {
		if v.Known {
			mb.RecordHwTemperatureLimitDataPoint(ts, v.V, id+sensor, name, id, location, kind)
		}
	}
	limits := &d.TemperatureLimits
	limit(limits.Maximum, "/temp/gpu", onDie, metadata.AttributeHwLimitTypeMax)
	limit(limits.Slowdown, "/temp/gpu", onDie, metadata.AttributeHwLimitTypeHighDegraded)
	limit(limits.Shutdown, "/temp/gpu", onDie, metadata.AttributeHwLimitTypeHighCritical)
	limit(limits.MemoryMaximum, "/temp/memory", onMemory, metadata.AttributeHwLimitTypeMax)
}

func recordPowerLimits(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, id, name string) {
	limit := func(v reading.Value[float64], kind metadata.AttributeNvidiaGpuPowerLimitType) {
		if v.Known {
			mb.RecordNvidiaGpuPowerLimitDataPoint(ts, v.V, id, name, kind)
		}
	}
	limit(d.PowerLimits.Enforced, metadata.AttributeNvidiaGpuPowerLimitTypeEnforced)
	limit(d.PowerLimits.Default, metadata.AttributeNvidiaGpuPowerLimitTypeDefault)
	limit(d.PowerLimits.Minimum, metadata.AttributeNvidiaGpuPowerLimitTypeMinimum)
	limit(d.PowerLimits.Maximum, metadata.AttributeNvidiaGpuPowerLimitTypeMaximum)
}

func recordClocks(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, id, name string) {
	type recorder = func(pcommon.Timestamp, int64, string, string, metadata.AttributeNvidiaGpuClockDomain)
	clocks := func(c *gpu.Clocks, to recorder) {
		for _, clock := range [...]struct {
			hertz  reading.Value[int64]
			domain metadata.AttributeNvidiaGpuClockDomain
		}{
			{c.Graphics, metadata.AttributeNvidiaGpuClockDomainGraphics},
			{c.SM, metadata.AttributeNvidiaGpuClockDomainSm},
			{c.Memory, metadata.AttributeNvidiaGpuClockDomainMemory},
			{c.Video, metadata.AttributeNvidiaGpuClockDomainVideo},
		} {
			if clock.hertz.Known {
				to(ts, clock.hertz.V, id, name, clock.domain)
			}
		}
	}
	clocks(&d.Clocks, mb.RecordNvidiaGpuClockFrequencyDataPoint)
	clocks(&d.MaxClocks, mb.RecordNvidiaGpuClockLimitDataPoint)
	if d.ClockEvents.Known {
		for _, event := range gpu.AllClockEvents {
			mb.RecordNvidiaGpuClockEventActiveDataPoint(ts, probe.OneIf(d.ClockEvents.V&event.Bit != 0), id, name, metadata.MapAttributeNvidiaGpuClockEvent[event.Name])
		}
	}
	for policy, seconds := range d.ThrottleTime {
		if seconds.Known {
			mb.RecordNvidiaGpuClockEventTimeDataPoint(ts, seconds.V, id, name, metadata.MapAttributeNvidiaGpuThrottlePolicy[gpu.Throttle(policy).String()])
		}
	}
}

func recordPCIe(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, id, name string) {
	const transmit, receive = metadata.AttributeNetworkIoDirectionTransmit, metadata.AttributeNetworkIoDirectionReceive
	if d.PCIe.Transmitted.Known {
		mb.RecordHwGpuIoDataPoint(ts, d.PCIe.Transmitted.V, id, name, transmit)
	}
	if d.PCIe.Received.Known {
		mb.RecordHwGpuIoDataPoint(ts, d.PCIe.Received.V, id, name, receive)
	}
	if d.NVLinkTransmitted.Known {
		mb.RecordNvidiaGpuNvlinkIoDataPoint(ts, d.NVLinkTransmitted.V, id, name, transmit)
	}
	if d.NVLinkReceived.Known {
		mb.RecordNvidiaGpuNvlinkIoDataPoint(ts, d.NVLinkReceived.V, id, name, receive)
	}
	whole(ts, d.PCIe.Generation, id, name, mb.RecordNvidiaGpuPcieLinkGenerationDataPoint)
	whole(ts, d.PCIe.MaxGeneration, id, name, mb.RecordNvidiaGpuPcieLinkGenerationMaxDataPoint)
	whole(ts, d.PCIe.Width, id, name, mb.RecordNvidiaGpuPcieLinkWidthDataPoint)
	whole(ts, d.PCIe.MaxWidth, id, name, mb.RecordNvidiaGpuPcieLinkWidthMaxDataPoint)
}

func recordEncoder(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, id, name string) {
	whole(ts, d.EncoderSessions, id, name, mb.RecordNvidiaGpuEncoderSessionsDataPoint)
	whole(ts, d.EncoderFrameRate, id, name, mb.RecordNvidiaGpuEncoderFrameRateDataPoint)
	whole(ts, d.EncoderLatency, id, name, mb.RecordNvidiaGpuEncoderLatencyDataPoint)
}

func recordFans(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, id, name string) {
	for i := range d.Fans {
		fan := &d.Fans[i]
		fanID := id + "/fan/" + strconv.Itoa(i)
		if fan.Ratio.Known {
			mb.RecordHwFanSpeedRatioDataPoint(ts, fan.Ratio.V, fanID, name, id)
		}
		if fan.RPM.Known {
			mb.RecordHwFanSpeedDataPoint(ts, fan.RPM.V, fanID, name, id)
		}
	}
}

// recordErrors records all counters of errors.
func recordErrors(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, id, name string) {
	for kind, count := range d.Errors {
		if count.Known {
			mb.RecordHwErrorsDataPoint(ts, count.V, id, name, metadata.AttributeHwTypeGpu, gpu.ErrorKind(kind).String())
		}
	}
	for _, xid := range d.XIDs.V {
		mb.RecordHwErrorsDataPoint(ts, xid.Count, id, name, metadata.AttributeHwTypeGpu, xidType(xid.Code))
	}
	if !d.LastXID.IsZero() {
		mb.RecordNvidiaGpuXidLastDataPoint(ts, float64(d.LastXID.UnixMilli())/1000, id, name)
	}
}

// recordImplausible records the groups in which there were any. On nearly every GPU there are none,
// and eleven zeros of each would cost more than they are worth.
func recordImplausible(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, id, name string) {
	if d.UUID == "" || d.Parent != "" {
		return
	}
	for group, count := range d.Implausible {
		if count == 0 {
			continue
		}
		mb.RecordNvidiaGpuReadingImplausibleDataPoint(ts, count, id, name, metadata.MapAttributeNvidiaGpuReading[gpu.Group(group).String()])
	}
}

// recordFailures records the groups and reasons for which there were any, as recordImplausible
// does.
func recordFailures(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, id, name string) {
	if d.UUID == "" || d.Parent != "" {
		return
	}
	for group, reasons := range d.Failures {
		for reason, count := range reasons {
			if count > 0 {
				mb.RecordNvidiaGpuReadingFailedDataPoint(ts, count, id, name, metadata.MapAttributeNvidiaGpuReading[gpu.Group(group).String()], gpu.FailureReason(reason).String())
			}
		}
	}
}

func xidType(code int) string {
	if code == 0 {
		return "xid_other"
	}
	return "xid_" + strconv.Itoa(code)
}
