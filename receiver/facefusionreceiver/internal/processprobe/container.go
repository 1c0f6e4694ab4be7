package processprobe

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// recordContainer records what is around an instance, as far as it is known.
func recordContainer(mb *metadata.MetricsBuilder, c *process.ContainerUsage, ts pcommon.Timestamp) {
	mb.RecordFacefusionContainerInfoDataPoint(ts, 1, c.ID, c.Name, c.Image, c.PodUID, c.PodContainer, c.Unit, metadata.MapAttributeFacefusionCgroupVersion[c.Version])
	recordContainerMemory(mb, c, ts)
	recordContainerCPU(mb, c, ts)
	known(c.ReadBytes, func(v int64) { mb.RecordContainerDiskIoDataPoint(ts, v, metadata.AttributeDiskIoDirectionRead) })
	known(c.WriteBytes, func(v int64) { mb.RecordContainerDiskIoDataPoint(ts, v, metadata.AttributeDiskIoDirectionWrite) })
	known(c.Network.ReceivedBytes, func(v int64) {
		mb.RecordContainerNetworkIoDataPoint(ts, v, metadata.AttributeNetworkIoDirectionReceive)
	})
	known(c.Network.SentBytes, func(v int64) {
		mb.RecordContainerNetworkIoDataPoint(ts, v, metadata.AttributeNetworkIoDirectionTransmit)
	})
	known(c.Processes, func(v int64) { mb.RecordFacefusionContainerPidsCountDataPoint(ts, v) })
	known(c.ProcessLimit, func(v int64) { mb.RecordFacefusionContainerPidsLimitDataPoint(ts, v) })
	for n, pressure := range c.Pressure {
		resource := metadata.MapAttributeFacefusionContainerResource[container.Resources[n]]
		known(pressure.Some, func(v float64) {
			mb.RecordFacefusionContainerPressureTimeDataPoint(ts, v, resource, metadata.AttributeFacefusionContainerPressureSome)
		})
		known(pressure.Full, func(v float64) {
			mb.RecordFacefusionContainerPressureTimeDataPoint(ts, v, resource, metadata.AttributeFacefusionContainerPressureFull)
		})
	}
}

func recordContainerMemory(mb *metadata.MetricsBuilder, c *process.ContainerUsage, ts pcommon.Timestamp) {
	known(c.Memory, func(v int64) { mb.RecordContainerMemoryUsageDataPoint(ts, v) })
	known(c.WorkingSet, func(v int64) { mb.RecordContainerMemoryWorkingSetDataPoint(ts, v) })
	known(c.MemoryLimit, func(v int64) { mb.RecordFacefusionContainerMemoryLimitDataPoint(ts, v) })
	known(c.MemoryPeak, func(v int64) { mb.RecordFacefusionContainerMemoryPeakDataPoint(ts, v) })
	known(c.OOMKills, func(v int64) { mb.RecordFacefusionContainerOomKillsDataPoint(ts, v) })
}

func recordContainerCPU(mb *metadata.MetricsBuilder, c *process.ContainerUsage, ts pcommon.Timestamp) {
	known(c.CPUUser, func(v float64) { mb.RecordContainerCPUTimeDataPoint(ts, v, metadata.AttributeCPUModeUser) })
	known(c.CPUSystem, func(v float64) { mb.RecordContainerCPUTimeDataPoint(ts, v, metadata.AttributeCPUModeSystem) })
	known(c.CPULimit, func(v float64) { mb.RecordFacefusionContainerCPULimitDataPoint(ts, v) })
	known(c.Throttled, func(v float64) { mb.RecordFacefusionContainerCPUThrottledTimeDataPoint(ts, v) })
}

// known records a reading that was had.
func known[T any](v reading.Value[T], record func(T)) {
	if v.Known {
		record(v.V)
	}
}
