package main

// The first two lines of the overview are the verdict: whether an alert fires, and which hosts and
// instances are down or absent. These are red, and do not disappear.

// Hosts and instances that are present, and those that were within a day: an agent that is down
// cannot report that itself.
const (
	hostsHere   = `group by (host_name) (facefusion_instances{@host})`
	hostsBefore = `group by (host_name) (last_over_time(facefusion_instances{@host}[1d]))`
	heldBefore  = `group by (host_name, service_instance_id) (last_over_time(facefusion_process_up{@instance, service_instance_id!=""}[1d]))`
	heldHere    = `facefusion_process_up{@instance}`
)

func verdict() []panel {
	return []panel{
		wide(4, chart{
			title: "Alerts", unit: "none", empty: "nothing fires",
			about: "Alerts that fire now, without the Watchdog. The list beside it has them.",
			queries: []query{
				{`count(ALERTS{alertstate="firing", severity="critical", host_name=~"$host"})`, "critical"},
				{`count(ALERTS{alertstate="firing", severity="warning", host_name=~"$host"})`, "warning"},
			},
			overrides: []override{colorBy("critical", []thresholdStep{{nil, "red"}}), colorBy("warning", []thresholdStep{{nil, "orange"}})},
		}.stat()),
		wide(8, firing()),
		wide(4, chart{
			title: "Silent", unit: "none", decimals: is(0), scale: noneIsWell,
			about: "Hosts and instances of the last day of which nothing is known now: the agent does not answer, or it was started again and has not seen them. Absent is not well.",
			queries: []query{
				{`count(` + hostsBefore + ` unless on (host_name) ` + hostsHere + `) or vector(0)`, "hosts"},
				{`count(` + heldBefore + ` unless on (host_name, service_instance_id) ` + heldHere + `) or vector(0)`, "instances"},
			},
			runbooks: []string{"FaceFusionAgentDown", "FaceFusionAgentSilent", "FaceFusionStayedAway"},
		}.stat()),
		wide(8, hosts()),
	}
}

// firing is the list of alerts. A click leads to the dashboard of the host.
func firing() panel {
	return chart{
		title: "Firing", empty: "nothing fires",
		about: "What fires now. Messages of Alertmanager have the texts and the links to the runbooks; docs/alerts.md has all of them.",
	}.table([]column{
		{label: "severity", title: "Severity", width: 80},
		{label: "alertname", title: "Alert", link: "${docs}/runbooks/${__data.fields.Alert}.md"},
		{label: "host_name", title: "Host", link: "/d/facefusion-host?${datasource:queryparam}&var-host=${__data.fields.Host}&${__url_time_range}"},
		{label: "service_instance_id", title: "Instance"},
		{expr: `group by (severity, alertname, host_name, service_instance_id) (ALERTS{alertstate="firing", alertname!="Watchdog", host_name=~"$host|"})`},
	}, "Severity")
}

func hosts() panel {
	return chart{
		title: "Every host", empty: "no host known",
		about:    "Every host of the last day. Silent: nothing comes from its agent any more.",
		runbooks: []string{"FaceFusionAgentDown", "FaceFusionAgentSilent"},
	}.table([]column{
		{label: "host_name", title: "Host", link: "/d/facefusion-host?${datasource:queryparam}&var-host=${__data.fields.Host}&${__url_time_range}"},
		{expr: hostsHere + ` or 0 * ` + hostsBefore, title: "Agent", width: 90, states: []state{{1, "", "reports", "green"}, {0, "", "silent", "red"}}},
		{expr: `max by (host_name) (host:system_cpu_busy:ratio5m{@host})`, title: "CPU", unit: "percentunit", decimals: is(0), width: 80},
		{expr: `max by (host_name) (host:system_memory_used:ratio{@host})`, title: "Memory", unit: "percentunit", decimals: is(0), width: 90},
		{expr: `min by (host_name) (mountpoint:system_filesystem_free:ratio{@host})`, title: "Free disk", unit: "percentunit", decimals: is(0), width: 90, scale: []thresholdStep{{nil, "red"}, {is(0.05), "orange"}, {is(0.1), "text"}}},
	}, "Agent")
}

