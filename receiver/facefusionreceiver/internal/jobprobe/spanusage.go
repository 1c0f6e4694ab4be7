package jobprobe

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
)

// maxGap is for how long nothing may be read during a span of which something is said: the driver
// is asked every 5 seconds, and once it may be late.
const maxGap = 12 * time.Second

// spanUsage is what the GPUs read during one span.
type spanUsage struct {
	begin time.Time
	gpus  map[string]*gpuUsage
}

// gpuUsage is what one GPU read.
type gpuUsage struct {
	// energy at the beginning.
	energy energyAt
	// used says that the instance used the GPU.
	used bool
	// readings counts those that were taken during the span, last is when the last one was, and gap
	// says that too much time lay between two.
	readings int
	last     time.Time
	gap      bool
	// The peaks, and whether they are known at each reading.
	memory int64
	busy   float64
	// busyReadings counts those of which the most part lay in the span.
	busyReadings               int
	memoryUnknown, busyUnknown bool
}

// gpuConsumption is what a span says of the GPUs.
type gpuConsumption struct {
	// GPUs are the ids of those that were used, sorted.
	GPUs []string
	// Memory and Busy are the peaks on one GPU; Energy is the sum of the GPUs that were used.
	Memory reading.Value[int64]
	Busy   reading.Value[float64]
	Energy reading.Value[float64]
}

// newSpanUsage begins. The GPUs that are used just then are those of a span that is over before the
// driver is asked again.
func newSpanUsage(begin time.Time, m *gpuAccounting, instances []string) *spanUsage {
	g := &spanUsage{begin: begin, gpus: make(map[string]*gpuUsage)}
	for id, reader := range m.gpus {
		_, used := shareOf(reader.shares, instances)
		g.gpus[id] = &gpuUsage{energy: reader.energy.at(begin), used: used, last: begin}
	}
	return g
}

// observe takes in a reading. before is when the one before was taken.
func (g *spanUsage) observe(reading *snapshots.GPUReadings, before time.Time, instances []string) {
	if reading.Sampled.Before(g.begin) {
		return
	}
	d := g.gpus[reading.ID]
	if d == nil { // it was not there at the beginning
		d = &gpuUsage{last: g.begin}
		g.gpus[reading.ID] = d
	}
	d.gap = d.gap || reading.Sampled.Sub(d.last) > maxGap
	d.last = reading.Sampled
	d.readings++
	share, used := shareOf(reading.Shares, instances)
	d.used = d.used || used
	d.memory, d.memoryUnknown = max(d.memory, share.Memory.V), d.memoryUnknown || !share.Memory.Known
	if before.IsZero() || before.Add(reading.Sampled.Sub(before)/2).Before(g.begin) {
		return // it covers more of the time before the span
	}
	d.busyReadings++
	d.busy, d.busyUnknown = max(d.busy, share.Busy.V), d.busyUnknown || !share.Busy.Known
}

// shareOf adds up what the instances of a jobs folder have. An instance that is
// absent from shares has a known share of zero.
func shareOf(shares map[string]snapshots.GPUShare, instances []string) (sum snapshots.GPUShare, used bool) {
	sum = snapshots.GPUShare{Memory: reading.Known[int64](0), Busy: reading.Known(0.0)}
	for _, instance := range instances {
		s, there := shares[instance]
		if !there {
			continue
		}
		used = true
		sum.Memory, sum.Busy = reading.Sum(sum.Memory, s.Memory), reading.Sum(sum.Busy, s.Busy)
		sum.Busy.V = min(1, sum.Busy.V)
	}
	return sum, used
}

// end sums up. What is not known of one GPU is not known at all; but one that fell silent without
// having been used cannot have been used since.
func (g *spanUsage) end(at time.Time, m *gpuAccounting) gpuConsumption {
	peaks, busy, known := true, true, true
	var c gpuConsumption
	for id, d := range g.gpus {
		if silent := d.gap || at.Sub(d.last) > maxGap; silent && d.used {
			return gpuConsumption{}
		} else if silent {
			delete(g.gpus, id)
			continue
		}
		peaks = peaks && d.readings > 0 && !d.memoryUnknown
		busy = busy && d.busyReadings > 0 && !d.busyUnknown
		c.Memory.V, c.Busy.V = max(c.Memory.V, d.memory), max(c.Busy.V, d.busy)
		if !d.used {
			continue
		}
		c.GPUs = append(c.GPUs, id)
		now := m.energyOf(id).at(at)
		known = known && d.energy.known && now.known && now.era == d.energy.era
		c.Energy.V += max(0, now.joules-d.energy.joules)
	}
	if len(g.gpus) == 0 {
		return gpuConsumption{}
	}
	slices.Sort(c.GPUs)
	c.Memory.Known, c.Busy.Known, c.Energy.Known = peaks, busy, known
	return c
}
