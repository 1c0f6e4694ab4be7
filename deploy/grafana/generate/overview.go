package main

const (
	perInstance = "{{host_name}} · {{service_instance_id}}"
	perGPU      = "{{host_name}} · {{hw_name}}"
)

var (
	// The scale of counts that should be zero: 0 is neutral, anything above is bad.
	noneIsWell = []thresholdStep{{nil, "text"}, {is(1.0), "red"}}
	fewIsWell  = []thresholdStep{{nil, "text"}, {is(1.0), "orange"}}
	// The objective in rules/slo.yml is 99 %.
	successScale = []thresholdStep{{nil, "red"}, {is(0.95), "orange"}, {is(0.99), "green"}}
)

func overview() dashboard {
	b := newLayout("facefusion-overview", "FaceFusion / Overview",
		"Is it alive, does it get its work done, how busy is it. The other dashboards say why.",
		commonVariables(instanceVariable), []annotation{upgraded, driverChanged, reconfigured, started, crashed, orphaned, xid})
	b.line(5, verdict()...)
	b.line(3, golden()...)
	b.line(7,
		chart{
			title: "Web servers",
			about: "The state of each instance's web server, the worst where it has several. Saturated: it answers, and pages do not load, as the thread pool is used up. " +
				"Unresponsive: the port is open and nothing comes back.",
			empty:    "no web server seen",
			states:   serverStates,
			queries:  []query{{worst("host_name, service_instance_id", during("facefusion_server_state", "@instance", serverStates)), perInstance}},
			runbooks: []string{"FaceFusionServerDown", "FaceFusionServiceDown", "FaceFusionStayedAway", "FaceFusionServerUnresponsive", "FaceFusionServerUnhealthy", "FaceFusionServerSaturated", "FaceFusionServerStarting", "FaceFusionNeverReady", "FaceFusionServerNotProbed"},
		}.timeline(),
		chart{
			title: "Queue",
			about: "Jobs that wait in the jobs folder, events that wait in the web server's own queue, and steps that run. A queue that grows while little runs is stuck; one that " +
				"grows while all runs needs another GPU.",
			unit: "short", min: is(0.0), decimals: is(0),
			queries: []query{
				{`sum(max_over_time(facefusion_job_count{@instance, facefusion_job_state="waiting"}[$__rate_interval]))`, "jobs waiting"},
				{`sum(max_over_time(facefusion_server_queue_size{@instance}[$__rate_interval]))`, "web requests waiting"},
				{`sum(max_over_time(facefusion_active_tasks{@instance}[$__rate_interval]))`, "steps running"},
			},
			colors:   map[string]string{"jobs waiting": "yellow", "web requests waiting": "purple", "steps running": "blue"},
			runbooks: []string{"FaceFusionQueueGrowing", "FaceFusionQueueNotMoving"},
		}.lines(),
	)
	b.line(8,
		chart{
			title: "How long jobs run",
			about: "Each column is a few minutes, each cell the completed runs that took so long; the brighter, the more. The dots are single runs: click one to see its trace. Videos and images " +
				"make two bands.",
			unit: "s", interval: "5m", empty: "no job has ended",
			queries:  []query{{`sum by (le) (increase(facefusion_job_duration_seconds_bucket{@instance, facefusion_outcome="completed"}[$__rate_interval]))`, "{{le}}"}},
			runbooks: []string{"FaceFusionSlowerThanLastWeek"},
		}.heatmap(),
		chart{
			title: "Jobs that ended",
			about: "Runs of jobs per minute by how they ended. Orphaned: whatever ran it is gone, and FaceFusion leaves it in its queue for ever.",
			unit:  "suffix:/min", interval: "5m", min: is(0.0), empty: "no job has ended",
			queries:  []query{{`60 * sum by (facefusion_outcome) (rate(facefusion_job_finished_total{@instance}[$__rate_interval]))`, "{{facefusion_outcome}}"}},
			runbooks: []string{"FaceFusionJobsFailing", "FaceFusionJobOrphaned"},
		}.bars(),
	)
	b.line(6, gpusNow())
	b.line(7, instances())
	b.line(3, errorsAgainst()...)
	b.line(8, gpuShare()...)
	b.section("Web UI", true)
	b.line(8, webUI()...)
	b.line(7, healthChecks()...)
	b.section("Processes", true)
	b.line(8, processes()...)
	b.section("Containers", true)
	b.line(7, containerLimits()...)
	b.line(7, containerFlows()...)
	return b.done()
}

