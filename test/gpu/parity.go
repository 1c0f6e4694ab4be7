//go:build linux && cgo

package main

import (
	"strconv"
	"strings"
)

// figure is a sample of the page, and what nvidia-smi calls it.
type figure struct {
	metric string
	labels map[string]string
	// source is a field of --query-gpu, or a path in the XML.
	source string
	// unit is what one of nvidia-smi's is worth in ours.
	unit float64
	// rounding is what may be lost by rounding of a figure that is not exact, in ours; a unit
	// without it.
	rounding float64
	// exact figures are counts, generations and widths: one that is off by one is wrong.
	exact bool
	// zeroIsAbsent: a zero of nvidia-smi is a board without the sensor.
	zeroIsAbsent bool
	// read understands the text; nil for a number with or without a unit.
	read func(text string) (float64, bool)
}

// numeric reads a number, perhaps with a unit behind it. "[N/A]" and the like are none.
func numeric(text string) (float64, bool) {
	fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(text), "P"))
	if len(fields) == 0 {
		return 0, false
	}
	v, err := strconv.ParseFloat(fields[0], 64)
	return v, err == nil
}

const (
	mib = 1 << 20
	mhz = 1e6
)

type labelSet = map[string]string

func exactly(metric string, l labelSet, source string) figure {
	return figure{metric: metric, labels: l, source: source, unit: 1, exact: true}
}

func about(metric string, l labelSet, source string, unit float64) figure {
	return figure{metric: metric, labels: l, source: source, unit: unit}
}

func sensor(metric string, l labelSet, source string, unit float64) figure {
	return figure{metric: metric, labels: l, source: source, unit: unit, zeroIsAbsent: true}
}

// figures are all values that nvidia-smi reports.
var figures = append(append([]figure{
	about("hw_gpu_memory_limit_bytes", nil, "memory.total", mib),
	about("hw_gpu_memory_usage_bytes", nil, "memory.used", mib),
	about("nvidia_gpu_memory_others_usage_bytes", nil, "/processes", mib),
	sensor("hw_temperature_celsius", labelSet{"hw_sensor_location": "gpu"}, "temperature.gpu", 1),
	sensor("hw_temperature_celsius", labelSet{"hw_sensor_location": "memory"}, "temperature.memory", 1),
	threshold(labelSet{"hw_sensor_location": "gpu", "hw_limit_type": "high.critical"}, "/temperature/gpu_temp_max_threshold"),
	threshold(labelSet{"hw_sensor_location": "gpu", "hw_limit_type": "high.degraded"}, "/temperature/gpu_temp_slow_threshold"),
	threshold(labelSet{"hw_sensor_location": "gpu", "hw_limit_type": "max"}, "/temperature/gpu_temp_max_gpu_threshold"),
	threshold(labelSet{"hw_sensor_location": "memory", "hw_limit_type": "max"}, "/temperature/gpu_temp_max_mem_threshold"),
	watts("hw_power_watts", nil, "power.draw"),
	watts("nvidia_gpu_power_limit_watts", labelSet{"nvidia_gpu_power_limit_type": "enforced"}, "enforced.power.limit"),
	watts("nvidia_gpu_power_limit_watts", labelSet{"nvidia_gpu_power_limit_type": "default"}, "power.default_limit"),
	watts("nvidia_gpu_power_limit_watts", labelSet{"nvidia_gpu_power_limit_type": "minimum"}, "power.min_limit"),
	watts("nvidia_gpu_power_limit_watts", labelSet{"nvidia_gpu_power_limit_type": "maximum"}, "power.max_limit"),
	clock("frequency", "graphics", "clocks.gr"), clock("frequency", "sm", "clocks.sm"), clock("frequency", "memory", "clocks.mem"), clock("frequency", "video", "clocks.video"),
	clock("limit", "graphics", "clocks.max.gr"), clock("limit", "sm", "clocks.max.sm"), clock("limit", "memory", "clocks.max.mem"), clock("limit", "video", "/max_clocks/video_clock"),
	utilization("general", "utilization.gpu"), utilization("encoder", "utilization.encoder"), utilization("decoder", "utilization.decoder"),
	utilization("jpeg", "utilization.jpeg"), utilization("ofa", "utilization.ofa"),
	about("nvidia_gpu_memory_controller_utilization_ratio", nil, "utilization.memory", 0.01),
	about("hw_fan_speed_ratio", nil, "fan.speed", 0.01),
	about("nvidia_gpu_encoder_frame_rate_per_second", nil, "encoder.stats.averageFps", 1),
	about("nvidia_gpu_encoder_latency_seconds", nil, "encoder.stats.averageLatency", 1e-6),
	about("nvidia_gpu_bar1_limit_bytes", nil, "/bar1_memory_usage/total", mib),
	about("nvidia_gpu_bar1_usage_bytes", nil, "/bar1_memory_usage/used", mib),
	exactly("nvidia_gpu_encoder_sessions", nil, "encoder.stats.sessionCount"),
	exactly("nvidia_gpu_performance_state", nil, "pstate"),
	exactly("nvidia_gpu_pcie_link_generation", nil, "pcie.link.gen.current"),
	exactly("nvidia_gpu_pcie_link_generation_max", nil, "pcie.link.gen.max"),
	exactly("nvidia_gpu_pcie_link_width", nil, "pcie.link.width.current"),
	exactly("nvidia_gpu_pcie_link_width_max", nil, "pcie.link.width.max"),
	exactly("nvidia_gpu_count", nil, "/count"),
	failures("corrected", "ecc.errors.corrected.volatile.total"), failures("uncorrected", "ecc.errors.uncorrected.volatile.total"),
	failures("aggregate_corrected", "ecc.errors.corrected.aggregate.total"), failures("aggregate_uncorrected", "ecc.errors.uncorrected.aggregate.total"),
	failures("retired_page_single_bit", "retired_pages.single_bit_ecc.count"), failures("retired_page_double_bit", "retired_pages.double_bit.count"),
	failures("remapped_row_corrected", "/remapped_rows/remapped_row_corr"), failures("remapped_row_uncorrected", "/remapped_rows/remapped_row_unc"),
	failures("pcie_replay", "/pci/replay_counter"),
	identity("hw_model", "name", func(s string) string { return s }),
	identity("hw_firmware_version", "vbios_version", func(s string) string { return s }),
	identity("hw_driver_version", "driver_version", func(s string) string { return s }),
	identity("nvidia_gpu_pci_address", "pci.bus_id", kernelAddress),
	identity("hw_name", "index", func(s string) string { return "GPU " + s }),
	fault("row_remap_failed", rowRemapper, "failed"), fault("row_remap_pending", rowRemapper, "pending"),
	fault("page_retirement_pending", "retired_pages.pending", "yes"),
}, clockEvents()...), recoveryActions()...)

