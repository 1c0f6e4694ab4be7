package gpuprobe

import (
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// vendor is the value of hw.vendor: NVML knows no other.
const vendor = "NVIDIA"

// record turns a snapshot into points. Unknown is absent; a state that is known to be zero is sent
// as zero.
func record(mb *metadata.MetricsBuilder, snapshot *gpu.Snapshot, now time.Time) {
	ts := pcommon.NewTimestampFromTime(now)
	recordLibrary(mb, ts, snapshot)
	if snapshot.Unmatched != nil {
		mb.RecordNvidiaGpuSelectionUnmatchedDataPoint(ts, int64(len(snapshot.Unmatched)))
	}
	recordXIDWatch(mb, ts, snapshot)
	for i := range snapshot.Devices {
		device := &snapshot.Devices[i]
		id, name := deviceID(device), deviceName(device)
		recordStatus(mb, ts, device, id, name)
		recordInfo(mb, ts, device, &snapshot.Library, id, name)
		recordReadings(mb, ts, device, id, name)
		recordDetails(mb, ts, device, id, name)
		recordErrors(mb, ts, device, id, name)
		recordImplausible(mb, ts, device, id, name)
		recordFailures(mb, ts, device, id, name)
		recordUtilization(mb, ts, device, id, name)
		recordProfile(mb, ts, device.Profile, id, name)
	}
}

// deviceID is the value of hw.id: the UUID. A GPU that was lost before it could be asked for one
// has only its number.
func deviceID(d *gpu.Device) string {
	if d.UUID == "" {
		return deviceName(d)
	}
	return d.UUID
}

// deviceName is how an operator calls a GPU: by the number that the driver's own tools print.
func deviceName(d *gpu.Device) string {
	name := "GPU " + strconv.Itoa(d.Index)
	if d.Parent != "" {
		name += " MIG " + strconv.Itoa(d.MIGIndex)
	}
	return name
}

func recordLibrary(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, snapshot *gpu.Snapshot) {
	if snapshot.Library.State == gpu.LibraryUnknown {
		return
	}
	for state := range probe.Values[metadata.AttributeNvidiaDriverState]() {
		mb.RecordNvidiaDriverStateDataPoint(ts, probe.OneIf(string(snapshot.Library.State) == state.String()), state)
	}
	if snapshot.Library.State == gpu.LibraryAvailable || len(snapshot.Devices) > 0 {
		mb.RecordNvidiaGpuCountDataPoint(ts, int64(gpuCount(snapshot)))
	}
}

// gpuCount leaves MIG devices out.
func gpuCount(snapshot *gpu.Snapshot) (n int) {
	for i := range snapshot.Devices {
		if snapshot.Devices[i].Parent == "" {
			n++
		}
	}
	return n
}

// recordXIDWatch says whether XIDs are watched, once the library was looked for.
func recordXIDWatch(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, snapshot *gpu.Snapshot) {
	if snapshot.XIDWatch.State == "" || snapshot.Library.State == gpu.LibraryUnknown {
		return
	}
	for state := range probe.Values[metadata.AttributeNvidiaXidWatchState]() {
		mb.RecordNvidiaGpuXidWatchDataPoint(ts, probe.OneIf(string(snapshot.XIDWatch.State) == state.String()), state)
	}
	mb.RecordNvidiaGpuXidUnmatchedDataPoint(ts, snapshot.XIDsUnmatched)
}

func recordStatus(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, id, name string) {
	for state := range probe.Values[metadata.AttributeHwState]() {
		mb.RecordHwStatusDataPoint(ts, probe.OneIf(string(d.Health) == state.String()), id, name, metadata.AttributeHwTypeGpu, state)
	}
	for fault := range probe.Values[metadata.AttributeNvidiaGpuFault]() {
		mb.RecordNvidiaGpuFaultDataPoint(ts, probe.OneIf(string(d.Reason) == fault.String()), id, name, fault)
	}
	if d.Parent == "" {
		mb.RecordNvidiaGpuSuspendedDataPoint(ts, probe.OneIf(d.Suspended), id, name)
	}
}

func recordInfo(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, library *gpu.Library, id, name string) {
	mb.RecordNvidiaGpuInfoDataPoint(ts, 1, id, name, d.Name, vendor, library.DriverVersion, d.VBIOSVersion, library.CUDAVersion, d.PCIAddress, d.Parent)
}

func recordReadings(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, id, name string) {
	if d.MemoryTotal.Known {
		mb.RecordHwGpuMemoryLimitDataPoint(ts, d.MemoryTotal.V, id, name)
	}
	if d.MemoryUsed.Known {
		mb.RecordHwGpuMemoryUsageDataPoint(ts, d.MemoryUsed.V, id, name)
	}
	if d.MemoryUsed.Known && d.MemoryTotal.Known && d.MemoryTotal.V > 0 {
		mb.RecordHwGpuMemoryUtilizationDataPoint(ts, float64(d.MemoryUsed.V)/float64(d.MemoryTotal.V), id, name)
	}
	if d.Temperature.Known {
		mb.RecordHwTemperatureDataPoint(ts, d.Temperature.V, id+"/temp/gpu", name, id, metadata.AttributeHwSensorLocationGpu)
	}
	if d.Power.Known {
		mb.RecordHwPowerDataPoint(ts, d.Power.V, id, name, metadata.AttributeHwTypeGpu)
	}
	if d.Energy.Known {
		mb.RecordHwEnergyDataPoint(ts, d.Energy.V, id, name, metadata.AttributeHwTypeGpu)
	}
}

func recordUtilization(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, d *gpu.Device, id, name string) {
	for task := range probe.Values[metadata.AttributeHwGpuTask]() {
		window := d.Utilization[gpu.Task(task.String())]
		if window.Samples == 0 {
			continue
		}
		mb.RecordHwGpuUtilizationDataPoint(ts, window.Mean, id, name, task)
		mb.RecordNvidiaGpuUtilizationMaxDataPoint(ts, window.Peak, id, name, task)
	}
	if memory := d.Utilization[gpu.TaskMemory]; memory.Samples > 0 {
		mb.RecordNvidiaGpuMemoryControllerUtilizationDataPoint(ts, memory.Mean, id, name)
	}
}
