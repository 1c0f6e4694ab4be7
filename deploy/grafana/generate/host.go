package main

import (
	"fmt"
	"strings"
)

// The collector's own counters have no suffix _total: the text format that its page uses omits it.

func host() dashboard {
	b := newLayout("facefusion-host", "FaceFusion / Host and collector",
		"The host beside FaceFusion, and what observing it costs: whether the agent sees everything, how old what it says is, what it uses and what it lost.",
		commonVariables(), []annotation{agentStarted, reconfigured, driverChanged})
	b.line(3, hostNumbers()...)
	b.line(8,
		chart{
			title: "CPU of the host", unit: "percentunit", min: is(0.0), max: is(1.0),
			about:   "The part of all cores that is not idle, over 5 minutes.",
			queries: []query{{`host:system_cpu_busy:ratio5m{@host}`, "{{host_name}}"}},
		}.lines(),
		chart{
			title: "Memory of the host", unit: "percentunit", min: is(0.0), max: is(1.0),
			about:   "The part in use, without caches and buffers.",
			queries: []query{{`host:system_memory_used:ratio{@host}`, "{{host_name}}"}}, runbooks: []string{"HostMemoryFull"},
		}.lines(),
		chart{
			title: "Free on disk", unit: "percentunit", min: is(0.0), max: is(1.0), scale: []thresholdStep{{nil, "transparent"}, {is(0.05), "red"}},
			about:    "What is left of each disk that can be written to. A job whose temporary files or output do not fit fails or is lost.",
			queries:  []query{{`mountpoint:system_filesystem_free:ratio{@host}`, "{{host_name}} · {{mountpoint}}"}},
			runbooks: []string{"HostDiskFilling", "HostDiskFull", "HostInodesFull"},
		}.lines(),
	)
	b.line(8, cost()...)
	b.section("What the agent sees", true)
	b.line(8, seeing()...)
	b.line(6, finding()...)
	b.section("What the agent sends", true)
	b.line(8, sending()...)
	b.section("The GPU driver, as the agent sees it", true)
	b.line(7, driver()...)
	b.section("Disks and network", true)
	b.line(8, disksAndNetwork()...)
	b.line(7, swapping()...)
	b.section("Prometheus and Alertmanager", true)
	b.line(7, monitoring()...)
	return b.done()
}

func hostNumbers() []panel {
	return []panel{
		chart{
			title: "Agents", unit: "none", empty: "none scraped",
			about: "Agents that answer, and those that do not. Agents that write to a store are not among them.",
			queries: []query{
				{`sum(up{@host, job="facefusion"})`, "up"},
				{`sum(1 - up{@host, job="facefusion"})`, "down"},
			},
			overrides: []override{colorBy("down", noneIsWell)},
			runbooks:  []string{"FaceFusionAgentDown", "FaceFusionAgentSilent", "CollectorOwnMetricsDown"},
		}.stat(),
		chart{
			title: "Collection age, max", unit: "s", decimals: is(0), scale: []thresholdStep{{nil, "text"}, {is(30.0), "orange"}, {is(120.0), "red"}},
			about:    "How old the oldest was of what the agents said in the chosen time. Each probe looks every few seconds; one that is blind says what it saw last.",
			queries:  []query{{`max(max_over_time(otelcol_receiver_facefusion_observation_age{@host}[$__range]))`, "age"}},
			runbooks: []string{"CollectorProbeBlind"},
		}.stat(),
		chart{
			title: "Scrape", unit: "s", about: "The slowest scrape of an agent's page in the chosen time, as Prometheus measures it.",
			queries: []query{{`max(max_over_time(scrape_duration_seconds{@host, job="facefusion"}[$__range]))`, "duration"}},
		}.stat(),
		chart{
			title: "Series", unit: "short", about: "What an agent's page has, the largest of them.",
			queries: []query{{`max(scrape_samples_scraped{@host, job="facefusion"})`, "series"}},
		}.stat(),
		chart{
			title: "CPU", unit: "percentunit", decimals: is(2), about: "What the busiest agent used of one core, the mean of the chosen time.",
			queries: []query{{`max(rate(otelcol_process_cpu_seconds{@host}[$__range]))`, "cpu"}},
		}.stat(),
		chart{
			title: "Memory", unit: "bytes", decimals: is(0), about: "The most that an agent had resident in the chosen time. The limit in agent.yaml is 256 MiB of heap.",
			queries:  []query{{`max(max_over_time(otelcol_process_memory_rss{@host}[$__range]))`, "memory"}},
			runbooks: []string{"CollectorRefusing"},
		}.stat(),
		chart{
			title: "Failed collections", unit: "percentunit", decimals: is(1), scale: []thresholdStep{{nil, "text"}, {is(0.05), "orange"}, {is(0.2), "red"}},
			about: "Observations that failed, of all of the chosen time.",
			queries: []query{{`
sum(increase(otelcol_receiver_facefusion_observation_failures{@host}[$__range]))
  / (sum(increase(otelcol_receiver_facefusion_observations{@host}[$__range])) > 0)`, "failed"}},
			runbooks: []string{"CollectorProbeFailing"},
		}.stat(),
		chart{
			title: "Dropped", unit: "none", decimals: is(0), empty: "none", scale: noneIsWell,
			about:    "Events, traces, points and records of the chosen time that nobody took or that were refused.",
			queries:  []query{{dropped(), "dropped"}},
			runbooks: []string{"CollectorDroppedEvents", "CollectorExportFailing", "CollectorRefusing"},
		}.stat(),
	}
}

