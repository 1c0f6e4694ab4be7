package main

import "fmt"

// The collapsed rows of the GPU dashboard.

func share() []panel {
	return []panel{
		chart{
			title: "GPU time by instance", unit: "none", min: is(0.0), empty: "the driver does not report whose time it is",
			about:    "How many GPUs each instance keeps busy, its children (ffmpeg) included: 1 is one GPU without a pause.",
			queries:  []query{{`sum by (host_name, service_instance_id) (avg_over_time(facefusion_gpu_utilization_ratio{@gpu, hw_gpu_task="general"}[$__rate_interval]))`, perInstance}},
			runbooks: []string{"FaceFusionOnCPU", "CollectorGPUShareUnknown"},
		}.areas(),
		chart{
			title: "GPU memory by instance", unit: "bytes", min: is(0.0), empty: "the driver does not report whose memory it is",
			about:    "Models stay in memory between jobs: that it does not go down is no leak.",
			queries:  []query{{`sum by (host_name, service_instance_id) (avg_over_time(facefusion_gpu_memory_usage_bytes{@gpu}[$__rate_interval]))`, perInstance}},
			runbooks: []string{"GPUMemoryFull"},
		}.areas(),
		chart{
			title: "Memory of others", unit: "bytes", min: is(0.0), empty: "the driver does not report whose memory it is",
			about:   "What the processes of other programs have on each GPU, in total. It is missing where the driver does not report whose memory it is.",
			queries: []query{{`avg_over_time(nvidia_gpu_memory_others_usage_bytes{@gpu}[$__rate_interval])`, perGPU}},
		}.lines(),
	}
}

func clocks() []panel {
	var panels []panel
	for _, domain := range []struct{ name, title, about string }{
		{"sm", "Clock of the multiprocessors", "What computes."},
		{"memory", "Clock of the memory", "What feeds it."},
	} {
		panels = append(panels, chart{
			title: domain.title, unit: "hertz", min: is(0.0), empty: "no GPU seen",
			about: domain.about + " The dashed line is the highest possible, the lowest of all GPUs.",
			queries: []query{
				{fmt.Sprintf(`avg_over_time(nvidia_gpu_clock_frequency_hertz{@gpu, nvidia_gpu_clock_domain="%s"}[$__rate_interval])`, domain.name), perGPU},
				{fmt.Sprintf(`min(nvidia_gpu_clock_limit_hertz{@gpu, nvidia_gpu_clock_domain="%s"})`, domain.name), "limit"},
			},
			overrides: []override{limit("/^limit/")},
			runbooks:  []string{"GPUThermalThrottling", "GPUPowerCapped"},
		}.lines())
	}
	return append(panels, chart{
		title: "Time held down", unit: "percentunit", min: is(0.0), interval: "5m", empty: "never",
		about: "How often each reason held, over all GPUs. More than one may hold at the same time, hence they may add up to more than 100 %.",
		queries: []query{{`
avg by (nvidia_gpu_clock_event) (
  avg_over_time(nvidia_gpu_clock_event_active{@gpu, nvidia_gpu_clock_event!~"gpu_idle|applications_clocks_setting|display_clock_setting"}[$__rate_interval])
) > 0`, "{{nvidia_gpu_clock_event}}"}},
		runbooks: []string{"GPUThermalThrottling", "GPUPowerBrake", "GPUPowerCapped"},
	}.bars())
}

func engines() []panel {
	return []panel{
		wide(9, chart{
			title: "Encoder and decoder, peak", unit: "percentunit", min: is(0.0), max: is(1.0), empty: "no GPU seen",
			about: "The engines that ffmpeg uses with nvenc and nvdec. Idle while videos are made: ffmpeg works on the CPU. The decoder is dashed.",
			queries: []query{
				{`max by (host_name, hw_name) (max_over_time(nvidia_gpu_utilization_max_ratio{@gpu, hw_gpu_task="encoder"}[$__rate_interval]))`, perGPU + " encoder"},
				{`max by (host_name, hw_name) (max_over_time(nvidia_gpu_utilization_max_ratio{@gpu, hw_gpu_task="decoder"}[$__rate_interval]))`, perGPU + " decoder"},
			},
			overrides: []override{dashed("/decoder$/")},
		}.lines()),
		chart{
			title: "Encoder sessions", unit: "none", min: is(0.0), least: is(3.0), decimals: is(0), empty: "no GPU seen",
			about:   "Consumer GPUs allow a few at the same time; the next ffmpeg fails.",
			queries: []query{{`max_over_time(nvidia_gpu_encoder_sessions{@gpu}[$__rate_interval])`, perGPU}},
		}.lines(),
		chart{
			title: "Encoder, frames", unit: "suffix: fps", min: is(0.0), empty: "no session",
			about:   "The mean of the sessions.",
			queries: []query{{`avg_over_time(nvidia_gpu_encoder_frame_rate_per_second{@gpu}[$__rate_interval])`, perGPU}},
		}.lines(),
		chart{
			title: "Encoder, latency", unit: "s", min: is(0.0), empty: "no session",
			about:   "The mean of the sessions.",
			queries: []query{{`max_over_time(nvidia_gpu_encoder_latency_seconds{@gpu}[$__rate_interval])`, perGPU}},
		}.lines(),
	}
}

