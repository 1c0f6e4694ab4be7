package main

func jobs() dashboard {
	b := newLayout("facefusion-jobs", "FaceFusion / Jobs",
		"What waits, what runs, how long it takes, what fails and what was lost, by processor, model and media, and against last week and last year.",
		commonVariables(instanceVariable, mediaVariable), []annotation{started, crashed, orphaned})
	b.line(3, jobNumbers()...)
	b.line(8,
		chart{
			title: "Jobs in the queue", unit: "none", min: is(0.0), decimals: is(0), empty: "no jobs folder seen: FaceFusion 3.x has one",
			about: "Jobs by state, without those that ended. Stalled: what should work on them lives, and nothing moves. Orphaned: it is gone, and nothing will ever move.",
			queries: []query{{`
sum by (facefusion_job_state) (
  max_over_time(facefusion_job_count{@instance, facefusion_job_state=~"waiting|running|finalizing|stalled|orphaned|unreadable"}[$__rate_interval])
)`, "{{facefusion_job_state}}"}},
			runbooks: []string{"FaceFusionQueueGrowing", "FaceFusionQueueNotMoving", "FaceFusionJobStalled"},
		}.areas(),
		chart{
			title: "Jobs that ended", unit: "suffix:/min", min: is(0.0), interval: "5m", empty: "no job has ended",
			about:    "Runs per minute by how they ended.",
			queries:  []query{{`60 * sum by (facefusion_outcome) (rate(facefusion_job_finished_total{@jobs}[$__rate_interval]))`, "{{facefusion_outcome}}"}},
			runbooks: []string{"FaceFusionJobsFailing", "FaceFusionJobOrphaned"},
			events:   `facefusion_job_id != ""`,
		}.bars(),
	)
	b.line(8, waitAndRun()...)
	b.section("By processor and model", false)
	b.line(9, byProcessor()...)
	b.section("By media and origin", true)
	b.line(8, byMedia()...)
	b.section("Against last week and last year", true)
	b.line(8, againstThePast()...)
	b.section("Objectives", true)
	b.line(8, objectives()...)
	b.section("From FaceFusion's log", true)
	b.line(8, fromLog()...)
	b.line(8, fromLogNow()...)
	b.section("Open tabs, and what was lost", true)
	b.line(7, openTabs()...)
	b.section("The jobs folder", true)
	b.line(7, jobsFolder()...)
	return b.done()
}

func jobNumbers() []panel {
	return []panel{
		chart{title: "Waiting", unit: "none", about: "Jobs that nothing works on yet.",
			queries:  []query{{`sum(facefusion_job_count{@instance, facefusion_job_state="waiting"})`, "waiting"}},
			runbooks: []string{"FaceFusionQueueGrowing"}}.stat(),
		chart{title: "Running", unit: "none", about: "Jobs that are worked on, those whose outputs are being joined included.",
			queries: []query{{`sum(facefusion_job_count{@instance, facefusion_job_state=~"running|finalizing"})`, "running"}}}.stat(),
		chart{title: "Waits longest", unit: "s", decimals: is(0), about: "The age of the oldest job that waits.",
			scale:    []thresholdStep{{nil, "text"}, {is(1800.0), "orange"}, {is(7200.0), "red"}},
			queries:  []query{{`max(facefusion_job_oldest_age_seconds{@instance, facefusion_job_age="waiting"})`, "waits"}},
			runbooks: []string{"FaceFusionJobWaitsLong"}}.stat(),
		chart{title: "Runs longest", unit: "s", decimals: is(0), about: "The age of the oldest job that runs.",
			queries:  []query{{`max(facefusion_job_oldest_age_seconds{@instance, facefusion_job_age="running"})`, "runs"}},
			runbooks: []string{"FaceFusionJobStalled"}}.stat(),
		chart{title: "Stalled", unit: "none", about: "Jobs that hang: what should work on them lives, and nothing moves.", scale: fewIsWell,
			queries:  []query{{`sum(facefusion_job_count{@instance, facefusion_job_state="stalled"})`, "stalled"}},
			runbooks: []string{"FaceFusionJobStalled"}}.stat(),
		chart{title: "Orphaned", unit: "none", about: "Lost jobs that lie in the queue. FaceFusion never looks at them again.", scale: fewIsWell,
			queries:  []query{{`sum(facefusion_job_count{@instance, facefusion_job_state="orphaned"})`, "orphaned"}},
			runbooks: []string{"FaceFusionJobOrphaned", "FaceFusionOrphansLeft"}}.stat(),
		chart{title: "Ended", unit: "none", decimals: is(0), about: "Runs that ended over the chosen time, in whatever way.", empty: "none",
			queries: []query{{`sum(increase(facefusion_job_finished_total{@jobs}[$__range]))`, "ended"}}}.stat(),
		chart{title: "Success", unit: "percentunit", decimals: is(1), empty: "none ended",
			about: "Runs that completed, of all that were not deleted, over the chosen time. The objective is 99 %.", scale: successScale,
			queries: []query{{`
sum(increase(facefusion_job_finished_total{@jobs, facefusion_outcome="completed"}[$__range]))
  / (sum(increase(facefusion_job_finished_total{@jobs, facefusion_outcome!="deleted"}[$__range])) > 0)`, "success"}},
			runbooks: []string{"FaceFusionSuccessBurnFast"}}.stat(),
	}
}

