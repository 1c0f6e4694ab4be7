package main

const heatAndBrake = `nvidia_gpu_clock_event=~"sw_thermal_slowdown|hw_thermal_slowdown|hw_slowdown|hw_power_brake_slowdown"`

func gpu() dashboard {
	b := newLayout("facefusion-gpu", "FaceFusion / GPU",
		"Every reading of the GPUs: how busy and how full, how hot, what slows them down, what breaks. A GPU has the same colour in all panels.",
		commonVariables(gpuVariable), []annotation{xid, driverChanged})
	b.line(3, gpuNumbers()...)
	b.line(6,
		chart{
			title:  "State",
			about:  "Whether each GPU is well, and if not, why. Hangs: a call of the driver does not return. Pending faults want a reset, failed ones another board.",
			empty:  "no GPU seen",
			states: append([]state{wellState, asleepState}, faultStates...),
			queries: []query{{worst("host_name, hw_name",
				during("hw_status", "@gpu", []state{wellState}),
				during("nvidia_gpu_suspended", "@gpu", []state{asleepState}),
				during("nvidia_gpu_fault", "@gpu", faultStates)), perGPU}},
			runbooks: []string{"GPULost", "GPUDegraded", "GPURecoveryNeeded"},
		}.timeline(),
		chart{
			title:    "What holds the clocks down",
			about:    "The worst of what the driver says. At the power limit is usual under full load; heat and the power brake are not. Empty: nothing holds them down. What is shorter than a scrape may not be seen.",
			empty:    "no GPU seen",
			states:   clockStates,
			queries:  []query{{worst("host_name, hw_name", during("nvidia_gpu_clock_event_active", "@gpu", clockStates)), perGPU}},
			runbooks: []string{"GPUThermalThrottling", "GPUPowerBrake", "GPUPowerCapped"},
		}.timeline(),
	)
	b.line(8, utilization()...)
	b.line(8, temperatures()...)
	b.line(8, power()...)
	b.section("FaceFusion's share", true)
	b.line(8, share()...)
	b.section("Clocks", true)
	b.line(8, clocks()...)
	b.section("Encoder, decoder and bus", true)
	b.line(7, engines()...)
	b.line(7, bus()...)
	b.section("Errors", true)
	b.line(5, recovery())
	b.line(8, gpuErrors()...)
	b.section("Slow changes", true)
	b.line(8, slowChanges()...)
	b.section("Inventory", true)
	b.line(7, inventory())
	return b.done()
}

func gpuNumbers() []panel {
	return []panel{
		chart{
			title: "GPUs", unit: "none", empty: "none seen", about: "GPUs that are well, and those that are not.",
			queries: []query{
				{`sum(hw_status{@gpu, hw_state="ok"})`, "well"},
				{`sum(hw_status{@gpu, hw_state!="ok"})`, "not well"},
			},
			overrides: []override{colorBy("not well", noneIsWell)},
			runbooks:  []string{"GPULost", "GPUMissing"},
		}.stat(),
		chart{
			title: "Utilization, mean", unit: "percentunit", decimals: is(0), min: is(0.0), max: is(1.0),
			about: "The mean of all GPUs over the chosen time.", queries: []query{{`avg(avg_over_time(hw_gpu_utilization_ratio{@gpu, hw_gpu_task="general"}[$__range]))`, "busy"}},
			runbooks: []string{"HighGPUUsage"},
		}.stat(),
		chart{
			title: "Memory, max", unit: "percentunit", decimals: is(0), min: is(0.0), max: is(1.0), scale: []thresholdStep{{nil, "text"}, {is(0.9), "orange"}, {is(0.95), "red"}},
			about: "The most memory that a GPU had in use in the chosen time. FaceFusion loses jobs that run out of it.", queries: []query{{`max(max_over_time(hw_gpu_memory_utilization_ratio{@gpu}[$__range]))`, "used"}},
			runbooks: []string{"GPUMemoryFull"},
		}.stat(),
		chart{
			title: "Heat margin", unit: "celsius", decimals: is(0), scale: []thresholdStep{{nil, "red"}, {is(3.0), "orange"}, {is(10.0), "text"}},
			about: "How much hotter the hottest sensor could have got in the chosen time before the hardware halves the clocks.",
			empty: "limits not reported",
			queries: []query{{`
min(
  hw_temperature_limit_celsius{@gpu, hw_limit_type="high.degraded"}
    - on (host_name, hw_parent, hw_sensor_location) group_right ()
  max_over_time(hw_temperature_celsius{@gpu}[$__range])
)`, "margin"}},
			runbooks: []string{"GPUHot"},
		}.stat(),
		chart{
			title: "Power now", unit: "watt", decimals: is(0), min: is(0.0), about: "What all GPUs draw together.",
			queries: []query{{`sum(hw_power_watts{@gpu})`, "power"}},
		}.stat(),
		chart{
			title: "Energy", unit: "kwatth", decimals: is(1), about: "What all GPUs used together over the chosen time.",
			queries: []query{{`sum(increase(hw_energy_joules_total{@gpu}[$__range])) / 3.6e6`, "energy"}},
		}.stat(),
		chart{
			title: "Throttled", unit: "percentunit", decimals: is(1), about: "The part of the chosen time in which heat or the power brake held the clocks of a GPU down, the worst of them.",
			scale: []thresholdStep{{nil, "text"}, {is(0.01), "orange"}, {is(0.1), "red"}},
			queries: []query{{`max(avg_over_time(nvidia_gpu_clock_event_active{@gpu, ` + heatAndBrake + `}[$__range]))`,
				"slowed down"}},
			runbooks: []string{"GPUThermalThrottling", "GPUPowerBrake"},
		}.stat(),
		chart{
			title: "Errors", unit: "none", decimals: is(0), about: "XIDs and uncorrected memory errors of the chosen time.",
			scale:    noneIsWell,
			queries:  []query{{`sum(increase(hw_errors_total{@gpu, error_type=~"xid_.+|uncorrected"}[$__range]))`, "errors"}},
			runbooks: []string{"GPUXid", "GPUXidOther", "GPUMemoryErrors"},
		}.stat(),
	}
}