func bus() []panel {
	return []panel{
		chart{
			title: "PCIe", unit: "Bps", empty: "not reported by these GPUs",
			about: "What the GPU receives (above) and sends (below).",
			queries: []query{
				{`rate(hw_gpu_io_bytes_total{@gpu, network_io_direction="receive"}[$__rate_interval])`, perGPU + " receives"},
				{`-rate(hw_gpu_io_bytes_total{@gpu, network_io_direction="transmit"}[$__rate_interval])`, perGPU + " sends"},
			},
		}.lines(),
		chart{
			title: "PCIe link", unit: "percentunit", min: is(0.0), max: is(1.0), empty: "not reported by these GPUs",
			about: "The lanes in use, of those that GPU and slot can do together. Fewer are a fault of the slot, the riser or the board. (That the generation goes down while a GPU is idle is " +
				"ordinary, and not shown.)",
			queries:  []query{{`nvidia_gpu_pcie_link_width{@gpu} / nvidia_gpu_pcie_link_width_max{@gpu}`, perGPU}},
			runbooks: []string{"GPULinkNarrow", "GPULinkSlow"},
		}.lines(),
		chart{
			title: "Memory controller", unit: "percentunit", min: is(0.0), max: is(1.0), empty: "not reported by these GPUs",
			about:   "The part of the time in which the memory of the GPU was read or written. High: the work waits for the memory, and a faster clock of the multiprocessors would not help.",
			queries: []query{{`avg_over_time(nvidia_gpu_memory_controller_utilization_ratio{@gpu}[$__rate_interval])`, perGPU}},
		}.lines(),
		chart{
			title: "BAR1", unit: "percentunit", min: is(0.0), max: is(1.0), empty: "not reported by these GPUs",
			about:   "How much of the window is in use through which the host sees the memory of the GPU.",
			queries: []query{{`nvidia_gpu_bar1_usage_bytes{@gpu} / nvidia_gpu_bar1_limit_bytes{@gpu}`, perGPU}},
		}.lines(),
	}
}

// recovery is the panel of recovery actions, on a line of its own.
func recovery() panel {
	return chart{
		title:    "What the driver asks for",
		about:    "What must be done before a GPU can be relied on again: drain it (start nothing new on it), reset it, or reboot the host. Drivers before R570 do not say.",
		empty:    "not reported by these drivers",
		states:   append([]state{wellState}, recoveryStates...),
		queries:  []query{{worst("host_name, hw_name", during("hw_status", "@gpu", []state{wellState}), during("nvidia_gpu_recovery_action", "@gpu", recoveryStates)), perGPU}},
		runbooks: []string{"GPUXid", "GPUDegraded"},
	}.timeline()
}

func gpuErrors() []panel {
	lifetime := chart{
		title: "In a board's life", unit: "none", decimals: is(0), empty: "none, or no ECC",
		about:    "Memory errors that the board counts itself, and what was retired or remapped because of them. When a board has no spare rows left, it must be replaced.",
		queries:  []query{{`sum by (host_name, hw_name, error_type) (hw_errors_total{@gpu, error_type=~"aggregate_.+|retired_.+|remapped_.+"}) > 0`, perGPU + " {{error_type}}"}},
		runbooks: []string{"GPUMemoryErrors", "GPUDegraded"},
	}.gauges()
	// Wide columns: the names are long.
	lifetime.Options["namePlacement"] = "top"
	return []panel{
		chart{
			title: "XIDs", unit: "none", min: is(0.0), decimals: is(0), interval: "5m", empty: "none",
			about: "What the driver reports, by its number. Most are the fault of the program that used the GPU; 46, 48, 62, 64, 74, 79, 95, 109, 119, 120, 140, 143 and 154 are the hardware or its firmware.",
			queries: []query{
				{`sum by (host_name, hw_name, error_type) (increase(hw_errors_total{@gpu, error_type=~"xid_.+"}[$__rate_interval])) > 0`, perGPU + " {{error_type}}"},
				{"sum by (host_name) (" + counted("nvidia_gpu_xid_unmatched_total{@host}", "$__rate_interval") + ") > 0", "{{host_name}} not watched"},
			},
			overrides: []override{fixed("byRegexp", "/ xid_/", "orange"), fixed("byRegexp", "/ xid_(46|48|62|64|74|79|95|109|119|120|140|143|154)$/", "red")},
			runbooks:  []string{"GPUXid", "GPUXidOther"},
		}.bars(),
		chart{
			title: "Memory and bus errors", unit: "none", min: is(0.0), decimals: is(0), interval: "5m", empty: "none",
			about:     "Corrected errors cost nothing; many of them announce an uncorrected one. PCIe replays are a matter of the slot or the riser.",
			queries:   []query{{`sum by (host_name, hw_name, error_type) (increase(hw_errors_total{@gpu, error_type=~"corrected|uncorrected|pcie_replay"}[$__rate_interval])) > 0`, perGPU + " {{error_type}}"}},
			overrides: []override{fixed("byRegexp", "/ uncorrected$/", "red"), fixed("byRegexp", "/ corrected$/", "yellow"), fixed("byRegexp", "/ pcie_replay$/", "blue")},
			runbooks:  []string{"GPUMemoryErrors", "GPULinkNarrow"},
		}.bars(),
		lifetime,
		chart{
			title: "Readings that failed or cannot be", unit: "none", min: is(0.0), least: is(3.0), decimals: is(0), interval: "5m", empty: "none",
			about: "Answers of the driver that were dropped, such as more memory used than there is, and calls that failed while the GPU answered others: their series are missing. " +
				"A driver that gives many is worth an update.",
			queries: []query{
				{"sum by (host_name, hw_name, nvidia_gpu_reading) (" + counted("nvidia_gpu_reading_implausible_total{@gpu}", "$__rate_interval") + ") > 0", perGPU + " {{nvidia_gpu_reading}}"},
				{"sum by (host_name, hw_name, nvidia_gpu_reading, error_type) (" + counted("nvidia_gpu_reading_failed_total{@gpu}", "$__rate_interval") + ") > 0", perGPU + " {{nvidia_gpu_reading}} {{error_type}}"},
			},
			runbooks: []string{"CollectorGPUReadingFailing"},
		}.bars(),
	}
}

