package jobprobe

import (
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
)

// gpuUseAge is how long an observation of the GPUs counts: a few intervals.
const gpuUseAge = time.Minute

// evidence is what the process table and the GPUs know of whether an instance works.
func evidence(snapshot *process.Snapshot, use *snapshots.GPUUse) jobqueue.Evidence {
	if use != nil && snapshot.Time.Sub(use.Time) > gpuUseAge {
		use = nil
	}
	all := jobqueue.Evidence{}
	for i := range snapshot.Instances {
		instance := &snapshot.Instances[i]
		life := jobqueue.InstanceEvidence{Time: snapshot.Time}
		var cpu float64
		ffmpeg := 0
		for _, role := range instance.Roles {
			cpu += role.CPUUser + role.CPUSystem
			if role.Role == process.RoleFFmpeg {
				ffmpeg = role.Count
			}
		}
		life.CPU, life.FFmpeg = reading.Known(cpu), reading.Known(ffmpeg)
		if use != nil {
			life.GPUBusy.V, life.GPUBusy.Known = use.Busy[instance.ID]
		}
		for _, p := range instance.Processes {
			if !p.Role.Child() {
				life.Processes = append(life.Processes, jobqueue.Process{Role: jobqueue.Role(p.Role), Started: p.Started})
			}
		}
		all[instance.ID] = life
	}
	return all
}