func gpuShare() []panel {
	colors := map[string]string{"FaceFusion": "blue", "others": grey}
	return []panel{
		chart{
			title: "GPU time",
			about: "How busy all GPUs of the hosts are together: with FaceFusion, and with whatever else (or with FaceFusion too, where the driver does not report whose time it is).",
			unit:  "percentunit", min: is(0.0), max: is(1.0), empty: "no GPU seen",
			queries: []query{
				{`
sum(avg_over_time(facefusion_gpu_utilization_ratio{@instance, hw_gpu_task="general"}[$__rate_interval]))
  / count(hw_gpu_utilization_ratio{@host, hw_gpu_task="general"})`, "FaceFusion"},
				{`
clamp_min(
  avg(avg_over_time(hw_gpu_utilization_ratio{@host, hw_gpu_task="general"}[$__rate_interval]))
    - (
      sum(avg_over_time(facefusion_gpu_utilization_ratio{@instance, hw_gpu_task="general"}[$__rate_interval]))
        / count(hw_gpu_utilization_ratio{@host, hw_gpu_task="general"})
      or
      vector(0)
    ),
  0
)`, "others"},
			},
			colors:   colors,
			runbooks: []string{"HighGPUUsage", "FaceFusionOnCPU"},
		}.areas(),
		chart{
			title: "GPU memory",
			about: "The memory of all GPUs of the hosts together, by who uses it, and how much there is.",
			unit:  "bytes", min: is(0.0), empty: "no GPU seen",
			queries: []query{
				{`sum(avg_over_time(facefusion_gpu_memory_usage_bytes{@instance}[$__rate_interval]))`, "FaceFusion"},
				{`
clamp_min(
  sum(avg_over_time(hw_gpu_memory_usage_bytes{@host}[$__rate_interval]))
    - (sum(avg_over_time(facefusion_gpu_memory_usage_bytes{@instance}[$__rate_interval])) or vector(0)),
  0
)`, "others"},
				{`sum(hw_gpu_memory_limit_bytes{@host})`, "in total"},
			},
			colors:    colors,
			overrides: []override{limit("/^in total$/")},
			runbooks:  []string{"GPUMemoryFull"},
		}.areas(),
	}
}

func instances() panel {
	by := "sum by (host_name, service_instance_id) "
	return chart{
		title:    "Every instance",
		about:    "One row for each instance. What ended, and how well, is of the chosen time. Silent: known within a day (1d), and not now. Click an instance to see its jobs, a host to see its GPUs.",
		empty:    "no FaceFusion seen",
		runbooks: []string{"FaceFusionCrashLoop", "FaceFusionServiceDown", "FaceFusionStayedAway", "FaceFusionGoneWithJobsWaiting", "FaceFusionNotFound", "FaceFusionJobsFailing"},
	}.table([]column{
		{label: "host_name", title: "Host", link: "/d/facefusion-gpu?${datasource:queryparam}&var-host=${__data.fields.Host}&${__url_time_range}"},
		{label: "service_instance_id", title: "Instance",
			link: "/d/facefusion-jobs?${datasource:queryparam}&var-host=${__data.fields.Host}&var-instance=${__data.fields.Instance}&${__url_time_range}"},
		{label: "service_version", title: "Version", width: 90},
		{expr: `
max by (host_name, service_instance_id) (
    2 * (facefusion_process_stopped{@instance} == 1)
  or
    facefusion_process_up{@instance, service_instance_id!=""}
)
  * on (host_name, service_instance_id) group_left (service_version) topk by (host_name, service_instance_id) (1, facefusion_instance_info{@instance})
or
-1 * (` + heldBefore + ` unless on (host_name, service_instance_id) ` + heldHere + `)`,
			title: "Process", width: 90, states: []state{{1, "", "up", "green"}, {2, "", "stopped", quiet}, {0, "", "down", "red"}, {-1, "", "silent", "red"}}},
		{expr: worst("host_name, service_instance_id", now("facefusion_server_state", "@instance", serverStates)), title: "Web server", width: 120, states: serverStates},
		{expr: by + `(facefusion_job_count{@instance, facefusion_job_state="waiting"})`, title: "Waiting", unit: "none", width: 90},
		{expr: by + `(facefusion_active_tasks{@instance})`, title: "Running", unit: "none", width: 90},
		{expr: by + `(facefusion_job_count{@instance, facefusion_job_state=~"stalled|orphaned"})`, title: "Stuck", unit: "none", width: 80, scale: fewIsWell},
		{expr: by + `(increase(facefusion_job_finished_total{@instance}[$__range]))`, title: "Ended", unit: "none", decimals: is(0), width: 90},
		{expr: `
sum by (host_name, service_instance_id) (increase(facefusion_job_finished_total{@instance, facefusion_outcome="completed"}[$__range]))
  / (sum by (host_name, service_instance_id) (increase(facefusion_job_finished_total{@instance, facefusion_outcome!="deleted"}[$__range])) > 0)`,
			title: "Success", unit: "percentunit", decimals: is(1), width: 100, scale: successScale},
		{expr: by + `(instance:facefusion_gpu_busy:sum10m{@instance})`, title: "GPUs busy", unit: "none", decimals: is(2), width: 160, gauge: is(1.0)},
		{expr: by + `(facefusion_gpu_memory_usage_bytes{@instance})`, title: "GPU memory", unit: "bytes", decimals: is(1), width: 120},
		{expr: by + `(process_memory_usage_bytes{@instance})`, title: "Memory", unit: "bytes", decimals: is(1), width: 110},
	}, "Host")
}
