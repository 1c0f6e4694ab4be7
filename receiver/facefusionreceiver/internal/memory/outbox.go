package memory

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Parcel is events or spans on their way; the other one is nil.
type Parcel struct {
	Logs   *plog.Logs
	Traces *ptrace.Traces

	slot   int
	posted bool
}

// outboxSlots is how many parcels are kept at once: as many as wait for a pipeline. They have fixed names, as a store cannot be asked what there is.
const outboxSlots = 1024

// outbox keeps parcels until they are settled: between the moment when it is kept that something was seen, and that when it is delivered, a collector may die.
type outbox struct {
	next uint64 // number of the next parcel: they are delivered in order

	mu      sync.Mutex
	taken   [outboxSlots]bool
	settled []int
}

func slotKey(slot int) string { return "outbox/" + strconv.Itoa(slot) }

// post adds what it takes to keep the parcels and to forget the settled ones; done must be told whether it was done.
func (o *outbox) post(operations []*storage.Operation, parcels []*Parcel) ([]*storage.Operation, func(ok bool)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	forgotten := o.settled
	o.settled = nil
	for _, slot := range forgotten {
		operations = append(operations, storage.DeleteOperation(slotKey(slot)))
	}
	var posted []*Parcel
	free := 0
	for _, p := range parcels {
		for free < outboxSlots && o.taken[free] {
			free++
		}
		if free == outboxSlots {
			break
		}
		value, err := p.marshal(o.next)
		if err != nil {
			continue // it is sent all the same
		}
		o.next++
		p.slot, o.taken[free] = free, true
		posted = append(posted, p)
		operations = append(operations, storage.SetOperation(slotKey(free), value))
	}
	return operations, func(ok bool) { o.done(ok, forgotten, posted) }
}

func (o *outbox) done(ok bool, forgotten []int, posted []*Parcel) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range posted {
		p.posted, o.taken[p.slot] = ok, ok
	}
	if !ok {
		o.settled = append(o.settled, forgotten...)
		return
	}
	for _, slot := range forgotten {
		o.taken[slot] = false
	}
}

// Kept says that a parcel outlives the collector until it is settled. It is asked before the parcel is sent.
func (p *Parcel) Kept() bool { return p.posted }

// Settle says that a parcel need not be kept any more. Any goroutine may call it, once for each parcel; it does not block.
func (m *Memory) Settle(p *Parcel) {
	m.outbox.mu.Lock()
	defer m.outbox.mu.Unlock()
	if p.posted {
		p.posted = false
		m.outbox.settled = append(m.outbox.settled, p.slot)
	}
}

// Outstanding are the parcels that an earlier process kept and did not settle, in their order. It is called once, before the first Save.
func (m *Memory) Outstanding(ctx context.Context) ([]*Parcel, error) {
	keys := make([]string, outboxSlots)
	for slot := range keys {
		keys[slot] = slotKey(slot)
	}
	values, err := m.Recall(ctx, keys)
	if err != nil {
		return nil, err
	}
	type numbered struct {
		*Parcel
		number uint64
	}
	var all []numbered
	for slot, value := range values {
		if len(value) == 0 {
			continue
		}
		p := &Parcel{slot: slot, posted: true}
		m.outbox.taken[slot] = true
		number, err := p.unmarshal(value)
		if err != nil {
			m.Settle(p) // it makes no sense, and never will
			continue
		}
		all = append(all, numbered{p, number})
		m.outbox.next = max(m.outbox.next, number+1)
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	parcels := make([]*Parcel, len(all))
	for i, n := range all {
		parcels[i] = n.Parcel
	}
	return parcels, nil
}

// The kinds of parcels, the first byte of what is kept; the number follows, then OTLP.
const (
	kindLogs   = 'l'
	kindTraces = 't'
)

const headerSize = 1 + 8

var errNoParcel = errors.New("not a parcel")

func (p *Parcel) marshal(number uint64) (value []byte, err error) {
	kind := byte(kindLogs)
	if p.Logs != nil {
		value, err = (&plog.ProtoMarshaler{}).MarshalLogs(*p.Logs)
	} else {
		kind = kindTraces
		value, err = (&ptrace.ProtoMarshaler{}).MarshalTraces(*p.Traces)
	}
	if err != nil {
		return nil, fmt.Errorf("marshal a parcel: %w", err)
	}
	header := binary.BigEndian.AppendUint64([]byte{kind}, number)
	return append(header, value...), nil
}

func (p *Parcel) unmarshal(value []byte) (number uint64, err error) {
	if len(value) < headerSize {
		return 0, errNoParcel
	}
	switch value[0] {
	case kindLogs:
		var logs plog.Logs
		logs, err = (&plog.ProtoUnmarshaler{}).UnmarshalLogs(value[headerSize:])
		p.Logs = &logs
	case kindTraces:
		var traces ptrace.Traces
		traces, err = (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(value[headerSize:])
		p.Traces = &traces
	default:
		err = errNoParcel
	}
	return binary.BigEndian.Uint64(value[1:]), err
}
