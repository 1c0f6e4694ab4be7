package history

import "time"

// reading of a series of an instance.
func (i *instance) reading(s Series) (valueFunc, bool) {
	switch s.Family {
	case "facefusion_job_duration_seconds", "facefusion_job_wait_duration_seconds":
		return part(i.meters.distribution(s.Family, s.Get("facefusion_media"), s.Get("facefusion_origin"), s.Get("facefusion_outcome")), s), true
	case "facefusion_step_duration_seconds":
		return part(i.meters.distribution(s.Family, s.Get("facefusion_media"), s.Get("facefusion_outcome"), s.Get("facefusion_processors"), s.Get("facefusion_model")), s), true
	case "facefusion_server_probe_duration_seconds":
		// Requests that failed have no status: there are none, the server that is down is not
		// asked.
		probe := s.Get("facefusion_probe")
		if s.Get("error_type") != "" {
			probe += " failed"
		}
		return part(i.meters.distribution(s.Family, probe), s), true
	}
	role := s.Get("facefusion_process_role")
	switch name := s.Name(); name {
	case "facefusion_job_finished_total":
		return i.meters.reading(name, s.Get("facefusion_media"), s.Get("facefusion_origin"), s.Get("facefusion_outcome"))
	case "facefusion_job_lost_total":
		return i.meters.reading(name, s.Get("facefusion_orphan_reason"))
	case "facefusion_server_requests_total", "facefusion_server_request_failed_total":
		return i.meters.reading(name, s.Get("facefusion_function"))
	case "facefusion_process_starts_total":
		return i.meters.reading(name, role)
	case "facefusion_process_exits_total":
		return i.meters.reading(name, role, s.Get("facefusion_exit_reason"))
	case "process_cpu_time_seconds_total":
		return i.meters.reading(name, role, s.Get("cpu_mode"))
	case "process_disk_io_bytes_total":
		return i.meters.reading(name, role, s.Get("disk_io_direction"))
	case "facefusion_process_count", "process_memory_usage_bytes", "process_thread_count", "process_unix_file_descriptor_count", "process_uptime_seconds":
		return i.ofRole(name, role), true
	case "facefusion_gpu_memory_usage_bytes", "facefusion_gpu_utilization_ratio":
		return i.ofGPU(s), true
	case "facefusion_server_request_duration_percentile_seconds":
		p := map[string]float64{"p50": 0.5, "p90": 0.9, "p99": 0.99}[s.Get("percentile")]
		if s.Get("facefusion_function") != "start" {
			return func() float64 { return 0.02 + 0.3*p*p }, true
		}
		return func() float64 { return i.percentile(p) }, true
	default:
		return i.gauge(s)
	}
}

func (i *instance) gauge(s Series) (valueFunc, bool) {
	jobState, serverState, age := s.Get("facefusion_job_state"), s.Get("facefusion_server_state"), s.Get("facefusion_job_age")
	value, ok := map[string]valueFunc{
		"facefusion_process_up":             func() float64 { return truth(i.up()) },
		"facefusion_process_stopped":        constant(0),
		"facefusion_active_tasks":           func() float64 { return truth(i.running != nil) },
		"facefusion_job_count":              func() float64 { return i.jobs(jobState) },
		"facefusion_job_oldest_age_seconds": func() float64 { return i.oldest(age) },
		"facefusion_server_up":              func() float64 { return truth(i.state == "ready" || i.state == "saturated") },
		"facefusion_server_state":           func() float64 { return truth(i.state == serverState) },
		"facefusion_server_queue_size":      func() float64 { return i.clicks() },
	}[s.Name()]
	return value, ok
}

func (i *instance) jobs(state string) float64 {
	switch state {
	case "completed":
		return i.completed
	case "failed":
		return i.failed
	case "drafted":
		return i.drafted
	case "orphaned":
		return i.orphaned
	case "waiting":
		return float64(len(i.waiting))
	case "running":
		return truth(i.running != nil && !i.stalled)
	case "stalled":
		return truth(i.running != nil && i.stalled)
	default:
		return 0
	}
}

// clicks wait in the server's queue: jobs of the web UI are nothing else.
func (i *instance) clicks() float64 {
	n := 0
	for _, j := range i.waiting {
		if j.origin == "ui" {
			n++
		}
	}
	return float64(n)
}

func (i *instance) oldest(age string) float64 {
	since := func(t time.Time) float64 { return max(0, i.now.Sub(t).Seconds()) }
	switch {
	case age == "running" && i.running != nil:
		return since(i.running.started)
	case age == "waiting" && len(i.waiting) > 0:
		return since(i.waiting[0].arrived)
	default:
		return 0
	}
}

func (i *instance) ofRole(name, role string) valueFunc {
	of := map[string]struct{ memory, threads, files float64 }{
		"server": {0, 58, 74}, "runner": {2.6e9, 41, 52}, "ffmpeg": {4.1e8, 24, 17},
	}[role]
	return func() float64 {
		n := i.processes(role)
		switch name {
		case "process_memory_usage_bytes":
			if role == "server" {
				return n * i.memory
			}
			return n * of.memory * i.m.about(0.03)
		case "process_thread_count":
			return n * (of.threads + 6*truth(i.busy > 0))
		case "process_unix_file_descriptor_count":
			return n * (of.files + float64(len(i.waiting)))
		case "process_uptime_seconds":
			if role == "server" {
				return n * i.uptime
			}
			return n * i.oldest("running")
		default:
			return n
		}
	}
}

func (i *instance) ofGPU(s Series) valueFunc {
	memory := s.Name() == "facefusion_gpu_memory_usage_bytes"
	task := s.Get("hw_gpu_task")
	if i.gpu == nil || i.gpu.id != s.Get("hw_id") {
		return func() float64 { return 0 }
	}
	return func() float64 {
		switch {
		case memory:
			return i.gpuMemory()
		case task == "encoder":
			return i.encoder
		case task == "decoder":
			return 0.6 * i.encoder
		default:
			return i.share
		}
	}
}
