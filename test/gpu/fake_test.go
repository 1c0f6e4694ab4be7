//go:build linux && cgo

package main

import (
	"fmt"
	"maps"
)

// fakeGPU is a GPU of the fake library as an nvidia-smi would report it. The numbers are those of
// the table at the top of testdata/nvml/fakenvml.c, written once more by hand.
type fakeGPU struct {
	fields map[string]string
	xml    map[string]string
	mig    []fakeMIG
}

// fakeMIG is one of its MIG devices.
type fakeMIG struct{ uuid, total, used string }

// divide makes two MIG devices of a GPU, as the fake library does of GPU N by "gpu.N.mig 2".
func (g fakeGPU) divide(index int) fakeGPU {
	for k := range 2 {
		g.mig = append(g.mig, fakeMIG{fmt.Sprintf("MIG-fa4e0000-0000-0000-%04d-%012d", k+1, index+1), "5120 MiB", fmt.Sprintf("%d MiB", 1024*(k+1))})
	}
	return g
}

// migXML is what -q -x says of the MIG devices, and migList what -L says.
func (g fakeGPU) migXML() string {
	if len(g.mig) == 0 {
		return "None"
	}
	text := ""
	for k, m := range g.mig {
		text += fmt.Sprintf(`<mig_device><index>%d</index><gpu_instance_id>%d</gpu_instance_id><compute_instance_id>0</compute_instance_id>
<fb_memory_usage><total>%s</total><reserved>0 MiB</reserved><used>%s</used></fb_memory_usage></mig_device>
`, k, k+3, m.total, m.used)
	}
	return text
}

func (g fakeGPU) list() string {
	text := fmt.Sprintf("GPU %s: %s (UUID: %s)\n", g.fields["index"], g.fields["name"], g.fields["uuid"])
	for k, m := range g.mig {
		text += fmt.Sprintf("  MIG 1g.5gb      Device  %d: (UUID: %s)\n", k, m.uuid)
	}
	return text
}

func newFakeGPU(index int) fakeGPU {
	n := index + 1
	number := func(v int) string { return fmt.Sprint(v) }
	watts := func(milliwatts int) string { return fmt.Sprintf("%.2f", float64(milliwatts)/1000) }
	return fakeGPU{
		fields: map[string]string{
			"uuid": fmt.Sprintf("GPU-fa4e0000-0000-0000-0000-%012d", n), "index": number(index), "name": fmt.Sprintf("Fake GPU %d", n),
			"vbios_version": fmt.Sprintf("95.02.%02d.00.01", n), "driver_version": "999.42.01", "pci.bus_id": fmt.Sprintf("00000000:%02X:00.0", 64+n),
			"memory.total": number((16 + n) * 1024), "memory.used": number((2 + n) * 1024),
			"temperature.gpu": number(60 + n), "temperature.memory": number(70 + n),
			"power.draw": watts(150_000 + n), "enforced.power.limit": watts(300_000 + n), "power.default_limit": watts(301_000 + n),
			"power.min_limit": watts(302_000 + n), "power.max_limit": watts(303_000 + n),
			"clocks.gr": number(100*n + 10), "clocks.sm": number(100*n + 20), "clocks.mem": number(100*n + 30), "clocks.video": number(100*n + 40),
			"clocks.max.gr": number(1010 + 100*n), "clocks.max.sm": number(1020 + 100*n), "clocks.max.mem": number(1030 + 100*n),
			"utilization.gpu": number(40 + n), "utilization.encoder": number(20 + n), "utilization.decoder": number(10 + n),
			"utilization.jpeg": "[N/A]", "utilization.ofa": "[N/A]", "utilization.memory": number(6 + n),
			"fan.speed": number(30 + n), "pstate": fmt.Sprintf("P%d", n),
			"encoder.stats.sessionCount": number(n), "encoder.stats.averageFps": number(20 + n), "encoder.stats.averageLatency": number(1000 * n),
			"pcie.link.gen.current": number(n + 1), "pcie.link.gen.max": "4", "pcie.link.width.current": "8", "pcie.link.width.max": "16",
			"ecc.errors.corrected.volatile.total": number(10*n + 1), "ecc.errors.uncorrected.volatile.total": number(10*n + 2),
			"ecc.errors.corrected.aggregate.total": number(10*n + 3), "ecc.errors.uncorrected.aggregate.total": number(10*n + 4),
			"retired_pages.single_bit_ecc.count": number(n), "retired_pages.double_bit.count": number(n + 1), "retired_pages.pending": "No",
			"clocks_event_reasons.active": "0x0000000000000004", "gpu_recovery_action": "None",
		},
		xml: map[string]string{
			"/temperature/gpu_temp_max_threshold": number(80+n) + " C", "/temperature/gpu_temp_slow_threshold": number(85+n) + " C",
			"/temperature/gpu_temp_max_mem_threshold": number(90+n) + " C", "/temperature/gpu_temp_max_gpu_threshold": number(95+n) + " C",
			"/max_clocks/video_clock": number(1040+100*n) + " MHz", "/bar1_memory_usage/total": "256 MiB", "/bar1_memory_usage/used": number(n) + " MiB",
			"/remapped_rows/remapped_row_corr": number(n), "/remapped_rows/remapped_row_unc": number(n + 1), "/remapped_rows/remapped_row_pending": "No", "/remapped_rows/remapped_row_failure": "No", "/pci/replay_counter": number(5 + n),
			"/processes": "0", "/count": "2",
		},
	}
}

// answers is what the kit makes of it.
func (g fakeGPU) answers() smiAnswers {
	a := smiAnswers{}
	maps.Copy(a, g.fields)
	maps.Copy(a, g.xml)
	a[rowRemapper] = "none"
	return a
}

func fakeAnswers() map[string]smiAnswers {
	all := make(map[string]smiAnswers)
	for i := range 2 {
		a := newFakeGPU(i).answers()
		all[a["uuid"]] = a
	}
	return all
}
