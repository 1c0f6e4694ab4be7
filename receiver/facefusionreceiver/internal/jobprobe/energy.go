package jobprobe

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
)

const (
	// energyStep is how far the points of a curve are apart at least, and energyPoints how many are
	// kept: a minute, in which an orphan is found.
	energyStep   = 500 * time.Millisecond
	energyPoints = 120
)

// energyCurve is the energy of one GPU over the last minute. The driver's counter is exact and read
// every few seconds, so that the power that was drawn since is added up.
type energyCurve struct {
	points []energyPoint
	// counter is what the driver's counter said at sampled; zero before it was read in this era.
	counter float64
	sampled time.Time
	// era is another one after the counter began anew or nothing was known for a while: two
	// energies of different eras have no difference.
	era int
	// power is what was drawn last, and known says that it still is.
	power float64
	known bool
}

type energyPoint struct {
	at     time.Time
	joules float64
}

// energyAt is an energy at a moment. Without known, nothing can be said.
type energyAt struct {
	joules float64
	era    int
	known  bool
}

// observe takes in what a GPU reads now.
func (c *energyCurve) observe(m *snapshots.GPUReadings, now time.Time) {
	if !m.Power.Known {
		c.known = false
		return
	}
	last := c.last()
	elapsed := now.Sub(last.at)
	if !c.known || elapsed < 0 || elapsed > maxGap {
		c.begin()
		last, elapsed = energyPoint{}, 0
	}
	joules := last.joules + m.Power.V*elapsed.Seconds()
	if m.Energy.Known && !m.Sampled.Equal(c.sampled) {
		// the first of this era, or the driver was loaded anew
		if c.sampled.IsZero() || m.Energy.V < c.counter {
			c.begin()
		}
		c.counter, c.sampled = m.Energy.V, m.Sampled
		joules = max(c.last().joules, m.Energy.V+m.Power.V*max(0, now.Sub(m.Sampled).Seconds()))
	}
	c.power, c.known = m.Power.V, true
	c.add(energyPoint{now, joules})
}

// begin starts another era.
func (c *energyCurve) begin() {
	c.points, c.counter, c.sampled = c.points[:0], 0, time.Time{}
	c.era++
}

func (c *energyCurve) last() energyPoint {
	if len(c.points) == 0 {
		return energyPoint{}
	}
	return c.points[len(c.points)-1]
}

// add keeps the points apart: the last one moves until it is far enough from the one before.
func (c *energyCurve) add(p energyPoint) {
	if n := len(c.points); n > 1 && p.at.Sub(c.points[n-2].at) < energyStep {
		c.points[n-1] = p
		return
	}
	if len(c.points) == energyPoints {
		c.points = slices.Delete(c.points, 0, 1)
	}
	c.points = append(c.points, p)
}

// at is the energy at a moment of the last minute, or just after what was read last.
func (c *energyCurve) at(t time.Time) energyAt {
	if c == nil || !c.known || len(c.points) == 0 || t.Before(c.points[0].at) {
		return energyAt{}
	}
	last := c.last()
	if !t.Before(last.at) {
		after := t.Sub(last.at)
		return energyAt{joules: last.joules + c.power*after.Seconds(), era: c.era, known: after <= maxGap}
	}
	i, _ := slices.BinarySearchFunc(c.points, t, func(p energyPoint, t time.Time) int { return p.at.Compare(t) })
	to := c.points[i]
	if i == 0 {
		return energyAt{joules: to.joules, era: c.era, known: true}
	}
	from := c.points[i-1]
	part := float64(t.Sub(from.at)) / float64(to.at.Sub(from.at))
	return energyAt{joules: from.joules + part*(to.joules-from.joules), era: c.era, known: true}
}
