package history

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// valueFunc returns the current value of one series.
type valueFunc func() float64

// bind finds the reading of each series. Series that the model does not know keep the value of the
// page; their names are returned.
func (m *machine) bind(series []Series) ([]valueFunc, []string) {
	m.learn(series)
	readings := make([]valueFunc, len(series))
	unknown := map[string]bool{}
	for n, s := range series {
		switch found, known := m.reading(s); {
		case known:
			readings[n] = found
		default:
			unknown[s.Name()] = true
			readings[n] = func() float64 { return s.Value }
		}
	}
	return readings, slices.Sorted(maps.Keys(unknown))
}

func (m *machine) reading(s Series) (valueFunc, bool) {
	if value, ok := constants[s.Name()]; ok {
		return func() float64 { return value }, true
	}
	if keep[s.Name()] || strings.HasPrefix(s.Name(), "scrape_") {
		return func() float64 { return s.Value }, true
	}
	if i := m.instance(s.Get("service_instance_id")); i != nil {
		return i.reading(s)
	}
	for _, label := range []string{"hw_id", "hw_parent"} {
		if g := m.gpu(s.Get(label)); g != nil {
			return g.reading(s)
		}
	}
	return m.own(s)
}

// learn finds out which kinds of jobs and steps the pages have.
func (m *machine) learn(series []Series) {
	for _, s := range series {
		if s.Name() == "otelcol_process_uptime" {
			m.uptime = s.Value
		}
		i := m.instance(s.Get("service_instance_id"))
		if i == nil {
			continue
		}
		media := s.Get("facefusion_media")
		if k := (jobKind{media, s.Get("facefusion_origin")}); s.Name() == "facefusion_job_finished_total" && !slices.Contains(i.kinds, k) {
			i.kinds = append(i.kinds, k)
		}
		if reason := s.Get("facefusion_orphan_reason"); s.Name() == "facefusion_job_lost_total" && !slices.Contains(i.reasons, reason) {
			i.reasons = append(i.reasons, reason)
		}
		if st := (processing{s.Get("facefusion_processors"), s.Get("facefusion_model")}); s.Name() == "facefusion_step_duration_seconds_count" && !slices.Contains(i.steps[media], st) {
			i.steps[media] = append(i.steps[media], st)
		}
	}
}

// part is a histogram's bucket, sum or count.
func part(d *distribution, s Series) valueFunc {
	switch {
	case strings.HasSuffix(s.Name(), "_bucket"):
		bound, err := strconv.ParseFloat(s.Get("le"), 64)
		if err != nil {
			return func() float64 { return s.Value }
		}
		count := d.bucket(bound)
		return func() float64 { return *count }
	case strings.HasSuffix(s.Name(), "_sum"):
		return func() float64 { return d.sum }
	default:
		return func() float64 { return d.count }
	}
}

func (m meters) reading(parts ...string) (valueFunc, bool) {
	c := m.counter(parts...)
	return func() float64 { return *c }, true
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// constants replace the limits of the fake driver and of the machine that the pages come from.
var constants = map[string]float64{
	"up": 1, "system_cpu_logical_count": cores,
	"nvidia_gpu_bar1_limit_bytes": 32 << 30, "hw_gpu_memory_limit_bytes": gpuMemory,
	"nvidia_gpu_pcie_link_generation_max": 4, "nvidia_gpu_pcie_link_width": 16, "nvidia_gpu_pcie_link_width_max": 16,
	"facefusion_job_contended": 0, "facefusion_job_folder_oddities": 0, "nvidia_gpu_suspended": 0, "nvidia_gpu_fault": 0,
}

// keep are states and names that keep the value of the page.
var keep = map[string]bool{
	"target_info": true, "facefusion_instance_info": true, "nvidia_gpu_info": true, "nvidia_gpu_count": true, "nvidia_driver_state": true, "nvidia_gpu_process_visibility": true,
	"facefusion_instance_configuration_state": true, "facefusion_process_visibility": true, "facefusion_job_folder_state": true, "facefusion_server_kind": true, "facefusion_server_polls_total": true, "facefusion_server_viewers": true,
	"nvidia_gpu_xid_unmatched_total": true, "nvidia_gpu_xid_watch": true,
}
