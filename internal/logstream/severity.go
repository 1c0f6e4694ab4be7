package logstream

// Severity grades a record. The numbers are those of OpenTelemetry's log data model; zero is
// unknown.
type Severity int

// The severities.
const (
	SeverityUnknown Severity = 0
	SeverityDebug   Severity = 5
	SeverityInfo    Severity = 9
	SeverityWarn    Severity = 13
	SeverityError   Severity = 17
	SeverityFatal   Severity = 21
)

// String is the short text of the log data model, empty for an unknown severity.
func (s Severity) String() string {
	switch s {
	case SeverityDebug:
		return "DEBUG"
	case SeverityInfo:
		return "INFO"
	case SeverityWarn:
		return "WARN"
	case SeverityError:
		return "ERROR"
	case SeverityFatal:
		return "FATAL"
	default:
		return ""
	}
}
