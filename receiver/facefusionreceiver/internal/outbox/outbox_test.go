package outbox

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/plog"
)

// TestARestoredOutboxGoesOn: what was saved comes back in its order, and new entries take neither
// its slots nor its numbers.
func TestARestoredOutboxGoesOn(t *testing.T) {
	before := &Outbox{}
	values := make([][]byte, len(Keys()))
	save := func(o *Outbox, bodies ...string) {
		var entries []*Entry
		for _, body := range bodies {
			logs := plog.NewLogs()
			logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr(body)
			entries = append(entries, &Entry{Logs: &logs})
		}
		operations, commit := o.Add(nil, entries)
		for _, operation := range operations {
			for slot, key := range Keys() {
				if key == operation.Key {
					require.Equal(t, storage.Set, operation.Type)
					require.Nil(t, values[slot], "the slot is taken")
					values[slot] = operation.Value
				}
			}
		}
		commit(true)
		for _, e := range entries {
			require.True(t, e.Saved())
		}
	}
	save(before, "first", "second")
	after := &Outbox{}
	require.Len(t, after.Restore(values), 2)
	save(after, "third")
	var bodies []string
	for _, e := range (&Outbox{}).Restore(values) {
		bodies = append(bodies, e.Logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Str())
	}
	require.Equal(t, []string{"first", "second", "third"}, bodies)
}
