package gpuprobe

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
)

// useWindow is how long an instance counts as computing after it last did: the GPU may wait for
// ffmpeg between two bursts, and jobs are judged at another pace.
const useWindow = 15 * time.Second

// publishUse says which instances compute on a GPU, for the verdicts about their jobs. It is called
// when the GPUs were observed and not when they are scraped: a receiver without a metrics pipeline
// judges jobs as well.
func (p *Probe) publishUse(snapshot *gpu.Snapshot) {
	processes := p.env.Snapshots.Processes.Load()
	if processes == nil || !p.owners.matches() {
		return
	}
	known := p.noteUse(snapshot)
	use := &snapshots.GPUUse{Time: snapshot.Time}
	if known {
		use.Busy = make(map[string]bool, len(processes.Instances))
		for i := range processes.Instances {
			id := processes.Instances[i].ID
			at, seen := p.usedAt[id]
			use.Busy[id] = seen && snapshot.Time.Sub(at) < useWindow
		}
	}
	p.env.Snapshots.GPUUse.Publish(use)
}

// noteUse notes which instances computed when their GPU was last sampled, and says whether any GPU
// reports who computes.
func (p *Probe) noteUse(snapshot *gpu.Snapshot) (known bool) {
	divided := withMIGDevices(snapshot.Devices)
	for i := range snapshot.Devices {
		d := &snapshot.Devices[i]
		if divided[d.UUID] || !d.Answers() || d.Suspended || d.Activity == nil {
			continue
		}
		known = true
		for pid, fraction := range d.Activity {
			if instance := p.owners.instance(pid); instance != "" && fraction > 0 {
				p.usedAt[instance] = later(p.usedAt[instance], d.Sampled)
			}
		}
	}
	for instance, at := range p.usedAt {
		if snapshot.Time.Sub(at) >= useWindow {
			delete(p.usedAt, instance)
		}
	}
	return known
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