// watts are reported with two digits.
func watts(metric string, l labelSet, source string) figure {
	f := sensor(metric, l, source, 1)
	f.rounding = 0.01
	return f
}

func threshold(l labelSet, source string) figure {
	return figure{metric: "hw_temperature_limit_celsius", labels: l, source: source, unit: 1, exact: true, zeroIsAbsent: true}
}

func clock(kind, domain, source string) figure {
	return sensor("nvidia_gpu_clock_"+kind+"_hertz", labelSet{"nvidia_gpu_clock_domain": domain}, source, mhz)
}

func utilization(task, source string) figure {
	return about("hw_gpu_utilization_ratio", labelSet{"hw_gpu_task": task}, source, 0.01)
}

func failures(kind, source string) figure {
	return exactly("hw_errors_total", labelSet{"error_type": kind}, source)
}

// fault is a reason for which a GPU is degraded. The page has all of them, also where a GPU cannot
// have one.
func fault(reason, source, when string) figure {
	f := exactly("nvidia_gpu_fault", labelSet{"nvidia_gpu_fault": reason}, source)
	f.read = func(text string) (float64, bool) {
		if strings.EqualFold(text, when) {
			return 1, true
		}
		return 0, true
	}
	return f
}

// identity is a label: the page has it when there is a sample with it.
func identity(label, source string, ours func(string) string) figure {
	return figure{metric: "nvidia_gpu_info", source: source, labels: labelSet{labelOf: label}, exact: true, unit: 1,
		read: func(text string) (float64, bool) {
			return hash(ours(text)), text != "" && !strings.Contains(text, "N/A")
		}}
}

// labelOf is not a label of the page, but says which one is compared instead of the value.
const labelOf = " label"

// hash makes text comparable as a number.
func hash(text string) float64 {
	h := uint64(14695981039346656037)
	for _, b := range []byte(text) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return float64(h >> 12) // exact in a float64
}