func slowChanges() []panel {
	return []panel{
		chart{
			title: "Hotter than a week ago", unit: "celsius", empty: "no data of a week ago", interval: "5m",
			about: "The mean temperature of the die over a day, less that of the same day a week before. Under the same load, a rise is dust, a fan or the room.",
			queries: []query{{`
avg_over_time(hw_temperature_celsius{@gpu, hw_sensor_location="gpu"}[1d])
  - avg_over_time(hw_temperature_celsius{@gpu, hw_sensor_location="gpu"}[1d] offset 1w)`, perGPU}},
			runbooks: []string{"GPUHot"},
		}.lines(),
		chart{
			title: "Heat for each watt", unit: "suffix: °C/W", decimals: is(2), interval: "5m", empty: "no GPU seen",
			about: "Temperature of the die by power, both as the mean over a day: how well the heat gets away, whatever the load. It rises as dust gathers and paste dries.",
			queries: []query{{`
avg_over_time(hw_temperature_celsius{@gpu, hw_sensor_location="gpu"}[1d])
  / on (host_name, hw_name) group_left () avg_over_time(hw_power_watts{@gpu}[1d])`, perGPU}},
			runbooks: []string{"GPUHot"},
		}.lines(),
		chart{
			title: "Busier than a week ago", unit: "percentunit", empty: "no data of a week ago", interval: "5m",
			about: "The mean utilization over a day, less that of the same day a week before.",
			queries: []query{{`
avg_over_time(hw_gpu_utilization_ratio{@gpu, hw_gpu_task="general"}[1d])
  - avg_over_time(hw_gpu_utilization_ratio{@gpu, hw_gpu_task="general"}[1d] offset 1w)`, perGPU}},
		}.lines(),
	}
}

func inventory() panel {
	by := "max by (host_name, hw_name) "
	return chart{
		title: "Inventory", about: "What GPUs there are, and what drives them.", empty: "no GPU seen",
		runbooks: []string{"GPUMissing"},
	}.table([]column{
		{label: "host_name", title: "Host"},
		{label: "hw_name", title: "GPU", width: 80},
		{label: "hw_model", title: "Model"},
		{label: "hw_driver_version", title: "Driver", width: 110},
		{label: "nvidia_cuda_version", title: "CUDA", width: 80},
		{label: "hw_firmware_version", title: "VBIOS", width: 150},
		{label: "nvidia_gpu_pci_address", title: "PCI address", width: 150},
		{expr: `max by (host_name, hw_name, hw_model, hw_driver_version, nvidia_cuda_version, hw_firmware_version, nvidia_gpu_pci_address) (nvidia_gpu_info{@gpu, hw_parent=""})`},
		{expr: by + `(hw_gpu_memory_limit_bytes{@gpu})`, title: "Memory", unit: "bytes", width: 100},
		{expr: by + `(nvidia_gpu_power_limit_watts{@gpu, nvidia_gpu_power_limit_type="enforced"})`, title: "Power limit", unit: "watt", width: 110},
		{expr: by + `(nvidia_gpu_pcie_link_generation_max{@gpu})`, title: "PCIe generation", unit: "none", width: 140},
		{expr: by + `(nvidia_gpu_pcie_link_width_max{@gpu})`, title: "PCIe lanes", unit: "none", width: 100},
		{expr: by + `(nvidia_gpu_performance_state{@gpu})`, title: "Performance state", unit: "prefix:P", width: 160},
	}, "Host")
}
