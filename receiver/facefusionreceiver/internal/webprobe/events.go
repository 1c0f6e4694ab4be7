package webprobe

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// emit sends an event for each change of a server's state. The first state of a server is no
// change.
func (p *Probe) emit(snapshot *webui.Snapshot) {
	if !p.env.Sink.WantsLogs() {
		return
	}
	for i := range snapshot.Changes {
		c := &snapshot.Changes[i]
		from, knownFrom := metadata.MapAttributeFacefusionServerStatePrevious[string(c.From)]
		to, knownTo := metadata.MapAttributeFacefusionServerState[string(c.To)]
		if !knownFrom || !knownTo {
			continue
		}
		p.lb.RecordFacefusionServerStateChangedEvent(context.Background(), pcommon.NewTimestampFromTime(c.Time), int64(c.Port), to, from)
		resource := p.env.EventResource(c.Instance, p.env.Version(c.Instance))
		p.env.Send(p.lb, resource, stateSeverity(c.To), fmt.Sprintf("FaceFusion server on port %d: %s, was %s", c.Port, c.To, c.From))
	}
}

// stateSeverity grades the state that a server comes to.
func stateSeverity(s webui.ServerState) plog.SeverityNumber {
	switch s {
	case webui.StateUnhealthy, webui.StateUnresponsive, webui.StateDown:
		return plog.SeverityNumberError
	case webui.StateSaturated, webui.StateNotProbed:
		return plog.SeverityNumberWarn
	default:
		return plog.SeverityNumberInfo
	}
}
