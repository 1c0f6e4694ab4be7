package probe

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// Send emits the one event that was recorded last.
func (e *Env) Send(lb *metadata.LogsBuilder, resource pcommon.Resource, severity plog.SeverityNumber, body string) {
	if logs, wanted := Event(lb, resource, severity, body); wanted {
		e.Sink.Event(logs)
	}
}

// Event takes the one event that was recorded last, and gives it a severity as an operator would
// grade it and a body that a person can read. mdatagen's builder knows neither. An event that the
// configuration switched off is not wanted.
func Event(lb *metadata.LogsBuilder, resource pcommon.Resource, severity plog.SeverityNumber, body string) (logs plog.Logs, wanted bool) {
	logs = lb.Emit(metadata.WithLogsResource(resource))
	if logs.LogRecordCount() == 0 {
		return logs, false
	}
	record := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	record.SetObservedTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	record.SetSeverityNumber(severity)
	record.SetSeverityText(severityText(severity))
	record.Body().SetStr(body)
	return logs, true
}

func severityText(severity plog.SeverityNumber) string {
	switch {
	case severity >= plog.SeverityNumberError:
		return "ERROR"
	case severity >= plog.SeverityNumberWarn:
		return "WARN"
	default:
		return "INFO"
	}
}
