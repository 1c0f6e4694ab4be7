package outbox

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// FuzzEntry: an entry that is understood is saved again with the same content and number.
func FuzzEntry(f *testing.F) {
	logs, traces := plog.NewLogs(), ptrace.NewTraces()
	logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("a")
	traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetName("a")
	for _, e := range []Entry{{Logs: &logs}, {Traces: &traces}} {
		value, err := e.marshal(7)
		require.NoError(f, err)
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		var e Entry
		number, err := e.unmarshal(value)
		if err != nil {
			return
		}
		saved, err := e.marshal(number)
		require.NoError(t, err)
		var again Entry
		numberAgain, err := again.unmarshal(saved)
		require.NoError(t, err)
		assert.Equal(t, number, numberAgain)
		require.Equal(t, e.Logs == nil, again.Logs == nil)
		if e.Logs != nil {
			assert.Equal(t, e.Logs.LogRecordCount(), again.Logs.LogRecordCount())
		} else {
			assert.Equal(t, e.Traces.SpanCount(), again.Traces.SpanCount())
		}
	})
}
