package outbox

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Entry is events or spans that are on their way; the other one is nil.
type Entry struct {
	Logs   *plog.Logs
	Traces *ptrace.Traces

	slot  int
	saved bool
}

// Saved says that the entry survives a restart until it is acknowledged. Ask before it is sent.
func (e *Entry) Saved() bool { return e.saved }

// A saved entry is its kind, its number and OTLP.
const (
	kindLogs   = 'l'
	kindTraces = 't'
	headerSize = 1 + 8
)

var errMalformed = errors.New("not an entry")

func (e *Entry) marshal(number uint64) (value []byte, err error) {
	kind := byte(kindLogs)
	if e.Logs != nil {
		value, err = (&plog.ProtoMarshaler{}).MarshalLogs(*e.Logs)
	} else {
		kind = kindTraces
		value, err = (&ptrace.ProtoMarshaler{}).MarshalTraces(*e.Traces)
	}
	if err != nil {
		return nil, fmt.Errorf("marshal an entry: %w", err)
	}
	header := binary.BigEndian.AppendUint64([]byte{kind}, number)
	return append(header, value...), nil
}

func (e *Entry) unmarshal(value []byte) (number uint64, err error) {
	if len(value) < headerSize {
		return 0, errMalformed
	}
	switch value[0] {
	case kindLogs:
		var logs plog.Logs
		logs, err = (&plog.ProtoUnmarshaler{}).UnmarshalLogs(value[headerSize:])
		e.Logs = &logs
	case kindTraces:
		var traces ptrace.Traces
		traces, err = (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(value[headerSize:])
		e.Traces = &traces
	default:
		err = errMalformed
	}
	return binary.BigEndian.Uint64(value[1:]), err
}