// dropped is the sum of several counters. Their labels are equal and "or" ignores metric names, so
// each gets a label of its own.
func dropped() string {
	var terms []string
	for _, metric := range []string{
		"otelcol_receiver_facefusion_events_dropped", "otelcol_receiver_facefusion_spans_dropped", "otelcol_receiver_refused_metric_points",
		"otelcol_exporter_send_failed_metric_points", "otelcol_exporter_send_failed_log_records", "otelcol_exporter_send_failed_spans",
	} {
		terms = append(terms, fmt.Sprintf(`label_replace(%s, "counter", "%s", "", "")`, counted(metric+"{@host}", "$__range"), metric))
	}
	return "sum(\n    " + strings.Join(terms, "\n  or\n    ") + "\n)"
}

// cost are the panels of the agent's own resource usage and of the age of its observations.
func cost() []panel {
	return []panel{
		chart{
			title: "Collection age", unit: "s", min: is(0.0), scale: []thresholdStep{{nil, "transparent"}, {is(120.0), "red"}},
			about:    "How long ago each probe last saw what it looks at, the worst of the hosts. From the dashed line on, the agent is blind there.",
			queries:  []query{{`max by (probe) (max_over_time(otelcol_receiver_facefusion_observation_age{@host}[$__rate_interval]))`, "{{probe}}"}},
			runbooks: []string{"CollectorProbeBlind"},
		}.lines(),
		chart{
			title: "Scrapes", unit: "s", min: is(0.0),
			about:   "The longest that it took to get an agent's page. Driver, disk and servers do not matter: a scrape only reads what was seen before.",
			queries: []query{{`max_over_time(scrape_duration_seconds{@host, job="facefusion"}[$__rate_interval])`, "{{host_name}}"}},
		}.lines(),
		chart{
			title: "CPU of the agents", unit: "percentunit", min: is(0.0),
			about:   "Of one core.",
			queries: []query{{`rate(otelcol_process_cpu_seconds{@host}[$__rate_interval])`, "{{host_name}}"}},
		}.lines(),
		chart{
			title: "Memory of the agents", unit: "bytes", min: is(0.0),
			about: "Resident; dashed, the part of it that the Go heap uses.",
			queries: []query{
				{`max_over_time(otelcol_process_memory_rss{@host}[$__rate_interval])`, "{{host_name}}"},
				{`max_over_time(otelcol_process_runtime_heap_alloc_bytes{@host}[$__rate_interval])`, "{{host_name}}, heap"},
			},
			overrides: []override{dashed("/heap$/")},
			runbooks:  []string{"CollectorRefusing", "CollectorRestarting"},
		}.lines(),
	}
}

