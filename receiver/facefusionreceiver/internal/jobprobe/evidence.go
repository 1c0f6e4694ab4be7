package jobprobe

import (
	"strconv"
	"strings"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// gpuUseAge is how long an observation of the GPUs counts: a few intervals.
const gpuUseAge = time.Minute

// evidence is what the process table, Gradio and the GPUs know of whether an instance works, and on
// what.
func evidence(snapshot *process.Snapshot, exits map[string][]jobqueue.Exit, servers *webui.Snapshot, use *snapshots.GPUUse, log *runlog.Exchange) jobqueue.Evidence {
	if use != nil && snapshot.Time.Sub(use.Time) > gpuUseAge {
		use = nil
	}
	calls := serverCalls(servers)
	all := jobqueue.Evidence{}
	for i := range snapshot.Instances {
		instance := &snapshot.Instances[i]
		e := jobqueue.InstanceEvidence{Time: snapshot.Time, Exits: exits[instance.ID], Servers: calls[instance.ID]}
		var cpu float64
		for _, role := range instance.Roles {
			if role.Role != process.RoleServer {
				cpu += role.CPUUser + role.CPUSystem
			}
		}
		e.CPU, e.FFmpeg = reading.Known(cpu), reading.Known([][]string{})
		if use != nil {
			e.GPUBusy.V, e.GPUBusy.Known = use.Busy[instance.ID]
		}
		for _, p := range instance.Processes {
			if p.Role == process.RoleFFmpeg {
				e.FFmpeg.V = append(e.FFmpeg.V, p.Paths)
			}
			if !p.Role.Child() || p.Role == process.RoleWorker {
				e.Processes = append(e.Processes, jobqueue.LiveProcess{
					ProcessID: jobqueue.ProcessID(p.ID), Role: jobqueue.ProcessRole(p.Role), Command: p.Command, Started: p.Started, TempPath: p.TempPath,
					Target: p.Target, Output: p.Output, Job: p.Job, CPU: reading.Value[float64]{V: p.CPU, Known: p.Role == process.RoleServer},
				})
			}
		}
		e.LogRead, e.Log = logEvidence(log, instance.ID, snapshot.Time)
		for _, quiet := range log.Quiet(instance.ID) {
			e.LogQuiet = append(e.LogQuiet, jobqueue.SilentStep(quiet))
		}
		all[instance.ID] = e
		divide(all, instance)
	}
	return all
}

// divide gives each folder of runs the processes that use it, and leaves the others to the
// instance's own folder.
func divide(all jobqueue.Evidence, instance *process.Instance) {
	if len(instance.RunFolders) == 0 {
		return
	}
	own := all[instance.ID]
	every := own.Processes
	own.Processes = nil
	folders := make(map[process.ID]string)
	for i := range instance.RunFolders {
		f := &instance.RunFolders[i]
		for _, id := range f.Processes {
			folders[id] = runFolderName(instance, f)
		}
		e := own
		all[runFolderName(instance, f)] = e
	}
	for _, p := range every {
		name, ok := folders[process.ID(p.ProcessID)]
		if !ok {
			own.Processes = append(own.Processes, p)
			continue
		}
		e := all[name]
		e.Processes = append(e.Processes, p)
		all[name] = e
	}
	all[instance.ID] = own
}

// logAge is for how long a line of the log may decide how a run ended.
const logAge = 2 * time.Minute

// logEvidence is what FaceFusion's log says of runs that did not complete.
func logEvidence(log *runlog.Exchange, instance string, now time.Time) (read bool, lines []jobqueue.LogLine) {
	if !log.Heard(instance) {
		return false, nil
	}
	for _, f := range log.Findings(instance, now.Add(-logAge)) {
		line := jobqueue.LogLine{Time: f.Time, Job: f.Job}
		switch f.Cause {
		case logstream.CauseDeclined:
			line.Outcome = jobqueue.OutcomeDeclined
		case logstream.CauseStopped:
			line.Outcome = jobqueue.OutcomeStopped
		case logstream.CauseProvider:
			continue // the run goes on
		default:
			line.Outcome = jobqueue.OutcomeFailed
		}
		lines = append(lines, line)
	}
	return true, lines
}

// serverCalls are Gradio's counters by instance, of those web UIs whose process is known.
func serverCalls(snapshot *webui.Snapshot) map[string][]jobqueue.ServerCalls {
	all := make(map[string][]jobqueue.ServerCalls)
	if snapshot == nil {
		return all
	}
	for i := range snapshot.Servers {
		s := &snapshot.Servers[i]
		pid, ticks, ok := strings.Cut(s.Process, "/")
		if !ok || s.Functions == nil {
			continue
		}
		calls := jobqueue.ServerCalls{Time: s.Asked, Functions: make(map[string]jobqueue.CallCounts, len(s.Functions))}
		var errPID, errTicks error
		calls.PID, errPID = strconv.Atoi(pid)
		calls.StartTicks, errTicks = strconv.ParseUint(ticks, 10, 64)
		if errPID != nil || errTicks != nil {
			continue
		}
		for _, f := range s.Functions {
			calls.Functions[f.Name] = jobqueue.CallCounts(f.Own)
		}
		all[s.Instance] = append(all[s.Instance], calls)
	}
	return all
}
