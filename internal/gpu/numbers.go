package gpu

import (
	"cmp"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// askNumbers reads all quantities of a tier.
func (g *acquiredGPU) askNumbers(t tier, s *shared) {
	for q := range quantities {
		if g.tierOf(q) == t && (s.nvlink || q != QuantityNVLinkTransmitted && q != QuantityNVLinkReceived) {
			g.askNumber(q)
		}
	}
}

// tierOf returns how often a quantity is read. A counter that may wrap is read in each pass.
func (g *acquiredGPU) tierOf(q Quantity) tier {
	if q.counts() && g.usage.counters[q].last.narrow() {
		return fast
	}
	return quantitySpecs[q].tier
}

func (g *acquiredGPU) askNumber(q Quantity) {
	spec := &quantitySpecs[q]
	g.kept.numbers[q] = reading.Value[uint64]{}
	g.ask(fieldNumber+field(q), func() error {
		n, err := g.handle.Number(q)
		if err != nil {
			return err
		}
		if n.Value < spec.least || n.Value > spec.most {
			return cmp.Or(errIfImplausible(q.unknown(n.Value)), ErrNotFound)
		}
		v, plausible, err := g.count(q, n)
		if err != nil {
			return err
		}
		g.kept.numbers[q] = reading.Known(v)
		return errIfImplausible(plausible)
	})
}

// counts reports whether a quantity is a counter that count makes monotonic.
func (q Quantity) counts() bool {
	switch q {
	case QuantityPCIeTransmitted, QuantityPCIeReceived, QuantityNVLinkTransmitted, QuantityNVLinkReceived:
		return true
	default:
		return false
	}
}

// count makes a counter of the driver monotonic and passes other quantities through. plausible is
// false if the counter decreased within one handle.
func (g *acquiredGPU) count(q Quantity, n Number) (v uint64, plausible bool, err error) {
	if !q.counts() {
		return n.Value, true, nil
	}
	total, back, err := g.usage.counters[q].add(n, g.now, g.perSecond(q), g.counted[q])
	g.counted[q] = true
	return total, !back, err
}

// readGroups reads the values that the driver returns in one struct.
func (g *acquiredGPU) readGroups() {
	k := &g.kept
	k.rows, k.encoder, k.bar1Used, k.bar1Total = reading.Value[Rows]{}, reading.Value[Encoder]{}, reading.Value[int64]{}, reading.Value[int64]{}
	g.ask(fieldRows, func() error {
		rows, err := g.handle.Rows()
		if err != nil {
			return err
		}
		if !plausibleRows(rows) {
			return ErrImplausible
		}
		k.rows = reading.Known(rows)
		return nil
	})
	g.ask(fieldEncoder, func() error {
		encoder, err := g.handle.Encoder()
		if err != nil {
			return err
		}
		k.encoder = reading.Known(encoder)
		return errIfImplausible(plausibleEncoder(encoder))
	})
	g.ask(fieldBAR1, func() error {
		m, err := g.handle.BAR1()
		if err != nil {
			return err
		}
		k.bar1Used, k.bar1Total = plausibleMemory(m)
		return errIfImplausible(k.bar1Used.Known)
	})
}

// readFans reads each fan. A call takes 0.4 ms.
func (g *acquiredGPU) readFans() {
	count := g.kept.numbers[QuantityFans]
	g.kept.fans = nil
	if !count.Known || count.V == 0 {
		return
	}
	fans := make([]Fan, count.V)
	for i := range fans {
		g.ask(fieldFan+field(i), func() error {
			speed, err := g.handle.Fan(i)
			if err != nil {
				return err
			}
			fan, plausible := plausibleFan(speed)
			fans[i] = fan
			return errIfImplausible(plausible)
		})
	}
	g.kept.fans = fans
}

const (
	sessionLimit   = 1024
	frameRateLimit = 100_000
	// A minute, in microseconds.
	latencyLimit = 60_000_000
)

// plausibleEncoder ignores the means while there is no session: they are those of the last one.
func plausibleEncoder(e Encoder) bool {
	return e.Sessions == 0 || e.Sessions > 0 && e.Sessions <= sessionLimit && e.FrameRate <= frameRateLimit && e.Latency <= latencyLimit
}

func (d *Details) setEncoder(e Encoder) {
	if e.Sessions < 0 || e.Sessions > sessionLimit {
		return
	}
	d.EncoderSessions = reading.Known(int64(e.Sessions))
	if e.Sessions == 0 {
		// The driver's means are those of the last session.
		return
	}
	if e.FrameRate <= frameRateLimit {
		d.EncoderFrameRate = reading.Known(float64(e.FrameRate))
	}
	if e.Latency <= latencyLimit {
		d.EncoderLatency = reading.Known(float64(e.Latency) / 1e6)
	}
}
