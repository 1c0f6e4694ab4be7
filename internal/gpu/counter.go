package gpu

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Number is a single reading, in the unit of its Quantity.
type Number struct {
	Value uint64
	// Bits is the width of the driver's number. A counter of 64 bits never wraps. 0 means 64.
	Bits int
}

// narrow reports whether a counter may wrap.
func (n Number) narrow() bool { return n.Bits > 0 && n.Bits < 64 }

// ErrTooNarrow means that a counter may wrap more than once between two reads, so that its increase
// is unknown. It wraps ErrNotSupported.
var ErrTooNarrow = fmt.Errorf("the counter may wrap unseen: %w", ErrNotSupported)

// errWrappedUnseen means that a pass was late, so the counter may have wrapped more than once.
var errWrappedUnseen = errors.New("the counter may have wrapped unseen")

// unseenLimit is how many readings in a row may be late before the counter fails with ErrTooNarrow.
const unseenLimit = 3

// counter turns a counter of the driver, which may wrap or reset, into a monotonic one. It outlives
// handles.
type counter struct {
	last   Number
	at     time.Time
	total  uint64
	begun  bool
	unseen int
}

// add takes a reading and returns the increase since the first one. perSecond is the highest
// possible increase per second. sameHandle means that the previous reading came through the same
// handle, so that the counter cannot have been reset. back reports that it decreased nevertheless.
//
// A narrow counter that is read often enough has wrapped at most once, so that its increase is
// known. Where it may have wrapped more often, nothing is added and an error is returned: the total
// is then too low, never too high.
func (c *counter) add(n Number, now time.Time, perSecond float64, sameHandle bool) (total uint64, back bool, err error) {
	before, elapsed := c.last, now.Sub(c.at)
	first := !c.begun || before.narrow() != n.narrow()
	c.last, c.at, c.begun = n, now, true
	switch {
	case first && n.narrow():
		// Only the next reading shows whether the counter is read often enough.
		return 0, false, fmt.Errorf("first reading: %w", ErrNotFound)
	case first:
		return c.total, false, nil
	case n.narrow():
		return c.addNarrow(before, n, elapsed, perSecond, sameHandle)
	case n.Value >= before.Value:
		c.total += n.Value - before.Value
	default:
		// It was reset with the driver or with the GPU.
		c.total += n.Value
		back = sameHandle
	}
	return c.total, back, nil
}

func (c *counter) addNarrow(before, n Number, elapsed time.Duration, perSecond float64, sameHandle bool) (uint64, bool, error) {
	size := math.Ldexp(1, n.Bits)
	most := perSecond * elapsed.Seconds()
	if !sameHandle {
		// It may have been reset, so the increase is unknown.
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
		// More than the link can carry: the counter was reset.
		grown = min(n.Value, uint64(most))
	}
	c.total += grown
	return c.total, false, nil
}

// laneBytes is the bandwidth of one PCIe lane in bytes per second, by generation. lanesOfALink is
// the highest number of lanes of a link. A link with unknown capabilities counts as the fastest.
var laneBytes = [...]float64{1: 250e6, 500e6, 985e6, 1969e6, 3938e6, 7563e6, 15125e6}

const (
	lanesOfALink = 16
	// nvlinkKibibytes is in KiB per second, above all links of a GPU together (1.8 TB/s).
	nvlinkKibibytes = 4e9
)

// perSecond returns the highest possible increase of a counter per second, in its own unit.
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