func seeing() []panel {
	return []panel{
		chart{
			title: "Collections that failed", unit: "percentunit", min: is(0.0), least: is(0.05),
			about: "The part of the observations of each probe that failed.",
			queries: []query{{`
sum by (probe) (rate(otelcol_receiver_facefusion_observation_failures{@host}[$__rate_interval]))
  / (sum by (probe) (rate(otelcol_receiver_facefusion_observations{@host}[$__rate_interval])) > 0)`, "{{probe}}"}},
			runbooks: []string{"CollectorProbeFailing"},
		}.lines(),
		chart{
			title: "Collections", unit: "suffix:/s", min: is(0.0),
			about:   "How often each probe looks. Changes make it look at once, so that a busy host is looked at more often.",
			queries: []query{{`sum by (probe) (rate(otelcol_receiver_facefusion_observations{@host}[$__rate_interval]))`, "{{probe}}"}},
		}.lines(),
		chart{
			title: "Series of a page", unit: "short", min: is(0.0),
			about:   "The series of an agent's page. They follow what there is on the host: GPUs, instances, models in use.",
			queries: []query{{`scrape_samples_scraped{@host, job="facefusion"}`, "{{host_name}}"}},
		}.lines(),
	}
}

func finding() []panel {
	return []panel{
		chart{
			title: "What of the processes is seen", empty: "no agent seen",
			about:    "Whether FaceFusion may run unseen. Hidden: proc is mounted with hidepid. Denied: a program, or its folder, may not be looked into. The agent's log names the capability.",
			states:   processStates,
			queries:  []query{{worst("host_name", during("facefusion_process_visibility", "@host", processStates)), "{{host_name}}"}},
			runbooks: []string{"CollectorProcessesNotVisible"},
		}.timeline(),
		chart{
			title: "What is configured", empty: "no instance is configured",
			about:   "Whether the path, jobs_path or match of an instance fits anything on the host. Unmatched: nothing has fitted for a minute; the agent's log names the field.",
			states:  configurationStates,
			queries: []query{{worst("host_name, service_instance_id", during("facefusion_instance_configuration_state", "@host", configurationStates)), perInstance}},
		}.timeline(),
	}
}

func sending() []panel {
	return []panel{
		chart{
			title: "Points", unit: "suffix:/s", min: is(0.0),
			about: "Points that the receivers took and that the exporters sent on. With two exporters, twice as many are sent.",
			queries: []query{
				{`sum(rate(otelcol_receiver_accepted_metric_points{@host}[$__rate_interval]))`, "received"},
				{`sum(rate(otelcol_exporter_sent_metric_points{@host}[$__rate_interval]))`, "sent"},
			},
			colors: upAndDown,
		}.lines(),
		chart{
			title: "Lost", unit: "suffix:/s", min: is(0.0), least: is(1.0), empty: "nothing",
			about: "Points that were refused (the memory limiter is at work), that could not be scraped, or that an exporter failed to send; events and spans that nobody took.",
			queries: []query{
				{`sum(rate(otelcol_receiver_refused_metric_points{@host}[$__rate_interval]))`, "refused"},
				{`sum(rate(otelcol_scraper_errored_metric_points{@host}[$__rate_interval]))`, "not scraped"},
				{`sum(rate(otelcol_exporter_send_failed_metric_points{@host}[$__rate_interval]))`, "not sent"},
				{`sum(rate(otelcol_receiver_facefusion_events_dropped{@host}[$__rate_interval]))`, "events"},
				{`sum(rate(otelcol_receiver_facefusion_spans_dropped{@host}[$__rate_interval]))`, "spans"},
			},
			colors:   map[string]string{"refused": "orange", "not scraped": "yellow", "not sent": "red", "events": "purple", "spans": "blue"},
			runbooks: []string{"CollectorRefusing", "CollectorExportFailing", "CollectorDroppedEvents"},
		}.lines(),
		chart{
			title: "Queues", unit: "percentunit", min: is(0.0), max: is(1.0), scale: []thresholdStep{{nil, "transparent"}, {is(0.8), "red"}}, empty: "no exporter with a queue",
			about:    "How full the queue of each exporter is. When it is full, data is lost.",
			queries:  []query{{`otelcol_exporter_queue_size{@host} / otelcol_exporter_queue_capacity{@host}`, "{{host_name}} · {{exporter}}"}},
			runbooks: []string{"CollectorQueueFull", "CollectorQueueGrowing"},
		}.lines(),
	}
}

