package jobprobe

import (
	"slices"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/memory"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// parcelChanges is how many changes go into one parcel: after a long absence there are thousands, and a parcel must be small enough for every receiver.
const parcelChanges = 200

// pack makes the events and the traces of what an observation saw.
func (p *Probe) pack(snapshot *jobqueue.Snapshot) []*memory.Parcel {
	var parcels []*memory.Parcel
	for changes := range slices.Chunk(snapshot.Changes, parcelChanges) {
		if p.tells {
			if logs := p.tell(changes); logs.LogRecordCount() > 0 {
				parcels = append(parcels, &memory.Parcel{Logs: &logs})
			}
		}
		if p.traces {
			if traces := p.trace(changes); traces.SpanCount() > 0 {
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
					p.loop.Nudge()
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
