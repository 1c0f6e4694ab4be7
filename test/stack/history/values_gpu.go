package history

import "math"

// reading of a series of a GPU.
func (g *gpu) reading(s Series) (valueFunc, bool) {
	task := s.Get("hw_gpu_task")
	busy := func() float64 { return truth(g.utilization > 0) }
	switch name := s.Name(); name {
	case "hw_energy_joules_total":
		return g.meters.reading(name)
	case "hw_gpu_io_bytes_total":
		return g.meters.reading(name, s.Get("network_io_direction"))
	case "hw_errors_total":
		return g.meters.reading(name, s.Get("error_type"))
	case "hw_gpu_utilization_ratio":
		return func() float64 { return g.of(task, g.utilization) }, true
	case "nvidia_gpu_utilization_max_ratio":
		return func() float64 { return min(1, g.of(task, g.peak)*1.05) }, true
	case "nvidia_gpu_memory_controller_utilization_ratio":
		return func() float64 { return 0.6 * g.utilization * g.m.about(0.1) }, true
	case "nvidia_gpu_memory_others_usage_bytes":
		return constant(300 << 20), true
	case "nvidia_gpu_recovery_action":
		return constant(0), true
	case "hw_gpu_memory_usage_bytes":
		return func() float64 { return g.memory }, true
	case "hw_gpu_memory_utilization_ratio":
		return func() float64 { return g.memory / gpuMemory }, true
	case "hw_power_watts":
		return func() float64 { return g.power }, true
	case "nvidia_gpu_power_limit_watts":
		return constant(map[string]float64{"default": gpuPower, "enforced": gpuPower, "maximum": 600, "minimum": 150}[s.Get("nvidia_gpu_power_limit_type")]), true
	case "hw_temperature_celsius":
		memory := 8 * truth(s.Get("hw_sensor_location") == "memory")
		return func() float64 { return math.Round(g.temperature + memory) }, true
	case "hw_temperature_limit_celsius":
		memory := 6 * truth(s.Get("hw_sensor_location") == "memory")
		return constant(memory + map[string]float64{"max": throttling, "high.degraded": 90, "high.critical": 95}[s.Get("hw_limit_type")]), true
	case "hw_fan_speed_ratio":
		return func() float64 { return g.fan() }, true
	case "hw_fan_speed":
		return func() float64 { return math.Round(3300 * g.fan() * g.m.about(0.01)) }, true
	case "hw_status":
		state := s.Get("hw_state")
		return func() float64 { return truth(state == "ok") }, true
	case "nvidia_gpu_clock_frequency_hertz":
		return g.frequency(s.Get("nvidia_gpu_clock_domain")), true
	case "nvidia_gpu_clock_limit_hertz":
		return constant(map[string]float64{"memory": 10.5e9, "video": 2.1e9, "graphics": 2.55e9, "sm": 2.55e9}[s.Get("nvidia_gpu_clock_domain")]), true
	case "nvidia_gpu_clock_event_active":
		return g.clockEvent(s.Get("nvidia_gpu_clock_event")), true
	case "nvidia_gpu_encoder_sessions":
		return func() float64 { return truth(g.encoder > 0) }, true
	case "nvidia_gpu_encoder_frame_rate_per_second":
		return func() float64 { return math.Round(truth(g.encoder > 0) * 46 * g.m.about(0.1)) }, true
	case "nvidia_gpu_encoder_latency_seconds":
		return func() float64 { return truth(g.encoder > 0) * 0.008 * g.m.about(0.2) }, true
	case "nvidia_gpu_performance_state":
		return func() float64 { return 8 - 6*busy() }, true
	case "nvidia_gpu_pcie_link_generation":
		return func() float64 { return 1 + 3*busy() }, true
	case "nvidia_gpu_bar1_usage_bytes":
		return func() float64 { return 14<<20 + 60<<20*busy() }, true
	}
	return nil, false
}

func constant(value float64) valueFunc { return func() float64 { return value } }

func (g *gpu) of(task string, general float64) float64 {
	switch task {
	case "general":
		return general
	case "encoder":
		return g.encoder
	case "decoder":
		return g.decoder
	default:
		return 0
	}
}

func (g *gpu) fan() float64 { return min(1, max(0.3, (g.temperature-38)/50)) }

func (g *gpu) frequency(domain string) valueFunc {
	return func() float64 {
		switch domain {
		case "memory":
			return 405e6 + (10.5e9-405e6)*truth(g.utilization > 0)
		case "video":
			return math.Round(g.clock()/15e6*0.82) * 15e6
		default:
			return g.clock()
		}
	}
}

func (g *gpu) clockEvent(event string) valueFunc {
	return func() float64 {
		switch event {
		case "gpu_idle":
			return truth(g.utilization == 0)
		case "sw_power_cap":
			return truth(g.capped)
		case "sw_thermal_slowdown":
			return truth(g.throttled)
		default:
			return 0
		}
	}
}