func driver() []panel {
	return []panel{
		chart{
			title: "The driver's library", empty: "no agent seen",
			about:    "Released: the agent has closed it while no process uses a GPU. Not usable: it does not fit the driver, may not be used or was replaced; the log of the agent says more.",
			states:   driverStates,
			queries:  []query{{worst("host_name", during("nvidia_driver_state", "@host", driverStates)), "{{host_name}}"}},
			runbooks: []string{"CollectorGPUDriverUnavailable", "CollectorSeesNoGPU"},
		}.timeline(),
		chart{
			title: "Whose GPU time it is", empty: "not asked yet",
			about:    "Whether the process ids that the driver reports are those of the host. Foreign: FaceFusion's share cannot be known.",
			states:   visibilityStates,
			queries:  []query{{worst("host_name", during("nvidia_gpu_process_visibility", "@host", visibilityStates)), "{{host_name}}"}},
			runbooks: []string{"CollectorGPUShareUnknown"},
		}.timeline(),
		chart{
			title: "Watching for XIDs", empty: "no agent seen",
			about:    "Whether the driver's events are watched. While they are not, an XID is seen only in the kernel's log, if that is read.",
			states:   xidWatchStates,
			queries:  []query{{worst("host_name", during("nvidia_gpu_xid_watch", "@host", xidWatchStates)), "{{host_name}}"}},
			runbooks: []string{"CollectorGPUXIDsNotWatched"},
		}.timeline(),
		chart{
			title: "GPUs", unit: "none", min: is(0.0), decimals: is(0), empty: "the driver cannot be asked",
			about:    "The GPUs that the driver knows, lost ones included.",
			queries:  []query{{`nvidia_gpu_count{@host}`, "{{host_name}}"}},
			runbooks: []string{"GPUMissing"},
		}.lines(),
	}
}

func disksAndNetwork() []panel {
	return []panel{
		chart{
			title: "Disks", unit: "Bps",
			about: "Read (above) and written (below).",
			queries: []query{
				{`sum by (host_name, device) (rate(system_disk_io_bytes_total{@host, direction="read"}[$__rate_interval]))`, "{{host_name}} · {{device}} read"},
				{`-sum by (host_name, device) (rate(system_disk_io_bytes_total{@host, direction="write"}[$__rate_interval]))`, "{{host_name}} · {{device}} written"},
			},
			overrides: []override{fixed("byRegexp", "/ read$/", "blue"), fixed("byRegexp", "/ written$/", "purple")},
		}.lines(),
		chart{
			title: "Disks busy", unit: "percentunit", min: is(0.0),
			about:   "The part of the time in which a disk had something to do. At 100 %, videos wait for the disk.",
			queries: []query{{`sum by (host_name, device) (rate(system_disk_io_time_seconds_total{@host}[$__rate_interval]))`, "{{host_name}} · {{device}}"}},
		}.lines(),
		chart{
			title: "Network", unit: "Bps",
			about: "Received (above) and sent (below), without the host's talk with itself.",
			queries: []query{
				{`sum by (host_name) (rate(system_network_io_bytes_total{@host, direction="receive", device!="lo"}[$__rate_interval]))`, "{{host_name}} received"},
				{`-sum by (host_name) (rate(system_network_io_bytes_total{@host, direction="transmit", device!="lo"}[$__rate_interval]))`, "{{host_name}} sent"},
			},
			overrides: []override{fixed("byRegexp", "/ received$/", "blue"), fixed("byRegexp", "/ sent$/", "purple")},
		}.lines(),
		chart{
			title: "Network errors", unit: "suffix:/s", min: is(0.0), least: is(1.0), empty: "none",
			about: "Packets that were damaged or dropped.",
			queries: []query{
				{`sum by (host_name) (rate(system_network_errors_total{@host}[$__rate_interval]))`, "{{host_name}} damaged"},
				{`sum by (host_name) (rate(system_network_dropped_total{@host}[$__rate_interval]))`, "{{host_name}} dropped"},
			},
			overrides: []override{fixed("byRegexp", "/ damaged$/", "red"), fixed("byRegexp", "/ dropped$/", "orange")},
		}.lines(),
	}
}

