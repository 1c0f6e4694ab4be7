package main

import (
	"fmt"
	"strings"
)

// Annotations mark events: increases of counters. Their colours are those of the states that
// follow.
var (
	started = happened("Started", "blue", `facefusion_process_starts_total{@instance, facefusion_process_role="server"}`,
		"host_name, service_instance_id", "{{service_instance_id}} on {{host_name}}: the web UI was started")
	crashed = happened("Crashed", "red", `facefusion_process_exits_total{@instance, facefusion_exit_reason=~"crashed|killed|oom_killed"}`,
		"host_name, service_instance_id, facefusion_process_role, facefusion_exit_reason", "{{service_instance_id}} on {{host_name}}: {{facefusion_process_role}} {{facefusion_exit_reason}}")
	orphaned = happened("Job lost", "dark-orange", `facefusion_job_finished_total{@instance, facefusion_outcome="orphaned"}`,
		"host_name, service_instance_id", "{{service_instance_id}} on {{host_name}} lost a job")
	xid = happened("XID", "purple", `hw_errors_total{@host, error_type=~"xid_.+"}`,
		"host_name, hw_name, error_type", "{{hw_name}} on {{host_name}}: {{error_type}}")
	upgraded = changed("Version", "green", `facefusion_instance_info{@instance}`,
		"host_name, service_instance_id, service_version", "{{service_instance_id}} on {{host_name}}: FaceFusion {{service_version}}")
	driverChanged = changed("Driver", "yellow", `nvidia_gpu_info{@host}`,
		"host_name, hw_driver_version", "{{host_name}}: driver {{hw_driver_version}}")
	// FaceFusion reads its own configuration when it starts, and so does the agent: the marks of
	// both starts are those of a change. This one is of what can change without: whether what the
	// agent's configuration names is there, and the rules and targets of Prometheus.
	reconfigured = annotation{
		Name: "Configuration", Enable: true, IconColor: "light-blue", Datasource: prometheus, Step: "1m",
		Expr: matchers.Replace(`
group by (host_name, service_instance_id, facefusion_instance_configuration_state) (
  facefusion_instance_configuration_state{@host} == 1 and changes(facefusion_instance_configuration_state{@host}[$__rate_interval]) > 0
)
or group by (job) (changes(prometheus_config_last_reload_success_timestamp_seconds{job="prometheus"}[$__rate_interval]) > 0)`[1:]),
		TitleFormat: "Configuration", TextFormat: "{{job}} {{service_instance_id}} {{host_name}} {{facefusion_instance_configuration_state}}", TagKeys: "host_name,service_instance_id",
	}
	agentStarted = annotation{
		Name: "Agent started", Enable: true, IconColor: "blue", Datasource: prometheus, Step: "1m",
		Expr:        matchers.Replace(`resets(otelcol_process_uptime{@host}[$__rate_interval]) > 0`),
		TitleFormat: "Agent started", TextFormat: "{{host_name}}: the agent was started", TagKeys: "host_name",
	}
)

// happened marks each increase of a counter and its first appearance: the counter of a rare event
// is absent before the first one.
func happened(name, color, selector, by, text string) annotation {
	return annotation{
		Name: name, Enable: true, IconColor: color, Datasource: prometheus, Step: "1m",
		Expr: matchers.Replace(fmt.Sprintf(`sum by (%s) (changes(%s[$__rate_interval]) or (%s unless %s offset $__rate_interval)) > 0`,
			by, selector, selector, selector)),
		TitleFormat: name, TextFormat: text, TagKeys: strings.ReplaceAll(by, " ", ""),
	}
}

// changed marks a label set of an info metric that appears for the first time within the range.
func changed(name, color, selector, by, text string) annotation {
	return annotation{
		Name: name, Enable: true, IconColor: color, Datasource: prometheus, Step: "1m",
		Expr:        matchers.Replace(fmt.Sprintf(`group by (%[1]s) (%[2]s) unless on (%[1]s) group by (%[1]s) (last_over_time(%[2]s[$__range] offset $__rate_interval))`, by, selector)),
		TitleFormat: name, TextFormat: text, TagKeys: strings.ReplaceAll(by, " ", ""),
	}
}

// counted is the increase of a counter that may be absent before the first event. If it was absent,
// the increase is its whole value.
func counted(selector, window string) string {
	return fmt.Sprintf("((%s unless %s offset %s) or increase(%s[%s]))", selector, selector, window, selector, window)
}
