package processprobe

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// emit sends an event for each start and exit.
func (p *Probe) emit(snapshot *process.Snapshot) {
	if !p.env.Sink.WantsLogs() {
		return
	}
	versions := map[string]string{}
	for i := range snapshot.Instances {
		versions[snapshot.Instances[i].ID] = snapshot.Instances[i].Version
	}
	for i := range snapshot.Changes {
		change := &snapshot.Changes[i]
		resource := p.env.EventResource(change.Instance, versions[change.Instance])
		if change.Exited {
			p.emitExited(change, resource)
		} else {
			p.emitStarted(change, resource)
		}
	}
}

func (p *Probe) emitStarted(c *process.LifecycleEvent, resource pcommon.Resource) {
	role := metadata.MapAttributeFacefusionProcessRole[string(c.Role)]
	p.lb.RecordFacefusionProcessStartedEvent(context.Background(), pcommon.NewTimestampFromTime(c.Time), role, int64(c.PID))
	p.env.Send(p.lb, resource, plog.SeverityNumberInfo, fmt.Sprintf("FaceFusion %s started, pid %d", c.Role, c.PID))
}

func (p *Probe) emitExited(c *process.LifecycleEvent, resource pcommon.Resource) {
	role := metadata.MapAttributeFacefusionProcessRole[string(c.Role)]
	reason := metadata.MapAttributeFacefusionExitReason[string(c.Reason)]
	var options []metadata.EventAttributeOption
	if c.ExitCode.Known {
		options = append(options, metadata.WithProcessExitCodeEventAttribute(int64(c.ExitCode.V)))
	}
	if c.Signal.Known {
		options = append(options, metadata.WithSignalEventAttribute(int64(c.Signal.V)))
	}
	p.lb.RecordFacefusionProcessExitedEvent(context.Background(), pcommon.NewTimestampFromTime(c.Time), role, int64(c.PID), reason, options...)
	p.env.Send(p.lb, resource, exitSeverity(c), fmt.Sprintf("FaceFusion %s exited, pid %d: %s", c.Role, c.PID, howExited(c)))
}

// howExited is the reason, and what the kernel reported about it.
func howExited(c *process.LifecycleEvent) string {
	switch {
	case c.Signal.Known:
		return fmt.Sprintf("%s, signal %d", c.Reason, c.Signal.V)
	case c.ExitCode.Known:
		return fmt.Sprintf("%s, exit code %d", c.Reason, c.ExitCode.V)
	default:
		return string(c.Reason)
	}
}

// exitSeverity grades an exit: a server is not meant to end by itself, a runner is; nobody crashes
// on purpose.
func exitSeverity(c *process.LifecycleEvent) plog.SeverityNumber {
	switch c.Reason {
	case process.ExitCrashed, process.ExitKilled, process.ExitOOMKilled:
		return plog.SeverityNumberError
	case process.ExitFailed, process.ExitCheckFailed:
		return plog.SeverityNumberWarn
	case process.ExitUnknown:
		if c.Role == process.RoleServer || c.Role == process.RoleService {
			return plog.SeverityNumberWarn
		}
	}
	return plog.SeverityNumberInfo
}