// kernelAddress writes 00000000:41:00.0 as the kernel does.
func kernelAddress(text string) string {
	text = strings.ToLower(text)
	if domain, rest, ok := strings.Cut(text, ":"); ok && len(domain) == 8 {
		return domain[4:] + ":" + rest
	}
	return text
}

// clockEvents are the bits of what holds the clocks down.
func clockEvents() (list []figure) {
	for bit, name := range []string{"gpu_idle", "applications_clocks_setting", "sw_power_cap", "hw_slowdown", "sync_boost", "sw_thermal_slowdown", "hw_thermal_slowdown",
		"hw_power_brake_slowdown", "display_clock_setting"} {
		f := exactly("nvidia_gpu_clock_event_active", labelSet{"nvidia_gpu_clock_event": name}, "clocks_event_reasons.active")
		f.read = func(text string) (float64, bool) {
			bits, err := strconv.ParseUint(text, 0, 64)
			return float64(bits >> bit & 1), err == nil
		}
		list = append(list, f)
	}
	return list
}

func recoveryActions() (list []figure) {
	for action, texts := range map[string][]string{
		"reset": {"reset", "gpu reset", "drain and reset"}, "reboot": {"reboot", "node reboot"}, "drain": {"drain p2p"},
	} {
		f := exactly("nvidia_gpu_recovery_action", labelSet{"nvidia_gpu_recovery_action": action}, "gpu_recovery_action")
		f.read = func(text string) (float64, bool) {
			for _, t := range texts {
				if strings.EqualFold(t, text) {
					return 1, true
				}
			}
			return 0, !strings.Contains(text, "N/A") && text != ""
		}
		list = append(list, f)
	}
	return list
}

// notCompared are the metrics of GPUs that nvidia-smi does not report, with the reason. A test
// holds figures and this list to documentation.md.
var notCompared = map[string]string{
	"hw.energy":                               "nvidia-smi has no counter of it; compared with the integral of power",
	"hw.gpu.io":                               "nvidia-smi has the rate of one moment only, and blocks for 20 ms for it",
	"hw.gpu.memory.utilization":               "the quotient of two that are compared",
	"hw.status":                               "the collector's verdict; nvidia-smi has none",
	"hw.fan.speed":                            "revolutions are not in nvidia-smi",
	"nvidia.driver.state":                     "about the collector's library",
	"nvidia.gpu.process.visibility":           "about the collector's pid namespace",
	"nvidia.gpu.reading.failed":               "about the collector's own calls",
	"nvidia.gpu.reading.implausible":          "about the collector's own calls",
	"nvidia.gpu.selection.unmatched":          "about the collector's configuration",
	"nvidia.gpu.suspended":                    "nvidia-smi wakes a GPU that sleeps",
	"nvidia.gpu.utilization.max":              "compared under a load of known shape",
	"nvidia.gpu.xid.last":                     "nvidia-smi does not report XIDs",
	"nvidia.gpu.xid.unmatched":                "nvidia-smi does not report XIDs",
	"nvidia.gpu.xid.watch":                    "nvidia-smi does not report XIDs",
	"nvidia.gpu.clock.event.time":             "off by default; its unit is not certain, and nvidia-smi of before 570 does not report it",
	"nvidia.gpu.nvlink.io":                    "off by default; nvidia-smi has it for each link, in another command",
	"nvidia.gpu.engine.utilization":           "off by default; nvidia-smi does not measure engines",
	"nvidia.gpu.graphics.utilization":         "off by default; nvidia-smi does not measure engines",
	"nvidia.gpu.memory.bandwidth.utilization": "off by default; nvidia-smi does not measure engines",
	"nvidia.gpu.nvlink.throughput":            "off by default; nvidia-smi does not measure engines",
	"nvidia.gpu.pcie.throughput":              "off by default; nvidia-smi does not measure engines",
	"nvidia.gpu.pipe.utilization":             "off by default; nvidia-smi does not measure engines",
	"nvidia.gpu.sm.occupancy":                 "off by default; nvidia-smi does not measure engines",
	"nvidia.gpu.sm.utilization":               "off by default; nvidia-smi does not measure engines",
	"facefusion.gpu.memory.usage":             "nvidia-smi does not know FaceFusion; what a process has is compared as attribution",
	"facefusion.gpu.utilization":              "nvidia-smi does not know FaceFusion",
}
