package history

import (
	"math"
	"time"
)

// Incident is something that goes wrong at a known time, so that dashboards and alerts have
// something to show.
type Incident struct {
	// Name is one of the constants below.
	Name string
	// Ago is how long before the end of the history it begins.
	Ago, Length time.Duration
	// Instance or GPU is the index of the one that it happens to.
	Instance, GPU int
}

// What can go wrong.
const (
	// The process of a job is killed, the job stays as an orphan until a clean-up
	Orphan = "orphan"
	Burst  = "burst" // most jobs fail
	Heat   = "heat"  // the GPU gets too warm and slows down
	// The server's threads are all taken: nothing is finished, the queue grows
	Saturated = "saturated"
	Down      = "down"    // the server is killed and started again
	Stalled   = "stalled" // a job hangs and uses neither CPU nor GPU
	Crowd     = "crowd"   // far more jobs than usual
	// The agent is restarted, and counts from zero again: the only reset there is
	Restart = "restart"
	// The memory of the GPU returns two wrong bits, which it notices: XID 48
	Bits = "bits"
)

// Incidents of the last day.
var Incidents = []Incident{
	{Name: Orphan, Ago: 21 * time.Hour, Length: 4 * time.Hour, Instance: 0},
	{Name: Crowd, Ago: 17 * time.Hour, Length: 90 * time.Minute, Instance: 1},
	{Name: Burst, Ago: 13 * time.Hour, Length: 75 * time.Minute, Instance: 1},
	{Name: Restart, Ago: 11 * time.Hour, Length: time.Minute},
	{Name: Heat, Ago: 9 * time.Hour, Length: 80 * time.Minute, GPU: 1},
	{Name: Bits, Ago: 7 * time.Hour, Length: time.Minute, GPU: 0},
	{Name: Saturated, Ago: 5*time.Hour + 30*time.Minute, Length: 35 * time.Minute, Instance: 0},
	{Name: Down, Ago: 3 * time.Hour, Length: 6 * time.Minute, Instance: 1},
	{Name: Stalled, Ago: 100 * time.Minute, Length: 25 * time.Minute, Instance: 1},
}

// calendar holds the load and the incidents by time.
type calendar struct {
	end time.Time
	// quiet is a host without incidents.
	quiet bool
}

// during reports whether the incident affects the instance or the GPU at that time.
func (c calendar) during(t time.Time, name string, index int) bool {
	if c.quiet {
		return false
	}
	for _, i := range Incidents {
		of := i.Instance
		if i.Name == Heat || i.Name == Bits {
			of = i.GPU
		}
		begin := c.end.Add(-i.Ago)
		if i.Name == name && of == index && !t.Before(begin) && t.Before(begin.Add(i.Length)) {
			return true
		}
	}
	return false
}

// load is the users' activity, from 0 to 1: little at night, most before noon and in the evening,
// less at the weekend.
func (calendar) load(t time.Time) float64 {
	hour := float64(t.Hour()) + float64(t.Minute())/60
	bell := func(peak, width float64) float64 {
		distance := math.Abs(hour - peak)
		distance = min(distance, 24-distance)
		return math.Exp(-distance * distance / (2 * width * width))
	}
	load := 0.12 + 0.75*bell(11, 2.6) + 0.7*bell(20, 2.4) + 0.25*bell(15.5, 1.5)
	if day := t.Weekday(); day == time.Saturday || day == time.Sunday {
		load *= 0.75
	}
	return min(load, 1)
}

// era returns the differences of earlier times: a week ago slightly slower, a year ago a slower GPU
// and more failures.
func (c calendar) era(t time.Time) (speed, failures float64) {
	switch ago := c.end.Sub(t); {
	case ago > 300*24*time.Hour:
		return 0.62, 0.03
	case ago > 3*24*time.Hour:
		return 0.92, 0.01
	default:
		return 1, 0.004
	}
}
