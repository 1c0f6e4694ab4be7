package main

const noContainer = "no FaceFusion runs in a container or a service of systemd"

// containerLimits are the panels of a container's usage and limits.
func containerLimits() []panel {
	const by = "max by (service_instance_id) "
	return []panel{
		chart{
			title: "Memory of containers", unit: "bytes", min: is(0.0), empty: noContainer,
			about: "The working set is what the kernel cannot take back: where it reaches the limit, it kills. Peak is the most since the container was made.",
			queries: []query{
				{by + `(container_memory_working_set_bytes{@instance})`, "{{service_instance_id}} working set"},
				{by + `(container_memory_usage_bytes{@instance})`, "{{service_instance_id}} with page cache"},
				{by + `(facefusion_container_memory_limit_bytes{@instance})`, "{{service_instance_id}} limit"},
				{by + `(facefusion_container_memory_peak_bytes{@instance})`, "{{service_instance_id}} peak"},
			},
			runbooks: []string{"FaceFusionContainerMemoryFull", "FaceFusionOutOfMemory"},
		}.lines(),
		chart{
			title: "CPU of containers", unit: "none", min: is(0.0), empty: noContainer,
			about: "Cores in use, and the quota. Throttled is for how many cores' worth of work the quota made it wait.",
			queries: []query{
				{`sum by (service_instance_id) (rate(container_cpu_time_seconds_total{@instance}[$__rate_interval]))`, "{{service_instance_id}} used"},
				{by + `(facefusion_container_cpu_limit{@instance})`, "{{service_instance_id}} limit"},
				{`sum by (service_instance_id) (rate(facefusion_container_cpu_throttled_time_seconds_total{@instance}[$__rate_interval]))`, "{{service_instance_id}} throttled"},
			},
			runbooks: []string{"FaceFusionContainerThrottled"},
		}.lines(),
		chart{
			title: "Killed for memory", unit: "none", interval: "5m", min: is(0.0), decimals: is(0), empty: noContainer,
			about:    "Processes of a container that the kernel killed as the memory was used up: FaceFusion, ffmpeg, whatever ran there.",
			queries:  []query{{`sum by (service_instance_id) (increase(facefusion_container_oom_kills_total{@instance}[$__rate_interval]))`, "{{service_instance_id}}"}},
			runbooks: []string{"FaceFusionContainerOutOfMemory", "FaceFusionOutOfMemory", "FaceFusionCrashed"},
		}.bars(),
		chart{
			title: "Processes of containers", unit: "none", min: is(0.0), decimals: is(0), empty: noContainer,
			about: "Processes and threads, and how many there may be.",
			queries: []query{
				{by + `(facefusion_container_pids_count{@instance})`, "{{service_instance_id}}"},
				{by + `(facefusion_container_pids_limit{@instance})`, "{{service_instance_id}} limit"},
			},
		}.lines(),
	}
}

// containerFlows are the panels of a container's I/O and waiting times.
func containerFlows() []panel {
	return []panel{
		chart{
			title: "Pressure on containers", unit: "percentunit", min: is(0.0), empty: noContainer,
			about:   "The part of the time for which something waited (some), or everything did (full), for CPU, memory or disks. Linux with PSI and version 2 of the control groups.",
			queries: []query{{`max by (service_instance_id, facefusion_container_resource, facefusion_container_pressure) (rate(facefusion_container_pressure_time_seconds_total{@instance}[$__rate_interval]))`, "{{service_instance_id}} {{facefusion_container_resource}} {{facefusion_container_pressure}}"}},
		}.lines(),
		chart{
			title: "Disks of containers", unit: "Bps", empty: noContainer,
			about: "What went to and from block devices: read (above) and written (below).",
			queries: []query{
				{`sum(rate(container_disk_io_bytes_total{@instance, disk_io_direction="read"}[$__rate_interval]))`, "read"},
				{`-sum(rate(container_disk_io_bytes_total{@instance, disk_io_direction="write"}[$__rate_interval]))`, "written"},
			},
			colors: upAndDown,
		}.lines(),
		chart{
			title: "Network of containers", unit: "Bps", empty: "no container with a network of its own",
			about: "What was received (above) and sent (below).",
			queries: []query{
				{`sum(rate(container_network_io_bytes_total{@instance, network_io_direction="receive"}[$__rate_interval]))`, "received"},
				{`-sum(rate(container_network_io_bytes_total{@instance, network_io_direction="transmit"}[$__rate_interval]))`, "sent"},
			},
			colors: upAndDown,
		}.lines(),
		chart{
			title: "Every container", about: "What each instance runs in.", empty: noContainer,
		}.table([]column{
			{label: "host_name", title: "Host"},
			{label: "service_instance_id", title: "Instance"},
			{label: "container_name", title: "Container"},
			{label: "container_image_name", title: "Image"},
			{label: "k8s_container_name", title: "In the pod"},
			{label: "facefusion_container_unit", title: "Unit"},
			{label: "facefusion_cgroup_version", title: "Groups", width: 80},
			{expr: `max by (host_name, service_instance_id, container_name, container_image_name, k8s_container_name, facefusion_container_unit, facefusion_cgroup_version) (facefusion_container_info{@instance})`, title: "There", width: 70},
		}, "Host"),
	}
}
