package main

import (
	"maps"
	"regexp"
	"strings"
)

// Green, yellow, orange and red say how well something is, everywhere. What is only told apart has
// blue and purple, and the same one in each panel; but for hosts and instances, of which nobody
// knows how many there are.

// apart is for series whose names are anybody's: hosts, instances.
var apart = map[string]any{"mode": "palette-classic"}

// grey is for what is neither well nor bad nor of interest.
const grey = "#8e8e8e"

// known are the colours of the values of labels whose values are known.
var known = map[string]map[string]string{
	"facefusion_process_role": {"server": "blue", "runner": "purple", "ffmpeg": "light-blue", "ffprobe": "super-light-blue", "curl": "light-purple", "downloader": "dark-purple"},
	"facefusion_probe":        {"app": "purple", "loop": "blue", "queue": "light-blue", "summary": "super-light-purple"},
	"probe":                   {"gpu": "purple", "jobs": "light-blue", "process": "blue", "web": "super-light-purple"},
	"facefusion_function": {"run": "blue", "run_1": "dark-blue", "start": "light-blue", "start_1": "super-light-blue", "apply": "purple", "stop": "dark-purple", "stop_1": "semi-dark-purple",
		"clear": "light-purple", "read_logs": "super-light-purple", "update_job_dataframe": "semi-dark-blue", "other": grey},
	"percentile":         {"p50": "super-light-blue", "p90": "blue", "p99": "dark-blue"},
	"facefusion_media":   {"image": "blue", "video": "purple", "other": grey},
	"facefusion_origin":  {"ui": "blue", "headless": "purple", "batch": "light-blue", "other": grey},
	"facefusion_outcome": {"completed": "green", "failed": "red", "orphaned": "dark-orange", "deleted": grey},
	"facefusion_job_state": {"drafted": grey, "waiting": "yellow", "running": "blue", "finalizing": "light-blue", "stalled": "orange", "orphaned": "dark-orange", "completed": "green",
		"failed": "red", "unreadable": "purple"},
	"facefusion_exit_reason": {"completed": "green", "terminated": "blue", "failed": "orange", "check_failed": "orange", "crashed": "red", "killed": "dark-red", "unknown": grey},
	"nvidia_gpu_clock_event": {"sw_power_cap": "yellow", "sw_thermal_slowdown": "orange", "hw_thermal_slowdown": "red", "hw_slowdown": "semi-dark-red",
		"hw_power_brake_slowdown": "dark-red", "sync_boost": "blue", "board_limit": "blue", "reliability": "blue"},
}

// upAndDown are the colours of what comes and what goes.
var upAndDown = map[string]string{"read": "blue", "written": "purple", "received": "blue", "sent": "purple"}

// gpuColors are those of GPU 0 and so on.
var gpuColors = []string{"blue", "purple", "super-light-blue", "super-light-purple", "dark-blue", "dark-purple", "light-blue", "light-purple"}

var placeholder = regexp.MustCompile(`\{\{(\w+)\}\}`)

// colored are the colours of what the queries of a chart show: those that the chart says itself, of
// known values, and of GPUs.
func (c chart) colored() []override {
	colors := map[string]string{}
	gpus := false
	for _, q := range c.queries {
		if strings.HasPrefix(q.legend, perGPU) && !strings.Contains(q.legend, "error_type") {
			gpus = true
		}
		labels := placeholder.FindAllStringSubmatch(q.legend, -1)
		if len(labels) != 1 {
			continue
		}
		for value, color := range known[labels[0][1]] {
			colors[strings.Replace(q.legend, labels[0][0], value, 1)] = color
		}
	}
	maps.Copy(colors, c.colors)
	overrides := []override{}
	for _, name := range sortedKeys(colors) {
		overrides = append(overrides, fixed("byName", name, colors[name]))
	}
	if gpus {
		for i, color := range gpuColors {
			overrides = append(overrides, fixed("byRegexp", `/GPU `+string(rune('0'+i))+`\b/`, color))
		}
	}
	return overrides
}