// golden are the four golden signals (traffic, errors, latency, saturation), the remaining error
// budget, and the durations of the queue and of a frame.
func golden() []panel {
	return []panel{
		chart{
			title: "Traffic", unit: "suffix:/min", decimals: is(2), empty: "no traffic", interval: "5m",
			about:   "Runs of jobs that ended per minute, in whatever way.",
			queries: []query{{`60 * sum(rate(facefusion_job_finished_total{@instance}[$__rate_interval])) > 0`, "jobs"}},
		}.spark(),
		chart{
			title: "Errors", unit: "percentunit", decimals: is(1), empty: "no traffic", scale: []thresholdStep{{nil, "green"}, {is(0.01), "orange"}, {is(0.05), "red"}}, interval: "5m",
			about: "Runs of the last hour that failed or were lost, of all that were not deleted, stopped or declined.",
			queries: []query{{`
sum(instance:facefusion_runs_failed:increase1h{@instance})
  / (sum(increase(facefusion_job_finished_total{@instance, facefusion_outcome!~"deleted|stopped|declined"}[1h])) > 0)`, "errors"}},
			runbooks: []string{"FaceFusionJobsFailing", "FaceFusionSuccessBurnFast"},
		}.spark(),
		chart{
			title: "Latency, p95", unit: "s", decimals: is(1), empty: "no traffic", interval: "5m",
			about:    "95 % of the completed runs of the last hour took less, without their time in the queue.",
			queries:  []query{{`histogram_quantile(0.95, sum by (le) (increase(facefusion_job_duration_seconds_bucket{@instance, facefusion_outcome="completed"}[1h])))`, "p95"}},
			runbooks: []string{"FaceFusionTimeBurnFast"},
		}.spark(),
		chart{
			title: "Saturation", unit: "percentunit", decimals: is(0), empty: "no GPU seen",
			about:    "The utilization of the GPUs, their mean.",
			queries:  []query{{`avg(avg_over_time(hw_gpu_utilization_ratio{@host, hw_gpu_task="general"}[$__rate_interval]))`, "GPUs"}},
			runbooks: []string{"HighGPUUsage"},
		}.spark(),
		chart{
			title: "Error budget left", unit: "percentunit", decimals: is(0), empty: "no history yet", scale: []thresholdStep{{nil, "red"}, {is(0.1), "orange"}, {is(0.25), "green"}},
			about: "Of the runs that may fail in 30 days (1 %), the part that has not (30d:1d). Below zero, the objective is missed.",
			queries: []query{{`
1 - sum(sum_over_time(instance:facefusion_runs:increase1d{@instance, facefusion_outcome=~"failed|orphaned"}[30d:1d]))
  / (0.01 * sum(sum_over_time(instance:facefusion_runs:increase1d{@instance, facefusion_outcome!~"deleted|stopped|declined"}[30d:1d])) > 0)`, "left"}},
			runbooks: []string{"FaceFusionSuccessBurnFast", "FaceFusionSuccessBurnSlow"},
		}.stat(),
		chart{
			title: "Queue empty in", unit: "s", decimals: is(0), empty: "nothing ended within the hour",
			about:    "Jobs that wait, by how many ended a second within the last hour.",
			queries:  []query{{`sum(facefusion_job_count{@instance, facefusion_job_state="waiting"}) / (sum(rate(facefusion_job_finished_total{@instance}[1h])) > 0)`, "time"}},
			runbooks: []string{"FaceFusionQueueGrowing", "FaceFusionJobWaitsLong"},
		}.stat(),
		chart{
			title: "A frame takes", unit: "s", decimals: is(2), empty: noLog,
			about:   "The time of the phases by their frames, over the last hour.",
			queries: []query{{`sum(rate(facefusion_phase_time_seconds_total{@instance}[1h])) / (sum(rate(facefusion_phase_frames_total{@instance}[1h])) > 0)`, "seconds"}},
		}.stat(),
		chart{
			title: "Servers", unit: "none", empty: "none seen",
			about: "Servers that are ready, and those that are not: starting, saturated, unresponsive or down.",
			queries: []query{
				{`sum(facefusion_server_up{@instance})`, "ready"},
				{`sum(1 - facefusion_server_up{@instance})`, "not ready"},
			},
			overrides: []override{colorBy("not ready", noneIsWell)},
			runbooks:  []string{"FaceFusionServerDown"},
		}.stat(),
	}
}

