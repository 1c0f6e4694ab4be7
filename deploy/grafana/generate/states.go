package main

import (
	"fmt"
	"slices"
	"strings"
)

// state is one value of a series that encodes states as numbers. A worse state has a greater
// number, so that max() returns the worst one.
type state struct {
	value int
	// matcher selects the series that is 1 in this state.
	matcher     string
	text, color string
}

// quiet marks a state that is neither good nor bad.
const quiet = "rgba(128, 128, 128, 0.25)"

var serverStates = []state{
	{1, `facefusion_server_state="stopped"`, "stopped", quiet},
	{2, `facefusion_server_state="ready"`, "ready", "green"},
	{3, `facefusion_server_state="answering"`, "answering", "green"},
	{4, `facefusion_server_state="not_probed"`, "not probed", quiet},
	{5, `facefusion_server_state="starting"`, "starting", "blue"},
	{6, `facefusion_server_state="saturated"`, "saturated", "orange"},
	{7, `facefusion_server_state="unhealthy"`, "unhealthy", "red"},
	{8, `facefusion_server_state="unresponsive"`, "unresponsive", "red"},
	{9, `facefusion_server_state="down"`, "down", "dark-red"},
}

var folderStates = []state{
	{1, `facefusion_job_folder_state="open"`, "open", "green"},
	{2, `facefusion_job_folder_state="absent"`, "absent", quiet},
	{3, `facefusion_job_folder_state="unreachable"`, "unreachable", "orange"},
	{4, `facefusion_job_folder_state="denied"`, "denied", "red"},
	{5, `facefusion_job_folder_state="unknown"`, "unknown", quiet},
	{6, `facefusion_job_folder_state="not_visible"`, "not visible", "red"},
	{7, `facefusion_job_folder_state="error"`, "error", "red"},
	{8, `facefusion_job_folder_state="share_unresponsive"`, "share unresponsive", "red"},
	{9, `facefusion_job_folder_state="claim_refused"`, "claim refused", "orange"},
}

var configurationStates = []state{
	{1, `facefusion_instance_configuration_state="matched"`, "matched", "green"},
	{2, `facefusion_instance_configuration_state="waiting"`, "waiting", "blue"},
	{3, `facefusion_instance_configuration_state="denied"`, "denied", "orange"},
	{4, `facefusion_instance_configuration_state="share_unresponsive"`, "share unresponsive", "red"},
	{5, `facefusion_instance_configuration_state="unmatched"`, "unmatched", "red"},
}

var processStates = []state{
	{1, `facefusion_process_visibility="complete"`, "all", "green"},
	{2, `facefusion_process_visibility="folders_denied"`, "folders denied", "orange"},
	{3, `facefusion_process_visibility="processes_denied"`, "processes denied", "orange"},
	{4, `facefusion_process_visibility="processes_hidden"`, "processes hidden", "red"},
}

var faultStates = []state{
	{3, `nvidia_gpu_fault="page_retirement_pending"`, "page retirement pending", "yellow"},
	{4, `nvidia_gpu_fault="row_remap_pending"`, "row remap pending", "yellow"},
	{5, `nvidia_gpu_fault="row_remap_failed"`, "row remap failed", "orange"},
	{6, `nvidia_gpu_fault="no_permission"`, "no permission", "orange"},
	{7, `nvidia_gpu_fault="driver_error"`, "driver error", "red"},
	{8, `nvidia_gpu_fault="wedged"`, "hangs", "red"},
	{9, `nvidia_gpu_fault="reset_required"`, "reset required", "dark-red"},
	{10, `nvidia_gpu_fault="lost"`, "lost", "dark-red"},
}

// The states of a GPU without a fault come from two other metrics.
var (
	wellState   = state{1, `hw_state="ok"`, "well", "green"}
	asleepState = state{2, "", "asleep", "blue"}
)

// The reasons of reduced clocks. A GPU whose clocks are not reduced has no value.
var clockStates = []state{
	{1, `nvidia_gpu_clock_event="gpu_idle"`, "idle", quiet},
	{2, `nvidia_gpu_clock_event=~"applications_clocks_setting|display_clock_setting|sync_boost|board_limit|reliability"`, "a setting", "blue"},
	{3, `nvidia_gpu_clock_event="sw_power_cap"`, "power limit", "yellow"},
	{4, `nvidia_gpu_clock_event="sw_thermal_slowdown"`, "heat", "orange"},
	{5, `nvidia_gpu_clock_event=~"hw_thermal_slowdown|hw_slowdown"`, "heat, hardware", "red"},
	{6, `nvidia_gpu_clock_event="hw_power_brake_slowdown"`, "power brake", "dark-red"},
}

// The recovery actions of the driver. A reset may need a drain first.
var recoveryStates = []state{
	{2, `nvidia_gpu_recovery_action="drain"`, "drain", "yellow"},
	{4, `nvidia_gpu_recovery_action="reset"`, "reset", "orange"},
	{5, `nvidia_gpu_recovery_action="reboot"`, "reboot", "red"},
}

var driverStates = []state{
	{1, `nvidia_driver_state="available"`, "available", "green"},
	{2, `nvidia_driver_state="released"`, "released", "blue"},
	{3, `nvidia_driver_state="suspended"`, "suspended", "blue"},
	{4, `nvidia_driver_state="library_not_found"`, "no library", quiet},
	{5, `nvidia_driver_state="no_nvml"`, "no NVIDIA GPU", quiet},
	{6, `nvidia_driver_state!~"available|released|suspended|library_not_found|no_nvml"`, "not usable", "orange"},
}

var xidWatchStates = []state{
	{1, `nvidia_xid_watch_state="watching"`, "watching", "green"},
	{2, `nvidia_xid_watch_state="unavailable"`, "unavailable", quiet},
	{3, `nvidia_xid_watch_state="failing"`, "failing", "orange"},
}

var visibilityStates = []state{
	{1, `nvidia_process_visibility="visible"`, "visible", "green"},
	{2, `nvidia_process_visibility="translated"`, "translated", "green"},
	{3, `nvidia_process_visibility="none"`, "no process", quiet},
	{4, `nvidia_process_visibility="memory_only"`, "memory only", "yellow"},
	{5, `nvidia_process_visibility="foreign"`, "foreign", "orange"},
	{6, `nvidia_process_visibility=~"unsupported|unreliable|failing"`, "not listed", "orange"},
}

// worst is the query of the worst state since the previous point of the graph, so that a short
// state is visible where a point covers minutes.
func worst(by string, terms ...[]string) string {
	return "max by (" + by + ") (\n    " + strings.Join(slices.Concat(terms...), "\n  or\n    ") + "\n)"
}

// during returns the terms of worst for the states of a metric.
func during(metric, variables string, states []state) []string {
	return terms(metric, variables, states, "%d * max_over_time(%s{%s}[$__rate_interval]) > 0")
}

// now returns the same terms for the current value.
func now(metric, variables string, states []state) []string {
	return terms(metric, variables, states, "%d * %s{%s} > 0")
}

func terms(metric, variables string, states []state, format string) []string {
	var list []string
	for _, s := range states {
		matchers := variables
		if s.matcher != "" {
			matchers += ", " + s.matcher
		}
		list = append(list, fmt.Sprintf(format, s.value, metric, matchers))
	}
	return list
}

func valueMapping(states []state) mapping {
	options := map[string]any{}
	for i, s := range states {
		options[fmt.Sprint(s.value)] = map[string]any{"text": s.text, "color": s.color, "index": i}
	}
	return mapping{Type: "value", Options: options}
}