func swapping() []panel {
	return []panel{
		chart{
			title: "Swap", unit: "percentunit", min: is(0.0), max: is(1.0), empty: "no swap",
			about:    "The part of the swap space in use. Memory at rest there costs nothing.",
			queries:  []query{{`sum by (host_name) (system_paging_usage_bytes{@host, state="used"}) / sum by (host_name) (system_paging_usage_bytes{@host})`, "{{host_name}}"}},
			runbooks: []string{"HostSwapping"},
		}.lines(),
		chart{
			title: "Pages from the disk", unit: "suffix:/s", min: is(0.0), least: is(1.0),
			about:    "Pages a second that had to be read, of programs and of swap. All the time, and with swap in use: the memory does not suffice.",
			queries:  []query{{`sum by (host_name) (rate(system_paging_operations_total{@host, direction="page_in", type="major"}[$__rate_interval]))`, "{{host_name}}"}},
			runbooks: []string{"HostSwapping"},
		}.lines(),
	}
}

// notScraped is the text of an empty panel about optional scrape jobs.
const notScraped = "not scraped: jobs prometheus and alertmanager"

// monitoring are the panels of Prometheus and Alertmanager. Their series have no host.
func monitoring() []panel {
	return []panel{
		chart{
			title: "Messages that failed", unit: "none", min: is(0.0), decimals: is(0), least: is(1.0), interval: "5m", empty: notScraped,
			about:    "Messages that Alertmanager could not send, by the way they were to go. DingTalk refuses with 200: that is not counted.",
			queries:  []query{{`sum by (integration) (increase(alertmanager_notifications_failed_total{job="alertmanager"}[$__rate_interval]))`, "{{integration}}"}},
			runbooks: []string{"AlertmanagerDown", "AlertmanagerNotificationsFailing", "AlertmanagerReloadFailed"},
		}.bars(),
		chart{
			title: "Rules and alerts that failed", unit: "none", min: is(0.0), decimals: is(0), least: is(1.0), interval: "5m", empty: notScraped,
			about: "Rules that could not be evaluated or were left out, and alerts that reached no Alertmanager.",
			queries: []query{
				{`sum(increase(prometheus_rule_evaluation_failures_total{job="prometheus"}[$__rate_interval]))`, "rules failed"},
				{`sum(increase(prometheus_rule_group_iterations_missed_total{job="prometheus"}[$__rate_interval]))`, "rules left out"},
				{`sum(increase(prometheus_notifications_dropped_total{job="prometheus"}[$__rate_interval]))`, "alerts dropped"},
			},
			colors:   map[string]string{"rules failed": "red", "rules left out": "orange", "alerts dropped": "dark-red"},
			runbooks: []string{"PrometheusRulesFailing", "PrometheusNotificationsFailing", "PrometheusReloadFailed"},
		}.bars(),
		chart{
			title: "Samples and blocks that failed", unit: "none", min: is(0.0), decimals: is(0), least: is(1.0), interval: "5m", empty: notScraped,
			about: "Samples that Prometheus refused: a host that is scraped twice, or a wrong clock. Compactions that failed: most often its disk is full.",
			queries: []query{
				{`sum(increase(prometheus_target_scrapes_sample_duplicate_timestamp_total{job="prometheus"}[$__rate_interval]))`, "duplicates"},
				{`sum(increase(prometheus_target_scrapes_sample_out_of_order_total{job="prometheus"}[$__rate_interval]))`, "out of order"},
				{`sum(increase(prometheus_target_scrapes_sample_out_of_bounds_total{job="prometheus"}[$__rate_interval]))`, "out of bounds"},
				{`sum(increase(prometheus_tsdb_compactions_failed_total{job="prometheus"}[$__rate_interval]))`, "compactions"},
			},
			colors:   map[string]string{"duplicates": "orange", "out of order": "yellow", "out of bounds": "purple", "compactions": "red"},
			runbooks: []string{"PrometheusSamplesRefused", "PrometheusStorageFailing"},
		}.bars(),
	}
}
