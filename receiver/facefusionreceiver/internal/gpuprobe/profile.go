package gpuprobe

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// wantsProfile says whether any metric is switched on that needs the engines to be measured.
func wantsProfile(c *metadata.MetricsConfig) bool {
	return c.NvidiaGpuGraphicsUtilization.Enabled || c.NvidiaGpuSmUtilization.Enabled || c.NvidiaGpuSmOccupancy.Enabled || c.NvidiaGpuPipeUtilization.Enabled ||
		c.NvidiaGpuMemoryBandwidthUtilization.Enabled || c.NvidiaGpuEngineUtilization.Enabled || c.NvidiaGpuPcieThroughput.Enabled || c.NvidiaGpuNvlinkThroughput.Enabled
}

// recordProfile records what was measured of the engines of a GPU or MIG device.
func recordProfile(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, p *gpu.Profile, id, name string) {
	if p == nil {
		return
	}
	whole(ts, p[gpu.ProfileGraphics], id, name, mb.RecordNvidiaGpuGraphicsUtilizationDataPoint)
	whole(ts, p[gpu.ProfileSM], id, name, mb.RecordNvidiaGpuSmUtilizationDataPoint)
	whole(ts, p[gpu.ProfileOccupancy], id, name, mb.RecordNvidiaGpuSmOccupancyDataPoint)
	whole(ts, p[gpu.ProfileMemoryBandwidth], id, name, mb.RecordNvidiaGpuMemoryBandwidthUtilizationDataPoint)
	recordPipes(mb, ts, p, id, name)
	recordEngines(mb, ts, p, id, name)
	recordThroughput(mb, ts, p, id, name)
}

func recordPipes(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, p *gpu.Profile, id, name string) {
	for _, pipe := range [...]struct {
		quantity gpu.ProfileQuantity
		name     metadata.AttributeNvidiaGpuPipe
	}{
		{gpu.ProfileTensor, metadata.AttributeNvidiaGpuPipeTensor},
		{gpu.ProfileFP64, metadata.AttributeNvidiaGpuPipeFp64},
		{gpu.ProfileFP32, metadata.AttributeNvidiaGpuPipeFp32},
		{gpu.ProfileFP16, metadata.AttributeNvidiaGpuPipeFp16},
		{gpu.ProfileInteger, metadata.AttributeNvidiaGpuPipeInteger},
	} {
		if v := p[pipe.quantity]; v.Known {
			mb.RecordNvidiaGpuPipeUtilizationDataPoint(ts, v.V, id, name, pipe.name)
		}
	}
}

func recordEngines(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, p *gpu.Profile, id, name string) {
	engines := func(first gpu.ProfileQuantity, count int, task metadata.AttributeHwGpuTask) {
		for i := range count {
			if v := p[int(first)+i]; v.Known {
				mb.RecordNvidiaGpuEngineUtilizationDataPoint(ts, v.V, id, name, task, int64(i))
			}
		}
	}
	engines(gpu.ProfileDecoder, gpu.ProfileDecoders, metadata.AttributeHwGpuTaskDecoder)
	engines(gpu.ProfileJPEG, gpu.ProfileJPEGs, metadata.AttributeHwGpuTaskJpeg)
	engines(gpu.ProfileOFA, gpu.ProfileOFAs, metadata.AttributeHwGpuTaskOfa)
}

func recordThroughput(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, p *gpu.Profile, id, name string) {
	for _, way := range [...]struct {
		pcie, nvlink gpu.ProfileQuantity
		direction    metadata.AttributeNetworkIoDirection
	}{
		{gpu.ProfilePCIeTransmitted, gpu.ProfileNVLinkTransmitted, metadata.AttributeNetworkIoDirectionTransmit},
		{gpu.ProfilePCIeReceived, gpu.ProfileNVLinkReceived, metadata.AttributeNetworkIoDirectionReceive},
	} {
		if v := p[way.pcie]; v.Known {
			mb.RecordNvidiaGpuPcieThroughputDataPoint(ts, v.V, id, name, way.direction)
		}
		if v := p[way.nvlink]; v.Known {
			mb.RecordNvidiaGpuNvlinkThroughputDataPoint(ts, v.V, id, name, way.direction)
		}
	}
}
