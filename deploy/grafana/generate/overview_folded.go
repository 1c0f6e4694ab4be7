package main

// The collapsed rows of the overview.

func webUI() []panel {
	return []panel{
		chart{
			title: "Requests by function", unit: "reqps", min: is(0.0),
			about: "What people do in the web UI. run, start and the like begin jobs; the rest is looking around.",
			empty: "needs FaceFusion 3.5 or later",
			queries: []query{{`sum by (facefusion_function) (rate(facefusion_server_requests_total{@instance}[$__rate_interval])) > 0`,
				"{{facefusion_function}}"}},
		}.areas(),
		chart{
			title: "Requests that failed", unit: "none", min: is(0.0), least: is(3.0), decimals: is(0), interval: "5m", empty: "none",
			about: "Requests that ended in an unhandled exception, an out-of-memory for one. A job that failed in an orderly way is not among them.",
			queries: []query{{`sum by (facefusion_function) (increase(facefusion_server_request_failed_total{@instance}[$__rate_interval])) > 0`,
				"{{facefusion_function}}"}},
			runbooks: []string{"FaceFusionRequestsFailing"},
		}.bars(),
		chart{
			title: "How long requests take", unit: "s", min: is(0.0),
			about:   "As Gradio reports it, over all requests since the server started: the slowest function of the slowest server.",
			empty:   "needs FaceFusion 3.5 or later",
			queries: []query{{`max by (percentile) (facefusion_server_request_duration_percentile_seconds{@instance})`, "{{percentile}}"}},
		}.lines(),
		chart{
			title: "How fast the server answers", unit: "s", min: is(0.0),
			about: "95 % of the agent's own requests are answered within this. loop is the event loop, app the thread pool: when only app gets slow, the pool is used up.",
			queries: []query{{`histogram_quantile(0.95, sum by (facefusion_probe, le) (rate(facefusion_server_probe_duration_seconds_bucket{@instance}[$__rate_interval])))`,
				"{{facefusion_probe}}"}},
			runbooks: []string{"FaceFusionServerSaturated", "FaceFusionServerUnresponsive", "FaceFusionWebSlow", "FaceFusionRequestsSlow"},
		}.lines(),
	}
}

func healthChecks() []panel {
	const none = "no health check is configured"
	return []panel{
		chart{
			title: "Health checks that pass", unit: "percentunit", min: is(0.0), max: is(1.0), empty: none,
			about:    "Of the health checks that are configured (instances[].health), the part that got the answer of a healthy server.",
			queries:  []query{{`avg by (service_instance_id, server_port) (avg_over_time(facefusion_health_up{@instance}[$__rate_interval]))`, "{{service_instance_id}}:{{server_port}}"}},
			runbooks: []string{"FaceFusionServerUnhealthy"},
		}.lines(),
		chart{
			title: "How long health checks take", unit: "s", min: is(0.0), empty: none,
			about:    "The last health check of each server.",
			queries:  []query{{`max by (service_instance_id, server_port) (max_over_time(facefusion_health_duration_seconds{@instance}[$__rate_interval]))`, "{{service_instance_id}}:{{server_port}}"}},
			runbooks: []string{"FaceFusionServerUnhealthy"},
		}.lines(),
		chart{
			title: "Certificates expire in", unit: "s", decimals: is(0), empty: "no health check over TLS",
			about:    "The first certificate of the chain that the server shows to its health check.",
			queries:  []query{{`min by (service_instance_id, server_port) (facefusion_health_certificate_remaining_seconds{@instance})`, "{{service_instance_id}}:{{server_port}}"}},
			runbooks: []string{"FaceFusionCertificateExpiring"},
		}.lines(),
	}
}

func processes() []panel {
	return []panel{
		chart{
			title: "CPU by role", unit: "none", min: is(0.0),
			about:    "Cores in use, by what the processes do. ffmpeg reads and writes videos. A runner with many cores and an idle GPU works on the CPU.",
			queries:  []query{{`sum by (facefusion_process_role) (rate(process_cpu_time_seconds_total{@instance}[$__rate_interval]))`, "{{facefusion_process_role}}"}},
			runbooks: []string{"FaceFusionOnCPU"},
		}.areas(),
		chart{
			title: "Memory by role", unit: "bytes", min: is(0.0),
			about:    "Resident memory. A server that grows while no job runs leaks.",
			queries:  []query{{`sum by (facefusion_process_role) (avg_over_time(process_memory_usage_bytes{@instance}[$__rate_interval]))`, "{{facefusion_process_role}}"}},
			runbooks: []string{"FaceFusionMemoryGrowing"},
		}.areas(),
		chart{
			title: "Disk", unit: "Bps",
			about: "What all processes read (above) and write (below).",
			empty: "not readable: see Permissions in the README",
			queries: []query{
				{`sum(rate(process_disk_io_bytes_total{@instance, disk_io_direction="read"}[$__rate_interval]))`, "read"},
				{`-sum(rate(process_disk_io_bytes_total{@instance, disk_io_direction="write"}[$__rate_interval]))`, "written"},
			},
			colors: upAndDown,
		}.lines(),
		chart{
			title: "Exits", unit: "none", interval: "5m", min: is(0.0), decimals: is(0), empty: "none has ended",
			about: "Processes of FaceFusion that ended, by reason. Completed and terminated are ordinary.",
			queries: []query{{`sum by (facefusion_exit_reason) (increase(facefusion_process_exits_total{@instance}[$__rate_interval])) > 0`,
				"{{facefusion_exit_reason}}"}},
			runbooks: []string{"FaceFusionCrashed", "FaceFusionOutOfMemory", "FaceFusionCrashLoop", "FaceFusionStartFailed"},
		}.bars(),
	}
}
