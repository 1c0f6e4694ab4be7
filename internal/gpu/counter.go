package gpu

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Number is a single reading.
type Number struct {
	Value uint64
	// Bits is how wide the driver's own number is: a counter of 64 bits never wraps. 0 means 64.
	Bits int
}

// narrow says whether a counter may wrap.
func (n Number) narrow() bool { return n.Bits > 0 && n.Bits < 64 }

// ErrTooNarrow means that a counter may wrap more often than it is read, so that it says nothing.
var ErrTooNarrow = fmt.Errorf("the counter may wrap unseen: %w", ErrNotSupported)

// errWrappedUnseen: a pass was late, so the counter may have wrapped more than once.
var errWrappedUnseen = errors.New("the counter may have wrapped unseen")

// unseenLimit is how many readings in a row may come too late before a counter is called too
// narrow.
const unseenLimit = 3

// counter makes a count that only grows of a counter of the driver. It outlives handles.
type counter struct {
	last   Number
	at     time.Time
	total  uint64
	begun  bool
	unseen int
}

// add takes a reading and returns what was counted since the first one. perSecond is the most that
// the counter can grow by. sameHandle says that the reading before came through the same handle:
// then the counter cannot have begun anew, and back says that it did so all the same.
//
// A narrow counter that is read often enough has wrapped at most once, so that its growth is known.
// Where it may have wrapped more often nothing is added: what is counted was there, and what is
// missing is reported.
func (c *counter) add(n Number, now time.Time, perSecond float64, sameHandle bool) (total uint64, back bool, err error) {
	before, elapsed := c.last, now.Sub(c.at)
	first := !c.begun || before.narrow() != n.narrow()
	c.last, c.at, c.begun = n, now, true
	switch {
	case first && n.narrow():
		// Before the next reading it is not known whether it is read often enough.
		return 0, false, fmt.Errorf("first reading: %w", ErrNotFound)
	case first:
		return c.total, false, nil
	case n.narrow():
		return c.addNarrow(before, n, elapsed, perSecond, sameHandle)
	case n.Value >= before.Value:
		c.total += n.Value - before.Value
	default:
		// It began anew, with the driver or with the GPU.
		c.total += n.Value
		back = sameHandle
	}
	return c.total, back, nil
}

func (c *counter) addNarrow(before, n Number, elapsed time.Duration, perSecond float64, sameHandle bool) (uint64, bool, error) {
	size := math.Ldexp(1, n.Bits)
	most := perSecond * elapsed.Seconds()
	if !sameHandle {
		// It may have begun anew, and what is missing cannot be known.
		return c.total, false, nil
	}
	if elapsed < 0 || most >= size {
		if c.unseen++; c.unseen >= unseenLimit {
			return 0, false, fmt.Errorf("%d bits wrap within %v at the speed of the link: %w", n.Bits,
				time.Duration(size/perSecond*float64(time.Second)).Round(time.Millisecond), ErrTooNarrow)
		}
		return 0, false, errWrappedUnseen
	}
	c.unseen = 0
	grown := n.Value - before.Value
	if n.Value < before.Value {
		grown += uint64(1) << n.Bits
	}
	if float64(grown) > most {
		// More than the link can carry: it began anew.
		grown = min(n.Value, uint64(most))
	}
	c.total += grown
	return c.total, false, nil
}

// laneBytes is what one lane of PCIe carries in a second, by generation, and lanesOfALink the most
// that a link has. A link that does not say what it can do is taken for the fastest.
var laneBytes = [...]float64{1: 250e6, 500e6, 985e6, 1969e6, 3938e6, 7563e6, 15125e6}

const (
	lanesOfALink = 16
	// nvlinkKibibytes is far beyond all links of a GPU together (1.8 TB each second).
	nvlinkKibibytes = 4e9
)

// perSecond is the most that a counter of the driver can grow by in a second.
func (g *acquiredGPU) perSecond(q Quantity) float64 {
	if q == QuantityNVLinkTransmitted || q == QuantityNVLinkReceived {
		return nvlinkKibibytes
	}
	generation, lanes := len(laneBytes)-1, uint64(lanesOfALink)
	if known := g.kept.numbers[QuantityMaxLinkGeneration]; known.Known && known.V >= 1 && int(known.V) < len(laneBytes) {
		generation = int(known.V)
	}
	if known := g.kept.numbers[QuantityMaxLinkWidth]; known.Known && known.V >= 1 && known.V <= laneLimit {
		lanes = known.V
	}
	return laneBytes[generation] * float64(lanes)
}
