package gpuprobe

import (
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
)

// publishWork publishes what each instance does on each GPU, for the spans of its jobs: only with a
// traces pipeline, and only where the driver's pids can be matched with processes.
func (p *Probe) publishWork(snapshot *gpu.Snapshot) {
	if !p.env.Sink.WantsTraces() || !p.owners.matches() {
		return
	}
	work := &snapshots.GPUWork{Time: snapshot.Time}
	divided := withMIGDevices(snapshot.Devices)
	for i := range snapshot.Devices {
		d := &snapshot.Devices[i]
		if divided[d.UUID] || !d.Answers() || d.Suspended || !d.Processes.Known {
			continue
		}
		work.GPUs = append(work.GPUs, snapshots.GPUReadings{
			ID: deviceID(d), Sampled: d.Sampled, Energy: d.Energy, Power: d.Power, Shares: workOf(d, p.owners.instance),
		})
	}
	p.env.Snapshots.GPUWork.Publish(work)
}

// workOf divides a GPU among its users.
func workOf(d *gpu.Device, ownerOf func(pid int) string) map[string]snapshots.GPUShare {
	shares := make(map[string]snapshots.GPUShare)
	busy := reading.Value[float64]{Known: d.Activity != nil}
	for _, process := range d.Processes.V {
		instance := ownerOf(process.PID)
		if instance == "" {
			continue
		}
		s, seen := shares[instance]
		if !seen {
			s = snapshots.GPUShare{Memory: reading.Known[int64](0), Busy: busy}
		}
		s.Memory = reading.Sum(s.Memory, process.Memory)
		s.Busy.V = min(1, s.Busy.V+d.Activity[process.PID])
		shares[instance] = s
	}
	return shares
}
