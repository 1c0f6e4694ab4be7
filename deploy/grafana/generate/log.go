package main

// noLog is the text of an empty panel where FaceFusion's log is not read.
const noLog = "no log is read: config/logs.yaml"

// fromLog are the panels of metrics from FaceFusion's log, which config/logs.yaml reads.
func fromLog() []panel {
	return []panel{
		chart{
			title: "Frame rate", unit: "suffix: /s", min: is(0.0), empty: noLog,
			about:   "Frames a second of the running phase, as FaceFusion's progress bars count them.",
			queries: []query{{`sum by (facefusion_phase) (facefusion_phase_frame_rate_per_second{@instance})`, "{{facefusion_phase}}"}},
		}.lines(),
		chart{
			title: "Frames by phase", unit: "suffix: /s", min: is(0.0), interval: "5m", empty: noLog,
			about:   "Frames a second over time, those of idle minutes included.",
			queries: []query{{`sum by (facefusion_phase) (rate(facefusion_phase_frames_total{@instance}[$__rate_interval]))`, "{{facefusion_phase}}"}},
		}.areas(),
		chart{
			title: "Where the time goes", unit: "percentunit", min: is(0.0), interval: "5m", empty: noLog,
			about:   "How much of the time each phase takes; of one FaceFusion, at most 100 % together.",
			queries: []query{{`sum by (facefusion_phase) (rate(facefusion_phase_time_seconds_total{@instance}[$__rate_interval]))`, "{{facefusion_phase}}"}},
		}.areas(),
	}
}

// fromLogNow are the panels of the running phase and of the causes of failures.
func fromLogNow() []panel {
	return []panel{
		chart{
			title: "Done", unit: "percentunit", min: is(0.0), empty: "nothing runs, or no log is read",
			about:   "How much of its frames the running phase has done.",
			queries: []query{{`max by (host_name, service_instance_id, facefusion_phase) (facefusion_phase_progress_ratio{@instance})`, "{{service_instance_id}} {{facefusion_phase}}"}},
		}.lines(),
		chart{
			title: "Left", unit: "s", min: is(0.0), empty: "nothing runs, or no log is read",
			about:   "How long the running phase still takes at its rate.",
			queries: []query{{`max by (host_name, service_instance_id, facefusion_phase) (facefusion_phase_remaining_seconds{@instance})`, "{{service_instance_id}} {{facefusion_phase}}"}},
		}.lines(),
		chart{
			title: "Causes", unit: "none", min: is(0.0), decimals: is(0), interval: "5m", empty: noLog,
			about:    "What the log gives as the reason of failures: memory, models, declined content, a fall back to the CPU.",
			queries:  []query{{`sum by (facefusion_cause) (increase(facefusion_log_causes_total{@instance}[$__rate_interval])) > 0`, "{{facefusion_cause}}"}},
			runbooks: []string{"FaceFusionAllocationFailed", "FaceFusionCUDAError", "FaceFusionProviderFallback", "FaceFusionContentDeclined"},
		}.bars(),
		chart{
			title: "Model loads", unit: "none", min: is(0.0), interval: "5m", empty: noLog,
			about: "Models that were loaded, and that could not be; and the seconds that loading took.",
			queries: []query{
				{`sum by (facefusion_model_load_outcome) (increase(facefusion_model_loads_total{@instance}[$__rate_interval]))`, "{{facefusion_model_load_outcome}}"},
				{`sum(increase(facefusion_model_load_time_seconds_total{@instance}[$__rate_interval]))`, "seconds"},
			},
		}.bars(),
	}
}

// openTabs are the panels of the load that open browser tabs cause in the web UI.
func openTabs() []panel {
	return []panel{
		chart{
			title: "Open tabs", unit: "none", min: is(0.0), decimals: is(0), empty: "needs FaceFusion 3.5 or later",
			about:    "Tabs of the web UI that poll. Gradio keeps each poll for ever: an idle web UI with open tabs needs more CPU from hour to hour.",
			queries:  []query{{`sum by (host_name, service_instance_id) (facefusion_server_viewers{@instance})`, perInstance}},
			runbooks: []string{"FaceFusionTabsLeftOpen"},
		}.lines(),
		chart{
			title: "Polls", unit: "suffix: /s", min: is(0.0), empty: "needs FaceFusion 3.5 or later",
			about:   "Requests a second of open tabs, which are in no other rate.",
			queries: []query{{`sum by (host_name, service_instance_id) (rate(facefusion_server_polls_total{@instance}[$__rate_interval]))`, perInstance}},
		}.lines(),
		chart{
			title: "Lost runs, by reason", unit: "none", min: is(0.0), decimals: is(0), interval: "5m", empty: "none was lost",
			about:    "Runs that were lost, by what is known of why.",
			queries:  []query{{`sum by (facefusion_orphan_reason) (increase(facefusion_job_lost_total{@instance}[$__rate_interval])) > 0`, "{{facefusion_orphan_reason}}"}},
			runbooks: []string{"FaceFusionJobOrphaned"},
		}.bars(),
		chart{
			title: "Log records", unit: "suffix: /s", min: is(0.0), empty: noLog,
			about:   "Records a second that were made from FaceFusion's log.",
			queries: []query{{`sum by (host_name, service_instance_id) (rate(facefusion_log_records_total{@instance}[$__rate_interval]))`, perInstance}},
		}.lines(),
	}
}
