package gpu

import (
	"errors"
	"fmt"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// field is one thing that a GPU is asked for, and may not have.
type field int

const (
	fieldMemory field = iota
	fieldTemperature
	fieldPower
	fieldEnergy
	// The utilization of task i is fieldPoll+i, its sample buffer fieldBuffer+i.
	fieldPoll
	fieldBuffer = fieldPoll + field(len(tasks))
	fields      = fieldBuffer + field(len(tasks))
)

// outcome is what one cycle of one GPU came to.
type outcome struct {
	// device is without utilization, which goes into the windows, and without an identity while none was read.
	device Device
	// err is why the device is not ok.
	err error
}

// failed is an outcome without readings.
func failed(id Identity, err error) outcome {
	health, reason := deviceHealth(err)
	return outcome{device: Device{Identity: id, Health: health, Reason: reason}, err: err}
}

// reader reads one GPU. It belongs to the goroutine of the GPU's lane.
type reader struct {
	session  Session
	index    int
	interval time.Duration
	usageOf  func(uuid string) *usage

	retry backoff
	last  outcome
	// gpu is what is known of the GPU since its handle was acquired; nil without a handle.
	gpu *acquired
}

// acquired is a GPU that answered with its identity.
type acquired struct {
	handle      Handle
	identity    Identity
	usage       *usage
	unsupported [fields]bool
	buffers     [len(tasks)]buffer
	energy      reading.Value[float64]
	nextSlow    time.Time
	polledAt    time.Time

	// The rest is about the cycle under way.
	answered bool
	err      error
	fatal    error
}

// read is one cycle. After an error that ends the handle it is acquired again, at growing intervals.
func (r *reader) read(now time.Time) outcome {
	if r.gpu == nil {
		if !r.retry.ready(now) {
			return r.last
		}
		gpu, err := r.acquire()
		if err != nil {
			return r.fail(now, err)
		}
		r.gpu = gpu
	}
	device := r.gpu.cycle(now, r.interval)
	if r.gpu.fatal != nil {
		return r.fail(now, r.gpu.fatal)
	}
	r.retry.reset()
	if r.gpu.err != nil && !r.gpu.answered {
		r.last = failed(r.gpu.identity, r.gpu.err)
		return r.last
	}
	r.last = outcome{device: device}
	return r.last
}

func (r *reader) fail(now time.Time, err error) outcome {
	r.retry.failed(now)
	r.last = failed(r.last.device.Identity, err)
	r.gpu = nil
	return r.last
}

func (r *reader) acquire() (*acquired, error) {
	handle, err := r.session.Handle(r.index)
	if err != nil {
		return nil, fmt.Errorf("find gpu %d: %w", r.index, err)
	}
	id, err := handle.Identity()
	if err != nil {
		return nil, fmt.Errorf("identify gpu %d: %w", r.index, err)
	}
	id = plausibleIdentity(id)
	id.Index = r.index
	if id.UUID == "" {
		return nil, fmt.Errorf("identify gpu %d: %w", r.index, errNoUUID)
	}
	return &acquired{handle: handle, identity: id, usage: r.usageOf(id.UUID)}, nil
}

var errNoUUID = errors.New("the driver tells no usable uuid")

// cycle asks for everything that is due.
func (g *acquired) cycle(now time.Time, interval time.Duration) Device {
	g.answered, g.err, g.fatal = false, nil, nil
	d := Device{Identity: g.identity, Health: HealthOK}
	g.ask(fieldMemory, func() error {
		m, err := g.handle.Memory()
		if err == nil {
			d.MemoryUsed, d.MemoryTotal = plausibleMemory(m)
		}
		return err
	})
	g.ask(fieldTemperature, func() error {
		celsius, err := g.handle.Temperature()
		if err == nil {
			d.Temperature = plausibleTemperature(celsius)
		}
		return err
	})
	g.ask(fieldPower, func() error {
		milliwatts, err := g.handle.Power()
		if err == nil {
			d.Power = plausiblePower(milliwatts)
		}
		return err
	})
	g.poll(now)
	// Energy takes 2.6 ms and a sample buffer 1.5 ms on real hardware, a thousand times as long as the others.
	if !now.Before(g.nextSlow) {
		g.nextSlow = now.Add(interval)
		g.slow()
	}
	d.Energy = g.energy
	return d
}

// poll asks for the utilization of all tasks.
func (g *acquired) poll(now time.Time) {
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
			if f, ok := fraction(float64(percent)); ok {
				g.usage.poll(i, f, speaksFor)
			}
			if g.unsupported[fieldBuffer+field(i)] {
				g.usage.settle(i, sum{})
			}
			return nil
		})
	}
}

// slow asks for what is expensive, and settles the utilization since the last time.
func (g *acquired) slow() {
	g.energy = reading.Value[float64]{}
	g.ask(fieldEnergy, func() error {
		millijoules, err := g.handle.Energy()
		if err == nil {
			g.energy = plausibleEnergy(millijoules)
		}
		return err
	})
	for i, task := range tasks {
		var seen sum
		g.ask(fieldBuffer+field(i), func() error {
			entries, err := g.handle.Samples(task, g.buffers[i].last)
			if err == nil || errors.Is(err, ErrNotFound) {
				seen = g.buffers[i].follow(entries)
			}
			return err
		})
		g.usage.settle(i, seen)
	}
}

// ask makes a call unless it is known to be in vain, and judges its error.
func (g *acquired) ask(f field, call func() error) {
	if g.unsupported[f] || g.fatal != nil {
		return
	}
	switch err := call(); {
	case err == nil, errors.Is(err, ErrNotFound):
		g.answered = true
	case errors.Is(err, ErrNotSupported):
		g.answered, g.unsupported[f] = true, true
	case errors.Is(err, ErrLost), errors.Is(err, ErrResetRequired), endsSession(err):
		g.fatal = err
	case g.err == nil:
		g.err = err
	}
}