// errorsAgainst compares the errors of the last hour with those of earlier ones. Without history,
// the panels show a text.
func errorsAgainst() []panel {
	var all []panel
	for i, before := range []struct{ title, offset string }{
		{"Errors, now", ""}, {"An hour before", " offset 1h"}, {"A day before", " offset 1d"}, {"A week before", " offset 1w"}, {"A year before", " offset 52w"},
	} {
		columns := 5
		if i == 0 {
			columns = 4
		}
		all = append(all, wide(columns, chart{
			title: before.title, unit: "percentunit", decimals: is(1), empty: "no history yet",
			about: "Runs that failed or were lost within an hour, of all that were not deleted, stopped or declined. No history yet: nothing ended in that hour, or nobody looked.",
			queries: []query{{`
sum(increase(facefusion_job_finished_total{@instance, facefusion_outcome=~"failed|orphaned"}[1h]` + before.offset + `))
  / (sum(increase(facefusion_job_finished_total{@instance, facefusion_outcome!~"deleted|stopped|declined"}[1h]` + before.offset + `)) > 0)`, "errors"}},
			runbooks: []string{"FaceFusionJobsFailing"},
		}.stat()))
	}
	return all
}

func gpusNow() panel {
	by := "max by (host_name, hw_name) "
	return chart{
		title: "GPUs now", empty: "no GPU seen",
		about:    "Each GPU at this moment; errors of its memory of a day (1d). Recovery: what the driver says must be done. Others: memory of programs that are none of FaceFusion.",
		runbooks: []string{"GPULost", "GPUDegraded", "GPURecoveryNeeded", "GPUMissing", "GPUMemoryFull", "GPUThermalThrottling"},
	}.table([]column{
		{label: "host_name", title: "Host", link: "/d/facefusion-gpu?${datasource:queryparam}&var-host=${__data.fields.Host}&${__url_time_range}"},
		{label: "hw_name", title: "GPU", width: 70},
		{label: "hw_model", title: "Model"},
		{expr: `max by (host_name, hw_name, hw_model) (nvidia_gpu_info{@host, hw_parent=""})`},
		{expr: by + `(hw_gpu_utilization_ratio{@host, hw_gpu_task="general"})`, title: "Utilization", unit: "percentunit", decimals: is(0), width: 130, gauge: is(1.0)},
		{expr: by + `(hw_gpu_memory_utilization_ratio{@host})`, title: "Memory", unit: "percentunit", decimals: is(0), width: 130, gauge: is(1.0)},
		{expr: `sum by (host_name, hw_name) (facefusion_gpu_memory_usage_bytes{@instance})`, title: "FaceFusion's", unit: "bytes", decimals: is(1), width: 110},
		{expr: by + `(nvidia_gpu_memory_others_usage_bytes{@host})`, title: "Others'", unit: "bytes", decimals: is(1), width: 100},
		{expr: by + `(hw_temperature_celsius{@host, hw_sensor_location="gpu"})`, title: "Temperature", unit: "celsius", decimals: is(0), width: 110},
		{expr: by + `(hw_power_watts{@host})`, title: "Power", unit: "watt", decimals: is(0), width: 80},
		{expr: worst("host_name, hw_name", now("nvidia_gpu_clock_event_active", "@host", clockStates)), title: "Clocks", width: 110, states: clockStates},
		{expr: `sum by (host_name, hw_name) (increase(hw_errors_total{@host, error_type="uncorrected"}[1d]))`, title: "ECC, a day", unit: "none", decimals: is(0), width: 90, scale: noneIsWell},
		{expr: `max by (host_name, hw_name) (1 * nvidia_gpu_recovery_action{@host, nvidia_gpu_recovery_action="drain"} or 2 * nvidia_gpu_recovery_action{@host, nvidia_gpu_recovery_action="reset"} or 3 * nvidia_gpu_recovery_action{@host, nvidia_gpu_recovery_action="reboot"})`,
			title: "Recovery", width: 90, states: []state{{0, "", "none", "text"}, {1, "", "drain", "orange"}, {2, "", "reset", "red"}, {3, "", "reboot", "dark-red"}}},
		{expr: `1000 * max by (host_name, hw_name) (nvidia_gpu_xid_last_seconds{@host})`, title: "Last XID", unit: "dateTimeFromNow", width: 110},
	}, "Host")
}
