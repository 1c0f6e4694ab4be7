package gpu

// counter makes a count that only grows of a counter of the driver that wraps or begins anew.
type counter struct {
	last  uint64
	total uint64
	begun bool
}

const wrap = 1 << 32

// add takes a reading and returns what was counted since the first one, and whether the counter
// went back though it is too long to wrap.
//
// Which way a counter went back cannot be known. One of 32 bits wraps soon (nvml.h: "value can be
// wrapped"), and is near its end before: so a counter that was in the upper half of 32 bits is
// taken to have wrapped once, every other one to have begun anew. If it wrapped more often between
// two readings, the rest is missing; nothing is ever counted that was not there.
func (c *counter) add(v uint64) (total uint64, back bool) {
	switch {
	case !c.begun:
	case v >= c.last:
		c.total += v - c.last
	case c.last >= wrap/2 && c.last < wrap && v < wrap/2:
		c.total += wrap - c.last + v
	default:
		c.total += v
		back = c.last >= wrap
	}
	c.last, c.begun = v, true
	return c.total, back
}
