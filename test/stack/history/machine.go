package history

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// machine models a host with FaceFusion. It has the instances and GPUs of the pages.
type machine struct {
	calendar
	dice   *rand.Rand
	meters meters
	// agent is what the agent counts about itself.
	agent     meters
	instances []*instance
	gpus      []*gpu
	// cpu is how many cores are busy.
	cpu, age, free float64
	// uptime is that of the agent when the page was read; restarted says that this step is within
	// its restart.
	uptime    float64
	restarted bool
}

// cores, memory and disk of the host, instead of those of the machine that the pages were made on.
const (
	cores  = 16
	memory = 64 << 30
	disk   = 1000e9
)

func newMachine(set Settings, series []Series) *machine {
	m := &machine{calendar: calendar{set.End, set.Quiet}, dice: rand.New(rand.NewPCG(set.Seed, 7)), meters: newMeters(), agent: newMeters(), free: 0.55 * disk}
	for _, s := range series {
		if id := s.Get("service_instance_id"); id != "" && s.Get("service_name") == "facefusion" && m.instance(id) == nil {
			m.instances = append(m.instances, newInstance(m, id, len(m.instances)))
		}
		// Sensors and fans have ids as well.
		if id := s.Get("hw_id"); s.Name() == "nvidia_gpu_info" && m.gpu(id) == nil {
			m.gpus = append(m.gpus, newGPU(m, id, len(m.gpus)))
		}
	}
	for i, inst := range m.instances {
		if len(m.gpus) > 0 {
			inst.gpu = m.gpus[i%len(m.gpus)]
		}
	}
	return m
}

func (m *machine) instance(id string) *instance {
	i := slices.IndexFunc(m.instances, func(i *instance) bool { return i.id == id })
	if i < 0 {
		return nil
	}
	return m.instances[i]
}

func (m *machine) gpu(id string) *gpu {
	i := slices.IndexFunc(m.gpus, func(g *gpu) bool { return g.id == id })
	if i < 0 {
		return nil
	}
	return m.gpus[i]
}

// pass advances the model by one step that ends at t.
func (m *machine) pass(t time.Time, length time.Duration) {
	d := length.Seconds()
	m.restart(t)
	m.cpu = 0.3 + 0.2*m.dice.Float64()
	for _, i := range m.instances {
		i.pass(t, d)
		m.cpu += i.cpu
	}
	for _, g := range m.gpus {
		g.pass(t, d)
	}
	m.cpu = min(m.cpu, cores-0.5)
	m.passHost(t, d)
	m.passAgent(d)
}

// restart ends the agent, and all that it counts. What the kernel and the driver count goes on.
func (m *machine) restart(t time.Time) {
	now := m.during(t, Restart, 0)
	if now && !m.restarted {
		m.agent.reset()
		m.age = 0
		for _, i := range m.instances {
			i.meters.reset()
		}
	}
	m.restarted = now
}

// passHost is what the host itself counts.
func (m *machine) passHost(t time.Time, d float64) {
	for state, share := range map[string]float64{"user": 0.86, "system": 0.1, "wait": 0.03, "softirq": 0.01} {
		m.meters.add(m.cpu*share*d, "system_cpu_time_seconds_total", state)
	}
	m.meters.add((cores-m.cpu)*d, "system_cpu_time_seconds_total", "idle")
	for _, of := range []rate{{"read", 6e6}, {"write", 9e6}} {
		direction, rate := of.name, of.value
		work := m.cpu * d * m.about(0.3)
		m.meters.add(rate*work, "system_disk_io_bytes_total", direction)
		m.meters.add(rate/60e3*work, "system_disk_operations_total", direction)
		m.meters.add(rate/200e3*work, "system_disk_merged_total", direction)
		m.meters.add(rate/60e3*work*0.0008, "system_disk_operation_time_seconds_total", direction)
		m.meters.add(rate/60e3*work*0.0003, "system_disk_io_time_seconds_total")
		m.meters.add(rate/60e3*work*0.001, "system_disk_weighted_io_time_seconds_total")
	}
	for _, of := range []rate{{"receive", 7e5}, {"transmit", 1.1e6}} {
		direction, rate := of.name, of.value
		bytes := rate * (0.05 + m.load(t)) * d * m.about(0.3)
		m.meters.add(bytes, "system_network_io_bytes_total", direction)
		m.meters.add(bytes/900, "system_network_packets_total", direction)
	}
	// Outputs fill the disk, and are deleted before dawn.
	m.free -= m.cpu * 5e5 * d
	if h := t.Hour(); h == 5 {
		m.free += (0.62*disk - m.free) * min(d/900, 1)
	}
	m.free = max(m.free, 0.2*disk)
	m.age += d
}

// rate of something by its name, in an order that does not change: the same seed makes the same
// history.
type rate struct {
	name  string
	value float64
}

// about is a factor around 1.
func (m *machine) about(spread float64) float64 { return max(0.05, 1+spread*m.dice.NormFloat64()) }

// often draws the number of rare events within a period from their expected number.
func (m *machine) often(expected float64) int {
	limit, product, n := math.Exp(-expected), m.dice.Float64(), 0
	for product > limit {
		product *= m.dice.Float64()
		n++
	}
	return n
}

// lasting draws a duration with this median and a long tail.
func (m *machine) lasting(median, spread float64) float64 {
	return median * math.Exp(spread*m.dice.NormFloat64())
}