func waitAndRun() []panel {
	waits := chart{
		title: "Wait against run", unit: "s", interval: "5m", empty: "no job has ended",
		about: "How long completed runs waited and ran: half took less than the median, 95 % less than p95; medians are dashed. Taken over half an hour (30m), as jobs are rare. When waiting passes running, there is too little to run on.",
		queries: []query{
			{`histogram_quantile(0.5, sum by (le) (rate(facefusion_job_wait_duration_seconds_bucket{@jobs, facefusion_outcome=~"completed|"}[30m])))`, "wait, median"},
			{`histogram_quantile(0.95, sum by (le) (rate(facefusion_job_wait_duration_seconds_bucket{@jobs, facefusion_outcome=~"completed|"}[30m])))`, "wait, p95"},
			{`histogram_quantile(0.5, sum by (le) (rate(facefusion_job_duration_seconds_bucket{@jobs, facefusion_outcome="completed"}[30m])))`, "run, median"},
			{`histogram_quantile(0.95, sum by (le) (rate(facefusion_job_duration_seconds_bucket{@jobs, facefusion_outcome="completed"}[30m])))`, "run, p95"},
		},
		colors:    map[string]string{"wait, median": "yellow", "wait, p95": "yellow", "run, median": "blue", "run, p95": "blue"},
		overrides: []override{dashed("/median/")},
		runbooks:  []string{"FaceFusionTimeBurnFast", "FaceFusionJobWaitsLong"},
	}.lines()
	return []panel{
		waits,
		chart{
			title: "How long jobs run", unit: "s", interval: "5m", empty: "no job has ended",
			about:   "Each cell is the completed runs of a few minutes that took so long. The dots are single runs: click one to see its trace.",
			queries: []query{{`sum by (le) (increase(facefusion_job_duration_seconds_bucket{@jobs, facefusion_outcome="completed"}[$__rate_interval]))`, "{{le}}"}},
		}.heatmap(),
		chart{
			title: "Failed runs", unit: "percentunit", min: is(0.0), least: is(0.05), empty: "no job has ended",
			about:    "Of the runs of the last hour (1h), those that failed or were lost. From the dashed line on, more than the objective allows.",
			scale:    []thresholdStep{{nil, "transparent"}, {is(0.01), "orange"}},
			queries:  []query{{`instance:facefusion_runs_failed:ratio1h{@instance}`, perInstance}},
			runbooks: []string{"FaceFusionJobsFailing", "FaceFusionSuccessBurnFast"},
		}.lines(),
	}
}

