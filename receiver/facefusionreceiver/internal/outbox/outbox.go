package outbox

import (
	"cmp"
	"slices"
	"strconv"
	"sync"

	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// slots is how many entries are saved at once: as many as a delivery queue holds. They have fixed
// names, because a storage extension cannot list its keys.
const slots = 1024

// Outbox knows which slots hold an entry. The zero Outbox is empty. One goroutine at a time uses
// it; Ack may be called from any.
type Outbox struct {
	next uint64 // number of the next entry: they are delivered in order

	mu    sync.Mutex
	taken [slots]bool
	acked []int
}

func slotKey(slot int) string { return "outbox/" + strconv.Itoa(slot) }

// Keys are the names of all slots.
func Keys() []string {
	keys := make([]string, slots)
	for slot := range keys {
		keys[slot] = slotKey(slot)
	}
	return keys
}

// Add appends the operations that save the entries and delete the acknowledged ones. Call commit
// with the outcome of the transaction.
func (o *Outbox) Add(operations []*storage.Operation, entries []*Entry) (all []*storage.Operation, commit func(ok bool)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	deleted := o.acked
	o.acked = nil
	for _, slot := range deleted {
		operations = append(operations, storage.DeleteOperation(slotKey(slot)))
	}
	var added []*Entry
	free := 0
	for _, e := range entries {
		for free < slots && o.taken[free] {
			free++
		}
		if free == slots {
			break
		}
		value, err := e.marshal(o.next)
		if err != nil {
			continue // it is sent all the same
		}
		o.next++
		e.slot, o.taken[free] = free, true
		added = append(added, e)
		operations = append(operations, storage.SetOperation(slotKey(free), value))
	}
	return operations, func(ok bool) { o.commit(ok, deleted, added) }
}

func (o *Outbox) commit(ok bool, deleted []int, added []*Entry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range added {
		e.saved, o.taken[e.slot] = ok, ok
	}
	if !ok {
		o.acked = append(o.acked, deleted...)
		return
	}
	for _, slot := range deleted {
		o.taken[slot] = false
	}
}

// Ack says that an entry need not be saved any longer. The next Add deletes it.
func (o *Outbox) Ack(e *Entry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if e.saved {
		e.saved = false
		o.acked = append(o.acked, e.slot)
	}
}

// Restore returns the entries that an earlier process saved and did not acknowledge, in their
// order. The values are those of Keys. What cannot be decoded is acknowledged: it never will be.
func (o *Outbox) Restore(values [][]byte) []*Entry {
	type numbered struct {
		*Entry
		number uint64
	}
	var all []numbered
	for slot, value := range values {
		if len(value) == 0 {
			continue
		}
		e := &Entry{slot: slot, saved: true}
		o.taken[slot] = true
		number, err := e.unmarshal(value)
		if err != nil {
			o.Ack(e)
			continue
		}
		all = append(all, numbered{e, number})
		o.next = max(o.next, number+1)
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	entries := make([]*Entry, len(all))
	for i, n := range all {
		entries[i] = n.Entry
	}
	return entries
}
