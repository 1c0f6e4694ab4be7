package history

import "strings"

// meters are the counters and distributions of one owner: an instance, a GPU, the host, the agent.
// Counters go down at a restart of the agent only.
type meters struct {
	counters      map[string]*float64
	distributions map[string]*distribution
}

func newMeters() meters {
	return meters{counters: map[string]*float64{}, distributions: map[string]*distribution{}}
}

func key(parts ...string) string { return strings.Join(parts, "\x00") }

// counter returns the counter of a metric and its label values.
func (m meters) counter(parts ...string) *float64 {
	k := key(parts...)
	c, ok := m.counters[k]
	if !ok {
		c = new(float64)
		m.counters[k] = c
	}
	return c
}

func (m meters) add(value float64, parts ...string) { *m.counter(parts...) += value }

func (m meters) distribution(parts ...string) *distribution {
	k := key(parts...)
	d, ok := m.distributions[k]
	if !ok {
		d = &distribution{buckets: map[float64]*float64{}}
		m.distributions[k] = d
	}
	return d
}

// reset sets all counters to zero, as a restart of the agent does.
func (m meters) reset() {
	for _, c := range m.counters {
		*c = 0
	}
	for _, d := range m.distributions {
		d.sum, d.count = 0, 0
		for _, c := range d.buckets {
			*c = 0
		}
	}
}

// distribution is a histogram with the given buckets, each the count of all values up to its bound.
type distribution struct {
	buckets    map[float64]*float64
	sum, count float64
}

// bucket must be called before the first observation.
func (d *distribution) bucket(bound float64) *float64 {
	c, ok := d.buckets[bound]
	if !ok {
		c = new(float64)
		d.buckets[bound] = c
	}
	return c
}

func (d *distribution) observe(value float64) {
	d.sum += value
	d.count++
	for bound, c := range d.buckets {
		if value <= bound {
			*c++
		}
	}
}
