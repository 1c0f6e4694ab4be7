package outbox

import (
	"strconv"
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

// savedOutbox is an outbox with the values that its store has.
type savedOutbox struct {
	Outbox
	values map[string][]byte
}

// save runs the transaction that saves entries with these bodies, which may fail.
func (o *savedOutbox) save(ok bool, bodies ...string) []*Entry {
	entries := make([]*Entry, len(bodies))
	for i, body := range bodies {
		logs := plog.NewLogs()
		logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr(body)
		entries[i] = &Entry{Logs: &logs}
	}
	operations, commit := o.Add(nil, entries)
	for _, operation := range operations {
		switch {
		case !ok:
		case operation.Type == storage.Delete:
			delete(o.values, operation.Key)
		default:
			o.values[operation.Key] = operation.Value
		}
	}
	commit(ok)
	return entries
}

// restored are the bodies that a collector finds that starts now.
func (o *savedOutbox) restored() []string {
	values := make([][]byte, slots)
	for slot, key := range Keys() {
		values[slot] = o.values[key]
	}
	bodies := []string{}
	for _, e := range new(Outbox).Restore(values) {
		bodies = append(bodies, e.Logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Str())
	}
	return bodies
}

func TestWhatIsSaved(t *testing.T) {
	for name, test := range map[string]func(*testing.T, *savedOutbox) []string{
		"what was acknowledged is deleted, and its slot is used again after that": func(t *testing.T, o *savedOutbox) []string {
			first := o.save(true, "a", "b")
			o.Ack(first[0])
			o.Ack(first[0]) // once is enough
			require.Equal(t, []int{0}, o.acked)
			// The transaction deletes the slot: it cannot take it as well.
			require.Equal(t, 2, o.save(true, "c")[0].slot)
			require.Equal(t, 0, o.save(true, "d")[0].slot)
			return []string{"b", "c", "d"}
		},
		"a transaction that failed has saved and deleted nothing": func(t *testing.T, o *savedOutbox) []string {
			first := o.save(true, "a")
			o.Ack(first[0])
			failed := o.save(false, "b")
			require.False(t, failed[0].Saved())
			o.Ack(failed[0]) // it holds no slot
			require.Equal(t, []string{"a"}, o.restored())
			require.Equal(t, 1, o.save(true, "c")[0].slot, "the slot of what failed is free")
			require.NotContains(t, o.values, slotKey(0), "the deletion is tried again")
			return []string{"c"}
		},
		"an entry without a slot is not saved": func(t *testing.T, o *savedOutbox) []string {
			bodies := make([]string, slots+2)
			for i := range bodies {
				bodies[i] = strconv.Itoa(i)
			}
			entries := o.save(true, bodies...)
			require.True(t, entries[slots-1].Saved())
			require.False(t, entries[slots].Saved())
			o.Ack(entries[slots])
			require.Empty(t, o.acked)
			require.False(t, o.save(true, "still full")[0].Saved())
			o.Ack(entries[7])
			require.False(t, o.save(true, "its slot is deleted with this")[0].Saved())
			require.Equal(t, 7, o.save(true, "new")[0].slot)
			return append(append(append([]string{}, bodies[:7]...), bodies[8:slots]...), "new")
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := &savedOutbox{values: map[string][]byte{}}
			want := test(t, o)
			require.Equal(t, want, o.restored())
		})
	}
}

// TestAMalformedValueIsDeleted, and what is beside it restored.
func TestAMalformedValueIsDeleted(t *testing.T) {
	for name, malformed := range map[string][]byte{
		"shorter than a header": []byte("l1234567"),
		"of no kind":            []byte("x12345678"),
		"no logs":               []byte("l12345678\xff"),
		"no traces":             []byte("t12345678\xff"),
	} {
		t.Run(name, func(t *testing.T) {
			o := &savedOutbox{values: map[string][]byte{}}
			o.save(true, "good")
			values := make([][]byte, slots)
			values[0], values[1] = malformed, o.values[slotKey(0)]
			after := &Outbox{}
			require.Len(t, after.Restore(values), 1)
			require.Equal(t, uint64(1), after.next, "its number counts for nothing")
			operations, _ := after.Add(nil, nil)
			require.Len(t, operations, 1)
			require.Equal(t, storage.Delete, operations[0].Type)
			require.Equal(t, slotKey(0), operations[0].Key)
		})
	}
}
