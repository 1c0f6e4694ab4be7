package main

import (
	"fmt"
	"strings"
)

// Annotations are what happened, out of counters that moved. Colours are those of the states that
// follow.
var (
	started = happened("Started", "blue", `facefusion_process_starts_total{@instance, facefusion_process_role="server"}`,
		"host_name, service_instance_id", "{{service_instance_id}} on {{host_name}}: the web UI was started")
	crashed = happened("Crashed", "red", `facefusion_process_exits_total{@instance, facefusion_exit_reason=~"crashed|killed"}`,
		"host_name, service_instance_id, facefusion_process_role, facefusion_exit_reason", "{{service_instance_id}} on {{host_name}}: {{facefusion_process_role}} {{facefusion_exit_reason}}")
	orphaned = happened("Job lost", "dark-orange", `facefusion_job_finished_total{@instance, facefusion_outcome="orphaned"}`,
		"host_name, service_instance_id", "{{service_instance_id}} on {{host_name}} lost a job")
	xid = happened("XID", "purple", `hw_errors_total{@host, error_type=~"xid_.+"}`,
		"host_name, hw_name, error_type", "{{hw_name}} on {{host_name}}: {{error_type}}")
	agentStarted = annotation{
		Name: "Agent started", Enable: true, IconColor: "blue", Datasource: prometheus, Step: "1m",
		Expr:        matchers.Replace(`resets(otelcol_process_uptime{@host}[$__rate_interval]) > 0`),
		TitleFormat: "Agent started", TextFormat: "{{host_name}}: the agent was started", TagKeys: "host_name",
	}
)

// happened marks when a counter moves, and when it appears: that of a rare thing is not there
// before the first.
func happened(name, color, selector, by, text string) annotation {
	return annotation{
		Name: name, Enable: true, IconColor: color, Datasource: prometheus, Step: "1m",
		Expr: matchers.Replace(fmt.Sprintf(`sum by (%s) (changes(%s[$__rate_interval]) or (%s unless %s offset $__rate_interval)) > 0`,
			by, selector, selector, selector)),
		TitleFormat: name, TextFormat: text, TagKeys: strings.ReplaceAll(by, " ", ""),
	}
}

// counted is how far a counter moved that may not be there before the first: then, all that it has
// counted.
func counted(selector, window string) string {
	return fmt.Sprintf("((%s unless %s offset %s) or increase(%s[%s]))", selector, selector, window, selector, window)
}
