package history

import (
	"math"
	"strings"

	"github.com/prometheus/common/model"
)

// own is the reading of a series of the host or of the agent.
func (m *machine) own(s Series) (valueFunc, bool) {
	if strings.HasPrefix(s.Name(), "otelcol_") || strings.HasPrefix(s.Name(), "promhttp_") {
		return m.ofAgent(s)
	}
	state, direction := s.Get("state"), s.Get("direction")
	switch name := s.Name(); name {
	case "facefusion_instances":
		of := s.Get("facefusion_instance_state")
		return func() float64 {
			n := 0.0
			for _, i := range m.instances {
				n += truth(of != "stopped" && i.up() == (of == "up"))
			}
			return n
		}, true
	case "system_cpu_time_seconds_total":
		return m.meters.reading(name, state)
	case "system_disk_io_bytes_total", "system_disk_operations_total", "system_disk_merged_total", "system_disk_operation_time_seconds_total",
		"system_network_io_bytes_total", "system_network_packets_total":
		return m.meters.reading(name, direction)
	case "system_disk_io_time_seconds_total", "system_disk_weighted_io_time_seconds_total":
		return m.meters.reading(name)
	case "system_disk_pending_operations", "system_network_dropped_total", "system_network_errors_total":
		return constant(0), true
	case "system_memory_usage_bytes":
		return m.memoryOf(state), true
	case "system_filesystem_usage_bytes":
		return func() float64 {
			return map[string]float64{"free": m.free, "used": 0.95*disk - m.free, "reserved": 0.05 * disk}[state]
		}, true
	case "system_filesystem_inodes_usage":
		return func() float64 {
			return map[string]float64{"free": 60e6 + m.free/1e6, "used": 1.2e6 - m.free/1e6}[state]
		}, true
	}
	return nil, false
}

func (m *machine) memoryOf(state string) valueFunc {
	return func() float64 {
		used := 4.2e9 * m.about(0.01)
		for _, i := range m.instances {
			used += truth(i.up())*i.memory + 4e8*i.processes("ffmpeg") + 2.6e9*i.processes("runner")
		}
		cached := 24e9 + 5e9*m.cpu/cores
		rest := map[string]float64{"used": used, "cached": cached, "buffered": 8e8, "slab_reclaimable": 1.6e9, "slab_unreclaimable": 4e8}
		if state != "free" {
			return rest[state]
		}
		return memory - used - cached - 8e8 - 2e9
	}
}

// passAgent advances the agent's own telemetry: points, observations and its own cost.
func (m *machine) passAgent(d float64) {
	m.agent.add(d, "otelcol_process_uptime")
	m.agent.add(d*0.021*m.about(0.1), "otelcol_process_cpu_seconds")
	m.agent.add(d*1.1e6*m.about(0.1), "otelcol_process_runtime_total_alloc_bytes")
	for _, probe := range probes {
		m.agent.add(d/probe.value, "otelcol_receiver_facefusion_observations", probe.name)
	}
}

// probes and the seconds between their passes.
var probes = []rate{{"gpu", 1}, {"jobs", 1}, {"process", 1}, {"web", 5}}

func (m *machine) ofAgent(s Series) (valueFunc, bool) {
	probe := s.Get("probe")
	switch name := s.Name(); name {
	case "otelcol_process_uptime", "otelcol_process_cpu_seconds", "otelcol_process_runtime_total_alloc_bytes":
		return m.agent.reading(name)
	case "otelcol_receiver_facefusion_observations":
		return m.agent.reading(name, probe)
	case "otelcol_receiver_facefusion_observation_age":
		for _, of := range probes {
			if of.name == probe {
				return func() float64 { return of.value * m.dice.Float64() }, true
			}
		}
	case "otelcol_process_memory_rss":
		return func() float64 { return 71e6 * m.about(0.01) }, true
	case "otelcol_process_runtime_heap_alloc_bytes":
		return func() float64 { return 9e6 + 7e6*m.dice.Float64() }, true
	}
	if s.Type == model.MetricTypeCounter {
		// Counters that do not depend on the load grow at the rate that the page shows.
		return func() float64 { return math.Floor(s.Value / max(m.uptime, 1) * m.age) }, true
	}
	// Sizes and limits.
	return func() float64 { return s.Value }, true
}
