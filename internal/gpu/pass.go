package gpu

import (
	"cmp"
	"errors"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// pass reads everything that is due and returns the device.
func (g *acquiredGPU) pass(now time.Time, s *shared) Device {
	g.now, g.answered, g.err, g.fatal, g.failed = now, false, nil, nil, g.failed[:0]
	d := Device{Identity: g.identity, Health: HealthOK}
	g.ask(fieldMemory, func() error {
		m, err := g.handle.Memory()
		if err != nil {
			return err
		}
		d.MemoryUsed, d.MemoryTotal = plausibleMemory(m)
		return errIfImplausible(d.MemoryUsed.Known)
	})
	g.ask(fieldTemperature, func() error {
		degrees, err := g.handle.Temperature()
		if err != nil {
			return err
		}
		d.Temperature = plausibleTemperature(degrees)
		return errOf(d.Temperature.Known, degrees == 0)
	})
	g.ask(fieldPower, func() error {
		milliwatts, err := g.handle.Power()
		if err != nil {
			return err
		}
		d.Power = plausiblePower(milliwatts)
		return errOf(d.Power.Known, milliwatts == 0)
	})
	g.poll(now)
	g.askNumbers(fast, s)
	if g.isDue(slow, now, s.interval) {
		g.readMIG(now, s)
		g.readEnergy()
		g.readBuffers()
		g.readProcesses(now, d.MemoryTotal)
		g.readProfile(s)
		g.kept.sampled, g.kept.activity = now, g.usage.processes.takeActivity()
		g.askNumbers(slow, s)
	}
	if g.isDue(static, now, staticInterval) {
		g.askNumbers(static, s)
	}
	if g.isDue(rare, now, rareInterval) {
		g.askNumbers(rare, s)
		g.readGroups()
		g.readFans()
	}
	g.assemble(&d)
	if g.answered {
		g.settleFailures()
	}
	d.Missing = g.missing()
	d.ProcessList, d.ProcessUse = g.availability(fieldContexts), g.availability(fieldProcessSamples)
	return d
}

// isDue reports whether a tier is to be read. The first pass reads all of them. Later, the rarer
// tiers avoid the passes that read the slow one, because together they would take more than 10 ms.
func (g *acquiredGPU) isDue(t tier, now time.Time, interval time.Duration) bool {
	if now.Before(g.due[t]) {
		return false
	}
	if g.due[t].IsZero() && t != slow {
		interval += time.Duration(t) * time.Second
	}
	g.due[t] = now.Add(interval)
	return true
}

// assemble fills a device with the last value of each reading.
func (g *acquiredGPU) assemble(d *Device) {
	k := &g.kept
	d.Energy, d.Processes = k.energy, k.contexts
	d.Sampled, d.Activity = k.sampled, k.activity
	for q := range quantities {
		if k.numbers[q].Known {
			quantitySpecs[q].keep(&d.Details, k.numbers[q].V)
		}
	}
	if k.encoder.Known {
		d.setEncoder(k.encoder.V)
	}
	d.BAR1Used, d.BAR1Total, d.Fans = k.bar1Used, k.bar1Total, k.fans
	if k.rows.Known {
		d.Errors[ErrorRemappedRowCorrected] = reading.Known(int64(k.rows.V.Corrected))
		d.Errors[ErrorRemappedRowUncorrected] = reading.Known(int64(k.rows.V.Uncorrected))
	}
	switch {
	case k.rows.Known && k.rows.V.Failed:
		d.Health, d.Reason = HealthDegraded, ReasonRowRemapFailed
	case k.rows.Known && k.rows.V.Pending:
		d.Health, d.Reason = HealthDegraded, ReasonRowRemapPending
	case k.numbers[QuantityRetirementPending].V == 1:
		d.Health, d.Reason = HealthDegraded, ReasonPageRetirementPending
	}
}

// poll reads the current utilization of all tasks.
func (g *acquiredGPU) poll(now time.Time) {
	speaksFor := longestSample
	if !g.polledAt.IsZero() {
		speaksFor = now.Sub(g.polledAt)
	}
	g.polledAt = now
	for i, task := range tasks {
		g.ask(fieldPoll+field(i), func() error {
			percent, err := g.handle.Utilization(task)
			if err != nil {
				return err
			}
			f, plausible := fraction(float64(percent))
			if plausible {
				g.usage.poll(i, f, speaksFor)
			}
			if g.support[fieldBuffer+field(i)].refused {
				g.usage.closeStretch(i, sum{})
			}
			return errIfImplausible(plausible)
		})
	}
}

func (g *acquiredGPU) readEnergy() {
	g.kept.energy = reading.Value[float64]{}
	g.ask(fieldEnergy, func() error {
		millijoules, err := g.handle.Energy()
		if err != nil {
			return err
		}
		before := g.energy
		if g.kept.energy = plausibleEnergy(millijoules); g.kept.energy.Known {
			g.energy = millijoules
		}
		// A reload of the driver resets it, but then the handle is another.
		return errIfImplausible(g.kept.energy.Known && millijoules >= before)
	})
}

// readBuffers reads the sample buffers and closes the stretch of time since the previous read.
func (g *acquiredGPU) readBuffers() {
	for i, task := range tasks {
		var seen sum
		g.ask(fieldBuffer+field(i), func() error {
			entries, err := g.handle.Samples(task, g.buffers[i].last)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			fresh, plausible := g.buffers[i].follow(entries)
			seen = fresh
			return cmp.Or(err, errIfImplausible(plausible))
		})
		g.usage.closeStretch(i, seen)
	}
}

// readProcesses reads the processes on the GPU and their utilization.
func (g *acquiredGPU) readProcesses(now time.Time, total reading.Value[int64]) {
	g.kept.contexts = reading.Value[[]ProcessMemory]{}
	g.ask(fieldContexts, func() error {
		contexts, err := g.handle.Contexts()
		if err != nil {
			return err
		}
		list, plausible := plausibleProcesses(contexts, total)
		g.kept.contexts = reading.Known(list)
		return errIfImplausible(plausible)
	})
	g.ask(fieldProcessSamples, func() error {
		samples, err := g.handle.ProcessSamples(g.processes.after(now))
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		return cmp.Or(err, errIfImplausible(g.processes.follow(samples, now, &g.usage.processes)))
	})
}

// ask makes a call, unless the reading is known to be unsupported now, and passes its error to
// judge.
func (g *acquiredGPU) ask(f field, call func() error) {
	if g.fatal != nil || !g.support[f].due(g.now) {
		return
	}
	err := g.judge(f, call())
	g.note(f, err, false)
	switch {
	case errors.Is(err, ErrNotSupported):
		g.support[f].refuse(g.now)
	case err == nil, errors.Is(err, ErrNotFound), errors.Is(err, ErrImplausible):
		g.support[f].confirm()
	}
}

// try makes a call about a MIG device, for which support is not recorded, and passes its error to
// judge.
func (g *acquiredGPU) try(f field, call func() error) error {
	if g.fatal != nil {
		return g.fatal
	}
	err := g.judge(f, call())
	g.note(f, err, true)
	return err
}

// judge records an error and returns it. An error that ends the handle or the session ends the
// pass.
func (g *acquiredGPU) judge(f field, err error) error {
	switch {
	case err == nil, errors.Is(err, ErrNotFound), errors.Is(err, ErrNotSupported):
		g.answered = true
	case errors.Is(err, ErrImplausible):
		g.answered = true
		g.usage.implausible.add(f.group())
	case errors.Is(err, ErrLost), errors.Is(err, ErrResetRequired), endsSession(err):
		g.fatal = err
	case g.err == nil:
		g.err = err
	}
	return err
}
