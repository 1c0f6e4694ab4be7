package gpuprobe

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// tell sends an event for each GPU that failed or came back.
func (p *Probe) tell(changes changes) {
	if !p.env.Sink.WantsLogs() {
		return
	}
	ts := pcommon.NewTimestampFromTime(time.Now())
	for _, d := range changes.failed {
		p.lb.RecordFacefusionGpuLostEvent(context.Background(), ts, deviceID(d), deviceName(d),
			metadata.MapAttributeHwState[string(d.Health)], metadata.MapAttributeNvidiaGpuFault[string(d.Reason)])
		p.env.Send(p.lb, p.env.HostResource(), plog.SeverityNumberError, fmt.Sprintf("%s is %s: %s", deviceName(d), d.Health, d.Reason))
	}
	for _, d := range changes.recovered {
		p.lb.RecordFacefusionGpuRecoveredEvent(context.Background(), ts, deviceID(d), deviceName(d), metadata.AttributeHwStateOk)
		p.env.Send(p.lb, p.env.HostResource(), plog.SeverityNumberInfo, deviceName(d)+" is ok again")
	}
}
