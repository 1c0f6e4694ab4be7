package jobprobe

import (
	"slices"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/outbox"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// maxBatchChanges is how many changes go into one entry: after a long absence there are thousands,
// and an entry must be small enough for every receiver.
const maxBatchChanges = 200

// batches makes the events and the traces of what an observation saw.
func (p *Probe) batches(snapshot *jobqueue.Snapshot) []*outbox.Entry {
	var entries []*outbox.Entry
	p.traced = map[*outbox.Entry][]jobqueue.Change{}
	for changes := range slices.Chunk(snapshot.Changes, maxBatchChanges) {
		if p.emitsEvents {
			if logs := p.events(snapshot, changes); logs.LogRecordCount() > 0 {
				entries = append(entries, &outbox.Entry{Logs: &logs})
			}
		}
		if p.emitsTraces {
			if traces := p.spans(changes); traces.SpanCount() > 0 {
				entry := &outbox.Entry{Traces: &traces}
				p.traced[entry] = changes
				entries = append(entries, entry)
			}
		}
	}
	return entries
}

// send hands entries over. One that is saved is acknowledged when it was delivered or dropped.
func (p *Probe) send(entries []*outbox.Entry) {
	persister, acks := p.persister, p.acks // what ends late may find others, or none
	for _, entry := range entries {
		// Nil for one that is not saved: when it is abandoned it is lost, and counted
		var onDone func(probe.Result)
		if entry.Saved() {
			onDone = func(result probe.Result) {
				if result != probe.Abandoned {
					persister.Ack(entry)
					acks.request()
				}
			}
		}
		if entry.Logs != nil {
			p.env.Sink.SendLogs(*entry.Logs, onDone)
		} else {
			p.env.Sink.SendTraces(*entry.Traces, onDone)
		}
	}
}
