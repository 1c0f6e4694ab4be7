package main

import (
	"maps"
	"regexp"
	"strings"
)

// Green, yellow, orange and red mean a degree of health in every panel. Series without such a
// meaning are blue or purple, and a value has the same colour in each panel. Hosts and instances
// are the exception, as their number is unbounded.

// apart is the palette of series with unbounded names: hosts, instances.
var apart = map[string]any{"mode": "palette-classic"}

// grey is the colour of values that are neither good nor bad and need no attention.
const grey = "#8e8e8e"

// known maps the values of labels with a bounded set of values to their colours.
var known = map[string]map[string]string{
	"facefusion_process_role": {"server": "blue", "runner": "purple", "ffmpeg": "light-blue", "ffprobe": "super-light-blue", "curl": "light-purple", "downloader": "dark-purple"},
	"facefusion_probe":        {"app": "purple", "loop": "blue", "queue": "light-blue", "summary": "super-light-purple"},
	"probe":                   {"gpu": "purple", "jobs": "light-blue", "process": "blue", "web": "super-light-purple"},
	"facefusion_function": {"run": "blue", "run_1": "dark-blue", "start": "light-blue", "start_1": "super-light-blue", "apply": "purple", "stop": "dark-purple", "stop_1": "semi-dark-purple",
		"clear": "light-purple", "read_logs": "super-light-purple", "update_job_dataframe": "semi-dark-blue", "other": grey},
	"percentile":         {"p50": "super-light-blue", "p90": "blue", "p99": "dark-blue"},
	"facefusion_media":   {"image": "blue", "video": "purple", "mixed": "light-blue", "other": grey},
	"facefusion_origin":  {"ui": "blue", "headless": "purple", "batch": "light-blue", "command_line": "dark-purple", "caller": "dark-blue", "other": grey},
	"facefusion_outcome": {"completed": "green", "failed": "red", "orphaned": "dark-orange", "deleted": grey},
	"facefusion_job_state": {"drafted": grey, "waiting": "yellow", "running": "blue", "finalizing": "light-blue", "stalled": "orange", "orphaned": "dark-orange", "completed": "green",
		"failed": "red", "unreadable": "purple"},
	"facefusion_exit_reason": {"completed": "green", "terminated": "blue", "failed": "orange", "check_failed": "orange", "crashed": "red", "killed": "dark-red", "oom_killed": "semi-dark-red", "unknown": grey},
	"nvidia_gpu_clock_event": {"sw_power_cap": "yellow", "sw_thermal_slowdown": "orange", "hw_thermal_slowdown": "red", "hw_slowdown": "semi-dark-red",
		"hw_power_brake_slowdown": "dark-red", "sync_boost": "blue", "board_limit": "blue", "reliability": "blue"},
}

// upAndDown are the colours of a pair of directions: received and sent, read and written.
var upAndDown = map[string]string{"read": "blue", "written": "purple", "received": "blue", "sent": "purple"}

// gpuColors are the colours of the GPUs by index.
var gpuColors = []string{"blue", "purple", "super-light-blue", "super-light-purple", "dark-blue", "dark-purple", "light-blue", "light-purple"}

var placeholder = regexp.MustCompile(`\{\{(\w+)\}\}`)

// colored returns the colours of the series of a chart: the chart's own, those of known label
// values, and those of GPUs.
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