func utilization() []panel {
	return []panel{
		chart{
			title: "Busy, mean", unit: "percentunit", min: is(0.0), max: is(1.0), empty: "no GPU seen",
			about:    "The fraction of time that something ran on the GPU, over the whole interval between two scrapes.",
			queries:  []query{{`avg_over_time(hw_gpu_utilization_ratio{@gpu, hw_gpu_task="general"}[$__rate_interval])`, perGPU}},
			runbooks: []string{"HighGPUUsage"},
		}.lines(),
		chart{
			title: "Busy, peak", unit: "percentunit", min: is(0.0), max: is(1.0), empty: "no GPU seen",
			about:   "The highest sample of the same interval. High beside a low mean: work comes in bursts, and the GPU waits for something else in between: disk, CPU, ffmpeg.",
			queries: []query{{`max_over_time(nvidia_gpu_utilization_max_ratio{@gpu, hw_gpu_task="general"}[$__rate_interval])`, perGPU}},
		}.lines(),
		chart{
			title: "Memory in use", unit: "percentunit", min: is(0.0), max: is(1.0), empty: "no GPU seen",
			about:    "Without what the driver reserves for itself. From the dashed line on, the next job may not fit.",
			scale:    []thresholdStep{{nil, "transparent"}, {is(0.95), "red"}},
			queries:  []query{{`max_over_time(hw_gpu_memory_utilization_ratio{@gpu}[$__rate_interval])`, perGPU}},
			runbooks: []string{"GPUMemoryFull"},
		}.lines(),
	}
}

func temperatures() []panel {
	return []panel{
		chart{
			title: "Temperature of the die", unit: "celsius", empty: "no GPU seen",
			about: "The dashed lines are where the clocks begin to go down and where the hardware halves them, the lowest of all GPUs.",
			queries: []query{
				{`max_over_time(hw_temperature_celsius{@gpu, hw_sensor_location="gpu"}[$__rate_interval])`, perGPU},
				{`min(hw_temperature_limit_celsius{@gpu, hw_sensor_location="gpu", hw_limit_type="max"})`, "slower from"},
				{`min(hw_temperature_limit_celsius{@gpu, hw_sensor_location="gpu", hw_limit_type="high.degraded"})`, "halved from"},
			},
			overrides: []override{limit("/ from$/")},
			runbooks:  []string{"GPUHot", "GPUThermalThrottling"},
		}.lines(),
		chart{
			title: "Temperature of the memory", unit: "celsius", empty: "not reported by these GPUs",
			about: "Memory is often hotter than the die and throttles on its own.",
			queries: []query{
				{`max_over_time(hw_temperature_celsius{@gpu, hw_sensor_location="memory"}[$__rate_interval])`, perGPU},
				{`min(hw_temperature_limit_celsius{@gpu, hw_sensor_location="memory", hw_limit_type="max"})`, "slower from"},
			},
			overrides: []override{limit("/ from$/")},
			runbooks:  []string{"GPUHot"},
		}.lines(),
		chart{
			title: "Temperature trend", unit: "celsius", empty: "not yet known",
			about: "How much hotter the die was on average within the last hour (1h) than within the hour before. A GPU that goes on rising under a steady load loses its cooling.",
			queries: []query{{`
avg_over_time(hw_temperature_celsius{@gpu, hw_sensor_location="gpu"}[1h])
  - avg_over_time(hw_temperature_celsius{@gpu, hw_sensor_location="gpu"}[1h] offset 1h)`, perGPU}},
			runbooks: []string{"GPUHot"},
		}.lines(),
	}
}

func power() []panel {
	return []panel{
		chart{
			title: "Power", unit: "watt", min: is(0.0), empty: "no GPU seen",
			about: "What each GPU draws. The dashed line is the limit in force, the lowest of all GPUs.",
			queries: []query{
				{`avg_over_time(hw_power_watts{@gpu}[$__rate_interval])`, perGPU},
				{`min(nvidia_gpu_power_limit_watts{@gpu, nvidia_gpu_power_limit_type="enforced"})`, "limit"},
			},
			overrides: []override{limit("/^limit/")},
			runbooks:  []string{"GPUPowerCapped"},
		}.lines(),
		chart{
			title: "Fans", unit: "percentunit", min: is(0.0), empty: "these GPUs have no fan",
			about:    "The fastest fan of each GPU, as a fraction of what it was made for, which it may exceed.",
			queries:  []query{{`max by (host_name, hw_name) (max_over_time(hw_fan_speed_ratio{@gpu}[$__rate_interval]))`, perGPU}},
			runbooks: []string{"GPUHot"},
		}.lines(),
		chart{
			title: "Energy per run", unit: "watth", min: is(0.0), interval: "5m", empty: "no job has ended",
			about: "The energy that all GPUs of a host used in an hour, for each run that completed in it. It rises when the GPUs idle between jobs, and when jobs take longer.",
			queries: []query{{`
sum by (host_name) (increase(hw_energy_joules_total{@gpu}[1h])) / 3600
  / (sum by (host_name) (increase(facefusion_job_finished_total{@host, facefusion_outcome="completed"}[1h])) > 0)`, "{{host_name}}"}},
		}.lines(),
	}
}
