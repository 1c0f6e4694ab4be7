package gpuprobe

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// share is what one instance has of one GPU.
type share struct {
	memory                    reading.Value[int64]
	general, encoder, decoder reading.Value[float64]
}

// sharesOf divides a GPU among its users. An instance that is absent from the result has a share of
// zero. The result is nil where the driver does not report enough.
func sharesOf(d *gpu.Device, ownerOf func(pid int) string) map[string]*share {
	if !d.Answers() || d.Suspended || !d.Processes.Known && d.ProcessUtilization == nil {
		return nil
	}
	shares := make(map[string]*share)
	of := func(pid int) *share {
		instance := ownerOf(pid)
		if instance == "" {
			return nil
		}
		if shares[instance] == nil {
			s := nothing(d)
			shares[instance] = &s
		}
		return shares[instance]
	}
	for _, p := range d.Processes.V {
		if s := of(p.PID); s != nil {
			s.memory = reading.Sum(s.memory, p.Memory)
		}
	}
	for pid, u := range d.ProcessUtilization {
		if s := of(pid); s != nil {
			s.general.V = min(1, s.general.V+u.General.Mean)
			s.encoder.V = min(1, s.encoder.V+u.Encoder.Mean)
			s.decoder.V = min(1, s.decoder.V+u.Decoder.Mean)
		}
	}
	return shares
}

// nothing is the share of an instance that does not use the GPU: zero, as far as it can be known.
func nothing(d *gpu.Device) share {
	watched := reading.Value[float64]{Known: d.ProcessUtilization != nil}
	return share{memory: reading.Value[int64]{Known: d.Processes.Known}, general: watched, encoder: watched, decoder: watched}
}

// recordOthers records what processes of no instance have of each GPU in total, where it is known
// of all of them.
func recordOthers(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, snapshot *gpu.Snapshot, ownerOf func(pid int) string) {
	divided := withMIGDevices(snapshot.Devices)
	for i := range snapshot.Devices {
		d := &snapshot.Devices[i]
		if divided[d.UUID] || !d.Answers() || d.Suspended || !d.Processes.Known {
			continue
		}
		others := reading.Known[int64](0)
		for _, p := range d.Processes.V {
			if ownerOf(p.PID) == "" {
				others = reading.Sum(others, p.Memory)
			}
		}
		if others.Known {
			mb.RecordNvidiaGpuMemoryOthersUsageDataPoint(ts, others.V, deviceID(d), deviceName(d))
		}
	}
}

// withMIGDevices says which GPUs have MIG devices that report their processes, and would be counted
// twice.
func withMIGDevices(devices []gpu.Device) map[string]bool {
	var parents map[string]bool
	for i := range devices {
		if d := &devices[i]; d.Parent != "" && d.Processes.Known {
			if parents == nil {
				parents = make(map[string]bool)
			}
			parents[d.Parent] = true
		}
	}
	return parents
}

func recordVisibility(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, state visibility) {
	if state == visibilityUnknown {
		return
	}
	for v := range probe.Values[metadata.AttributeNvidiaProcessVisibility]() {
		mb.RecordNvidiaGpuProcessVisibilityDataPoint(ts, probe.OneIf(string(state) == v.String()), v)
	}
}

func recordShare(mb *metadata.MetricsBuilder, ts pcommon.Timestamp, s *share, id, name string) {
	if s.memory.Known {
		mb.RecordFacefusionGpuMemoryUsageDataPoint(ts, s.memory.V, id, name)
	}
	for _, task := range [...]struct {
		mean reading.Value[float64]
		name metadata.AttributeHwGpuTask
	}{
		{s.general, metadata.AttributeHwGpuTaskGeneral},
		{s.encoder, metadata.AttributeHwGpuTaskEncoder},
		{s.decoder, metadata.AttributeHwGpuTaskDecoder},
	} {
		if task.mean.Known {
			mb.RecordFacefusionGpuUtilizationDataPoint(ts, task.mean.V, id, name, task.name)
		}
	}
}
