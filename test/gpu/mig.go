//go:build linux && cgo

package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// migParent is the UUID of the GPU in the answers about a MIG device; those about a GPU have none.
const migParent = "/mig/parent"

// migFigures are those of a MIG device. nvidia-smi reports no utilization, power or clocks of one,
// and NVML neither.
var migFigures = []figure{
	about("hw_gpu_memory_limit_bytes", nil, "/mig/memory_total", mib),
	about("hw_gpu_memory_usage_bytes", nil, "/mig/memory_used", mib),
	about("nvidia_gpu_memory_others_usage_bytes", nil, "/mig/processes", mib),
	identity("hw_parent", migParent, func(s string) string { return s }),
	identity("hw_name", "/mig/name", func(s string) string { return s }),
}

// figuresOf are those of a GPU or MIG device.
func figuresOf(a smiAnswers) []figure {
	if a[migParent] != "" {
		return migFigures
	}
	return figures
}

var (
	gpuLine = regexp.MustCompile(`^GPU \d+: .*\(UUID: (GPU-[^)]+)\)`)
	migLine = regexp.MustCompile(`^\s+MIG .*Device\s+(\d+): \(UUID: (MIG-[^)]+)\)`)
)

// migUUIDs reads nvidia-smi -L: the UUID of each MIG device by that of its GPU and its number. The
// XML has none.
func migUUIDs(list string) map[string]string {
	found, parent := make(map[string]string), ""
	for line := range strings.Lines(list) {
		if m := gpuLine.FindStringSubmatch(line); m != nil {
			parent = m[1]
		} else if m := migLine.FindStringSubmatch(line); m != nil {
			found[parent+" "+m[1]] = m[2]
		}
	}
	return found
}

// askMIG adds the MIG devices of all GPUs.
func (s *smi) askMIG(ctx context.Context, log *element, all map[string]smiAnswers) error {
	if !divided(log) {
		return nil
	}
	out, err := exec.CommandContext(ctx, s.program, "-L").Output()
	if err != nil {
		return fmt.Errorf("ask nvidia-smi for MIG devices: %w", err)
	}
	addMIG(log, migUUIDs(string(out)), all)
	return nil
}

func divided(log *element) bool {
	for i := range log.Children {
		if len(log.Children[i].child("mig_devices").Children) > 0 {
			return true
		}
	}
	return false
}

func addMIG(log *element, uuids map[string]string, all map[string]smiAnswers) {
	for i := range log.Children {
		gpu := &log.Children[i]
		parent := strings.TrimSpace(gpu.child("uuid").Text)
		whole := all[parent]
		devices := gpu.child("mig_devices").Children
		if whole == nil || len(devices) == 0 {
			continue
		}
		// The page has the processes of a divided GPU at its MIG devices.
		whole["/processes"] = "N/A"
		for j := range devices {
			d := &devices[j]
			number := strings.TrimSpace(d.child("index").Text)
			uuid := uuids[parent+" "+number]
			if uuid == "" {
				// So that it is missing on the page.
				uuid = parent + " MIG " + number
			}
			all[uuid] = smiAnswers{
				migParent:           parent,
				"/mig/name":         "GPU " + whole["index"] + " MIG " + number,
				"/mig/memory_total": d.child("fb_memory_usage", "total").Text,
				"/mig/memory_used":  d.child("fb_memory_usage", "used").Text,
				"/mig/processes":    processMemory(gpu.child("processes"), d),
			}
		}
	}
}

// sameInstance reports whether a process is one of a MIG device.
func sameInstance(process, mig *element) bool {
	for _, id := range []string{"gpu_instance_id", "compute_instance_id"} {
		if strings.TrimSpace(process.child(id).Text) != strings.TrimSpace(mig.child(id).Text) {
			return false
		}
	}
	return true
}
