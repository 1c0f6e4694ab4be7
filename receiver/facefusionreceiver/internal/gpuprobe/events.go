package gpuprobe

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// emitEvents sends an event for each GPU that failed or came back.
func (p *Probe) emitEvents(changes changes) {
	if !p.env.Sink.WantsLogs() {
		return
	}
	ts := pcommon.NewTimestampFromTime(time.Now())
	for _, d := range changes.failed {
		if d.Answers() {
			// It is not lost; hw.status and the log say what it needs.
			continue
		}
		p.lb.RecordFacefusionGpuLostEvent(context.Background(), ts, deviceID(d), deviceName(d),
			metadata.MapAttributeHwState[string(d.Health)], metadata.MapAttributeNvidiaGpuFault[string(d.Reason)])
		p.env.Send(p.lb, p.env.HostResource(), plog.SeverityNumberError, fmt.Sprintf("%s is %s: %s", deviceName(d), d.Health, d.Reason))
	}
	for _, d := range changes.recovered {
		p.lb.RecordFacefusionGpuRecoveredEvent(context.Background(), ts, deviceID(d), deviceName(d), metadata.AttributeHwStateOk)
		p.env.Send(p.lb, p.env.HostResource(), plog.SeverityNumberInfo, deviceName(d)+" is ok again")
	}
}

// emitXIDs sends an event for each XID that came since the last pass.
func (p *Probe) emitXIDs(snapshot *gpu.Snapshot) {
	for _, event := range snapshot.XIDs {
		name := event.UUID
		for i := range snapshot.Devices {
			if d := &snapshot.Devices[i]; d.UUID == event.UUID {
				name = deviceName(d)
			}
		}
		p.env.Settings.Logger.Warn("the NVIDIA driver reports an error of a GPU", zap.String("gpu", event.UUID), zap.Int("xid", event.Code))
		if p.env.Sink.WantsLogs() {
			p.lb.RecordFacefusionGpuXidEvent(context.Background(), pcommon.NewTimestampFromTime(event.Time), event.UUID, name, int64(event.Code))
			p.env.Send(p.lb, p.env.HostResource(), xidSeverity(event.Code), fmt.Sprintf("%s reports XID %d", name, event.Code))
		}
	}
}

// emitSuppressed sends one event for the XIDs that there was no room for.
func (p *Probe) emitSuppressed(count int64) {
	if count == 0 {
		return
	}
	p.env.Settings.Logger.Warn("more XIDs came than can be sent as events", zap.Int64("suppressed", count))
	if p.env.Sink.WantsLogs() {
		p.lb.RecordFacefusionEventSuppressedEvent(context.Background(), pcommon.NewTimestampFromTime(time.Now()), "facefusion.gpu.xid", count)
		p.env.Send(p.lb, p.env.HostResource(), plog.SeverityNumberWarn, fmt.Sprintf("%d more facefusion.gpu.xid events were held back", count))
	}
}

// xidSeverity grades an XID as the alerts do. What is contained is worth a look, as is the fault of
// a program.
func xidSeverity(code int) plog.SeverityNumber {
	if xid.Of(code) == xid.Hardware {
		return plog.SeverityNumberError
	}
	return plog.SeverityNumberWarn
}
