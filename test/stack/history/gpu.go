package history

import (
	"math"
	"time"
)

// gpu models a card of 24 GiB and 450 W. Utilization follows the load at once, temperature slowly.
type gpu struct {
	id     string
	index  int
	m      *machine
	meters meters
	// utilization, encoder and decoder are shares of the last step, peak is the highest within it.
	utilization, peak, encoder, decoder float64
	power, temperature                  float64
	memory                              float64
	throttled, capped, struck           bool
}

const (
	gpuMemory   = 24 << 30
	gpuPower    = 450.0
	idlePower   = 22.0
	serverBytes = 2.3 * (1 << 30)
	workBytes   = 7.5 * (1 << 30)
	// throttling is the temperature at which the driver reduces the clocks.
	throttling = 84.0
)

func newGPU(m *machine, id string, index int) *gpu {
	return &gpu{id: id, index: index, m: m, meters: newMeters(), power: idlePower, temperature: 36}
}

func (g *gpu) pass(t time.Time, d float64) {
	g.utilization, g.encoder, g.decoder = 0, 0, 0
	g.memory = 0.4 * (1 << 30)
	for _, i := range g.m.instances {
		if i.gpu == g {
			g.utilization += i.share
			g.encoder += i.encoder
			g.decoder += i.encoder * 0.6
			g.memory += i.gpuMemory()
		}
	}
	g.utilization, g.encoder, g.decoder = min(g.utilization, 1), min(g.encoder, 1), min(g.decoder, 1)
	g.peak = g.utilization
	if g.utilization > 0 {
		g.peak = min(1, g.utilization+0.05+0.15*g.m.dice.Float64())
	}
	g.warm(t, d)
	g.meters.add(g.power*d, "hw_energy_joules_total")
	g.meters.add(g.utilization*2.2e9*d*g.m.about(0.2), "hw_gpu_io_bytes_total", "receive")
	g.meters.add(g.utilization*0.9e9*d*g.m.about(0.2), "hw_gpu_io_bytes_total", "transmit")
	// A corrected bit now and then is what a healthy card of this age has.
	struck := g.m.during(t, Bits, g.index)
	if struck && !g.struck {
		for _, kind := range []string{"xid_48", "uncorrected", "aggregate_uncorrected"} {
			g.meters.add(1, "hw_errors_total", kind)
		}
	}
	g.struck = struck
	bits := float64(g.m.often(d / 40000))
	g.meters.add(bits, "hw_errors_total", "corrected")
	g.meters.add(bits, "hw_errors_total", "aggregate_corrected")
	g.meters.add(float64(g.m.often(d/9000)), "hw_errors_total", "pcie_replay")
}

// warm moves the temperature after the power with a time constant of two minutes, and reduces the
// power above the throttling temperature.
func (g *gpu) warm(t time.Time, d float64) {
	air := 31 + 3*math.Sin(2*math.Pi*(float64(t.Hour())-9)/24)
	if g.m.during(t, Heat, g.index) {
		air += 24
	}
	goal := idlePower
	if g.utilization > 0 {
		goal = idlePower + 75 + 330*g.utilization*g.m.about(0.04)
	}
	if g.throttled {
		goal *= 0.8
	}
	g.capped = goal > gpuPower*0.93
	g.power = min(goal, gpuPower)
	g.temperature += (air + 0.105*g.power - g.temperature) * (1 - math.Exp(-d/120))
	g.throttled = g.temperature > throttling-2
	g.temperature = min(g.temperature, throttling+1.5)
}

// clock of the graphics and compute domains in Hz.
func (g *gpu) clock() float64 {
	switch {
	case g.utilization == 0:
		return 210e6
	case g.throttled:
		return 15e6 * math.Round(1.44e9/15e6*(1+0.02*g.m.dice.NormFloat64()))
	default:
		return 15e6 * math.Round(2.52e9/15e6*(1-0.04*g.utilization+0.005*g.m.dice.NormFloat64()))
	}
}

// speed is how much work is done in a second, against a card that is well.
func (g *gpu) speed() float64 {
	if g.throttled {
		return 0.6
	}
	return 1
}
