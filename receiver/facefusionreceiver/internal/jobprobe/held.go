package jobprobe

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/outbox"
)

// logDelay is how long the trace of a run waits for the last lines of its log: a reader looks five
// times a second, and a line that nothing follows is taken after a second.
const logDelay = 2 * time.Second

// heldTraces are traces that wait for the log. They are saved already: after a crash they are sent
// without what the log says.
type heldTraces struct {
	entry *outbox.Entry
	due   time.Time
	runs  []heldRun
}

// heldRun is a run of an entry, in the order of its resources.
type heldRun struct {
	change    jobqueue.Change
	instances []string
}

// holdTraces takes from the entries those whose runs may have lines that are still to be read, and
// returns the rest.
func (p *Probe) holdTraces(snapshot *jobqueue.Snapshot, entries []*outbox.Entry) []*outbox.Entry {
	if !p.env.Log.Attached() {
		return entries
	}
	return slices.DeleteFunc(entries, func(entry *outbox.Entry) bool {
		runs, heard := p.runsToHold(snapshot, p.traced[entry])
		if !heard {
			return false
		}
		p.holding.Lock()
		defer p.holding.Unlock()
		if p.unheld {
			return false
		}
		p.held = append(p.held, heldTraces{entry: entry, due: time.Now().Add(logDelay), runs: runs})
		time.AfterFunc(logDelay, p.loop.Trigger)
		return true
	})
}

func (p *Probe) runsToHold(snapshot *jobqueue.Snapshot, changes []jobqueue.Change) (runs []heldRun, heard bool) {
	for i := range changes {
		if c := changes[i]; c.Ended && c.Run != nil {
			instances := sharing(snapshot, c.Instance)
			runs = append(runs, heldRun{c, instances})
			heard = heard || slices.ContainsFunc(instances, p.env.Log.Heard)
		}
	}
	return runs, heard
}

// sendHeld sends the traces that have waited long enough, or all of them, with what the log says.
func (p *Probe) sendHeld(all bool) {
	p.holding.Lock()
	defer p.holding.Unlock()
	now := time.Now()
	n := 0
	for n < len(p.held) && (all || !now.Before(p.held[n].due)) {
		h := &p.held[n]
		for i := range h.runs {
			account := p.account(&h.runs[i].change, h.runs[i].instances)
			addLogged(h.entry.Traces.ResourceSpans().At(i).ScopeSpans().At(0).Spans(), h.runs[i].change.Run, &account)
		}
		p.send([]*outbox.Entry{h.entry})
		n++
	}
	p.held = slices.Delete(p.held, 0, n)
}