func byProcessor() []panel {
	by := func(expr string) string {
		return "sum by (facefusion_processors, facefusion_model, facefusion_media) (" + expr + ")"
	}
	steps := func(more, suffix string) string {
		return "increase(facefusion_step_duration_seconds_" + suffix + "{@jobs" + more + "}[$__range])"
	}
	quantile := func(q string) string {
		return "histogram_quantile(" + q + ", sum by (facefusion_processors, facefusion_model, facefusion_media, le) (" + steps(`, facefusion_outcome=~"completed|"`, "bucket") + "))"
	}
	return []panel{
		wide(16, chart{
			title: "Steps", empty: "no step has ended",
			about:    "The steps of jobs over the chosen time, by what they did; with config/more-attributes.yaml also by models and media, and how many failed. A step has one video or image as its target.",
			runbooks: []string{"FaceFusionSlowerThanLastWeek", "FaceFusionJobsFailing"},
		}.table([]column{
			{label: "facefusion_processors", title: "Processors"},
			{label: "facefusion_model", title: "Models"},
			{label: "facefusion_media", title: "Media", width: 80},
			{expr: by(steps("", "count")), title: "Steps", unit: "none", decimals: is(0), width: 80},
			{expr: by(steps(`, facefusion_outcome!~"completed|"`, "count")), title: "Failed", unit: "none", decimals: is(0), width: 80, scale: fewIsWell},
			{expr: quantile("0.5"), title: "Median", unit: "s", decimals: is(1), width: 90},
			{expr: quantile("0.95"), title: "p95", unit: "s", decimals: is(1), width: 90},
		}, "Processors")),
		wide(8, chart{
			title: "Time spent", unit: "s", empty: "no step has ended",
			about:   "Where the time of the chosen range went, by processors: what to make faster first.",
			queries: []query{{`sort_desc(sum by (facefusion_processors) (increase(facefusion_step_duration_seconds_sum{@jobs}[$__range])))`, "{{facefusion_processors}}"}},
		}.gauges()),
	}
}

func byMedia() []panel {
	return []panel{
		chart{
			title: "Runs by media", unit: "suffix:/min", min: is(0.0), interval: "5m", empty: "attribute is off: see the i",
			about:   "Runs per minute that ended, by what they worked on. Needs config/more-attributes.yaml.",
			queries: []query{{`60 * sum by (facefusion_media) (rate(facefusion_job_finished_total{@jobs, facefusion_media!=""}[$__rate_interval]))`, "{{facefusion_media}}"}},
		}.bars(),
		chart{
			title: "Runs by origin", unit: "suffix:/min", min: is(0.0), interval: "5m", empty: "attribute is off: see the i",
			about:   "Runs per minute that ended, by who made the job: the web UI, a headless or a batch command, job-create, a program around FaceFusion, somebody else. Needs config/more-attributes.yaml.",
			queries: []query{{`60 * sum by (facefusion_origin) (rate(facefusion_job_finished_total{@jobs, facefusion_origin!=""}[$__rate_interval]))`, "{{facefusion_origin}}"}},
		}.bars(),
		chart{
			title: "How long, by media", unit: "s", min: is(0.0), interval: "5m", empty: "attribute is off: see the i",
			about: "95 % of the completed runs take less, over half an hour (30m). Needs config/more-attributes.yaml.",
			queries: []query{{`histogram_quantile(0.95, sum by (facefusion_media, le) (rate(facefusion_job_duration_seconds_bucket{@jobs, facefusion_media!="", facefusion_outcome="completed"}[30m])))`,
				"{{facefusion_media}}"}},
		}.lines(),
	}
}

func againstThePast() []panel {
	failed := func(offset string) string {
		return `
sum(instance:facefusion_runs:increase1d{@instance, facefusion_outcome=~"failed|orphaned"}` + offset + `)
  / (sum(instance:facefusion_runs:increase1d{@instance, facefusion_outcome!="deleted"}` + offset + `) > 0)`
	}
	runs := func(offset string) string {
		return `sum(instance:facefusion_runs:increase1d{@instance}` + offset + `)`
	}
	step := func(offset string) string {
		return `avg by (facefusion_media) (media:facefusion_step_duration_seconds:median6h{@instance}` + offset + `)`
	}
	colors := map[string]string{"now": "blue", "a week ago": grey, "a year ago": "purple"}
	dashes := []override{dashed("/ ago$/")}
	return []panel{
		chart{
			title: "Failed runs of a day", unit: "percentunit", min: is(0.0), interval: "5m", empty: "no job has ended",
			about:   "Of the runs of the 24 hours before, those that failed or were lost; and the same a week and a year ago, as far as Prometheus remembers.",
			queries: []query{{failed(""), "now"}, {failed(" offset 1w"), "a week ago"}, {failed(" offset 1y"), "a year ago"}},
			colors:  colors, overrides: dashes, runbooks: []string{"FaceFusionJobsFailing"},
		}.lines(),
		chart{
			title: "Runs of a day", unit: "none", min: is(0.0), decimals: is(0), interval: "5m", empty: "no job has ended",
			about:   "Runs that ended within the 24 hours before; and the same a week and a year ago. A year is 365 days, so that the day of the week is another one.",
			queries: []query{{runs(""), "now"}, {runs(" offset 1w"), "a week ago"}, {runs(" offset 1y"), "a year ago"}},
			colors:  colors, overrides: dashes,
		}.lines(),
		chart{
			title: "The usual step", unit: "s", min: is(0.0), interval: "5m", empty: "attribute is off: see the i",
			about: "The median of the completed steps of 6 hours, the mean of the instances; dashed, that of a week ago. Needs config/more-attributes.yaml.",
			queries: []query{
				{step(""), "{{facefusion_media}}"},
				{step(" offset 1w"), "{{facefusion_media}}, a week ago"},
			},
			overrides: []override{dashed("/ ago$/")},
			runbooks:  []string{"FaceFusionSlowerThanLastWeek"},
		}.lines(),
	}
}

