package jobprobe

import (
	"slices"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/memory"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// maxBatchChanges is how many changes go into one parcel: after a long absence there are thousands, and a parcel must be small enough for every receiver.
const maxBatchChanges = 200

// batches makes the events and the traces of what an observation saw.
func (p *Probe) batches(snapshot *jobqueue.Snapshot) []*memory.Parcel {
	var parcels []*memory.Parcel
	for changes := range slices.Chunk(snapshot.Changes, maxBatchChanges) {
		if p.emitsEvents {
			if logs := p.events(changes); logs.LogRecordCount() > 0 {
				parcels = append(parcels, &memory.Parcel{Logs: &logs})
			}
		}
		if p.emitsTraces {
			if traces := p.spans(changes); traces.SpanCount() > 0 {
				parcels = append(parcels, &memory.Parcel{Traces: &traces})
			}
		}
	}
	return parcels
}

// send hands parcels over. One that is kept is forgotten when it has arrived, or was given up.
func (p *Probe) send(parcels []*memory.Parcel) {
	for _, parcel := range parcels {
		var settle func(probe.Fate) // nil where nobody keeps it: what is left of it is lost, and counted
		if parcel.Kept() {
			settle = func(fate probe.Fate) {
				if fate != probe.Left {
					p.memory.Settle(parcel)
					p.acks.request()
				}
			}
		}
		if parcel.Logs != nil {
			p.env.Sink.LogsThen(*parcel.Logs, settle)
		} else {
			p.env.Sink.TracesThen(*parcel.Traces, settle)
		}
	}
}