func objectives() []panel {
	burn := func(kind, objective string) []query {
		var queries []query
		for _, window := range []string{"1h", "6h", "1d", "3d"} {
			queries = append(queries, query{"max(instance:facefusion_runs_" + kind + ":ratio" + window + "{@instance}) / " + objective, window})
		}
		return queries
	}
	windows := map[string]string{"1h": "super-light-blue", "6h": "light-blue", "1d": "blue", "3d": "purple"}
	// The windows and factors are those of rules/alerts/slo.yml.
	scale := []thresholdStep{{nil, "transparent"}, {is(1.0), "orange"}, {is(14.4), "red"}}
	return []panel{
		chart{
			title: "Success: how fast the budget burns", unit: "suffix:×", min: is(0.0), decimals: is(0), scale: scale, empty: "no job has ended",
			about: "The failed runs as a multiple of the 1 % that the objective allows, of the worst instance, by window. At 1, the budget of 30 days is used up in 30 days; " +
				"at 14.4 (red) in two.",
			queries: burn("failed", "0.01"), colors: windows, runbooks: []string{"FaceFusionSuccessBurnFast", "FaceFusionSuccessBurnSlow"},
		}.lines(),
		chart{
			title: "Time to result: how fast the budget burns", unit: "suffix:×", min: is(0.0), decimals: is(0), scale: scale, empty: "no job has ended",
			about:   "The late runs as a multiple of the 5 % that the objective allows, of the worst instance, by window. In time is: started within 5 minutes, then done within 1 (images) or 30 (the rest).",
			queries: burn("late", "0.05"), colors: windows, runbooks: []string{"FaceFusionTimeBurnFast", "FaceFusionTimeBurnSlow"},
		}.lines(),
	}
}

func jobsFolder() []panel {
	return []panel{
		chart{
			title:    "Whether it can be read",
			about:    "Absent: there is none, as with FaceFusion 2.x. Unreachable: no process of the container that has it runs. Denied: it may not be read. Not visible: its process may not be looked into. Unknown: no checkout is known.",
			empty:    "no instance seen",
			states:   folderStates,
			queries:  []query{{worst("host_name, service_instance_id", during("facefusion_job_folder_state", "@instance", folderStates)), perInstance}},
			runbooks: []string{"FaceFusionJobsFolderClosed"},
		}.timeline(),
		chart{
			title: "What is wrong in it", unit: "none", min: is(0.0), least: is(3.0), decimals: is(0), empty: "nothing",
			about: "Jobs that two runners work on at the same time, job files that nobody can read, and entries that are named like a job and are none.",
			queries: []query{
				{`sum(facefusion_job_contended{@instance})`, "run twice at once"},
				{`sum(facefusion_job_count{@instance, facefusion_job_state="unreadable"})`, "unreadable"},
				{`sum(facefusion_job_folder_oddities{@instance})`, "no regular file"},
			},
			colors:   map[string]string{"run twice at once": "red", "unreadable": "orange", "no regular file": "purple"},
			runbooks: []string{"FaceFusionJobContended", "FaceFusionJobUnreadable"},
		}.lines(),
		chart{
			title: "What lies in it", unit: "none", min: is(0.0), decimals: is(0), empty: "no jobs folder seen",
			about:   "Jobs that ended and that were never submitted. FaceFusion does not tidy up.",
			queries: []query{{`sum by (facefusion_job_state) (facefusion_job_count{@instance, facefusion_job_state=~"drafted|completed|failed"})`, "{{facefusion_job_state}}"}},
		}.lines(),
	}
}
