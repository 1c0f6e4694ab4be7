package main

import (
	"encoding/json"
	"net/url"
	"strings"
)

// noInside is the text of an empty panel where nothing is observed from inside.
const noInside = "nothing is observed from inside: docs/inside.md"

// inside is the dashboard of the metrics of the package facefusion-observability, by service, next
// to the agent's own metrics of the same hosts.
func inside() dashboard {
	b := newLayout("facefusion-inside", "FaceFusion / From inside",
		"Requests by route, errors and their traces, steps, frames and exceptions, as FaceFusion and the services around it say themselves; and the GPUs beside them.",
		commonVariables(serviceVariable, instanceVariable), []annotation{started, crashed, orphaned})
	b.line(3, insideNumbers()...)
	b.line(8, requests()...)
	b.line(8, requestTimes()...)
	b.section("Steps and frames", false)
	b.line(8, insideSteps()...)
	b.line(8, insideFrames()...)
	b.section("What it takes of the GPUs", false)
	b.line(8, insideGPUs()...)
	b.section("Models, and the package itself", true)
	b.line(7, insideModels()...)
	return b.done()
}

var serviceVariable = labelValues("service", "Service", "A page of the package: a service, or a FaceFusion.",
	`label_values(facefusion_inside_info{job="facefusion-inside", host_name=~"$host"}, instance)`)

// ofInside are the matchers of this dashboard.
const ofInside = `job="facefusion-inside", host_name=~"$host", instance=~"$service"`

// insideRate is the rate of a counter, with more matchers, by labels.
func insideRate(by, counter, more string) string {
	return "sum by (" + by + ") (rate(" + counter + "{" + ofInside + more + "}[$__rate_interval]))"
}

func insideNumbers() []panel {
	failed := `, status="5xx"`
	return []panel{
		chart{title: "Requests", unit: "suffix: /s", decimals: is(2), empty: noInside, about: "Requests a second, of all routes that are not left out.",
			queries: []query{{insideRate("", "http_requests_total", ""), "requests"}}}.stat(),
		chart{title: "Errors", unit: "percentunit", decimals: is(1), empty: noInside, about: "Which part of the requests failed: an exception, or a status of 5xx.",
			scale:   []thresholdStep{{nil, "text"}, {is(0.01), "orange"}, {is(0.05), "red"}},
			queries: []query{{"(" + insideRate("", "http_requests_total", failed) + " or vector(0)) / " + insideRate("", "http_requests_total", ""), "errors"}}}.stat(),
		chart{title: "Slowest twentieth", unit: "s", empty: noInside, about: "95 of 100 requests take less.",
			queries: []query{{"histogram_quantile(0.95, " + insideRate("le", "http_request_duration_seconds_bucket", "") + ")", "p95"}}}.stat(),
		chart{title: "Steps", unit: "suffix: /min", decimals: is(1), empty: noInside, about: "Steps of FaceFusion that ended, a minute.",
			queries: []query{{"60 * " + insideRate("", "facefusion_inside_steps_total", ""), "steps"}}}.stat(),
		chart{title: "Frames", unit: "suffix: /s", decimals: is(1), empty: noInside, about: "Frames a second that the processors are done with.",
			queries: []query{{insideRate("", "facefusion_inside_frames_total", `, phase="processing"`), "frames"}}}.stat(),
		chart{title: "Services", unit: "none", empty: noInside, about: "Pages that are scraped.",
			queries: []query{{`count(up{` + ofInside + `} == 1)`, "services"}}}.stat(),
	}
}

func requests() []panel {
	return []panel{
		chart{
			title: "Requests by route", unit: "suffix: /s", min: is(0.0), empty: noInside,
			about:   "Requests a second. A route is its template; what matches none is \"other\".",
			queries: []query{{insideRate("method, handler", "http_requests_total", ""), "{{method}} {{handler}}"}},
		}.areas(),
		chart{
			title: "Errors by route", unit: "percentunit", min: is(0.0), least: is(0.01), empty: "no request has failed",
			about: "Which part of a route's requests failed. A dot is a failed request, and leads to its trace; so does a click on the line, to all traces with an error of the route.",
			queries: []query{{
				insideRate("method, handler", "http_requests_total", `, status="5xx"`) + "\n/ " + insideRate("method, handler", "http_requests_total", ""),
				"{{method}} {{handler}}",
			}},
		}.lines().toTraces(),
		chart{
			title: "Answers", unit: "suffix: /s", min: is(0.0), empty: noInside,
			about:   "Requests a second by class of status.",
			queries: []query{{insideRate("status", "http_requests_total", ""), "{{status}}"}},
			colors:  map[string]string{"2xx": "green", "3xx": "blue", "4xx": "orange", "5xx": "red"},
		}.areas(),
	}
}

func requestTimes() []panel {
	return []panel{
		wide(12, chart{
			title: "How long requests take", unit: "s", min: is(0.0), empty: noInside,
			about: "Of each route: half of the requests take less than p50, 95 of 100 less than p95.",
			queries: []query{
				{"histogram_quantile(0.5, " + insideRate("le, method, handler", "http_request_duration_seconds_bucket", "") + ")", "p50 {{method}} {{handler}}"},
				{"histogram_quantile(0.95, " + insideRate("le, method, handler", "http_request_duration_seconds_bucket", "") + ")", "p95 {{method}} {{handler}}"},
			},
		}.lines().withExemplars()),
		wide(12, chart{
			title: "Requests by how long they take", unit: "s", empty: noInside,
			about:   "The darker, the more requests. A dot is a request, and leads to its trace.",
			queries: []query{{"sum by (le) (increase(http_request_duration_seconds_bucket{" + ofInside + "}[$__rate_interval]))", "{{le}}"}},
		}.heatmap()),
	}
}

func insideSteps() []panel {
	return []panel{
		chart{
			title: "Steps by how they ended", unit: "suffix: /min", min: is(0.0), interval: "1m", empty: noInside,
			about:   "Rejected: a check refused it. Declined: the content filter did. Stopped: by a user, or by the end of its request.",
			queries: []query{{"60 * " + insideRate("outcome", "facefusion_inside_steps_total", ""), "{{outcome}}"}},
		}.bars(),
		chart{
			title: "How long steps take", unit: "s", min: is(0.0), empty: noInside,
			about: "Half of the steps take less than p50, 95 of 100 less than p95.",
			queries: []query{
				{"histogram_quantile(0.5, " + insideRate("le, outcome", "facefusion_inside_step_duration_seconds_bucket", "") + ")", "p50 {{outcome}}"},
				{"histogram_quantile(0.95, " + insideRate("le, outcome", "facefusion_inside_step_duration_seconds_bucket", "") + ")", "p95 {{outcome}}"},
			},
		}.lines().withExemplars(),
		chart{
			title: "Exceptions", unit: "none", min: is(0.0), decimals: is(0), interval: "1m", empty: "none",
			about:   "Exceptions that left a step or a request, by type and by what they are about.",
			queries: []query{{"sum by (exception_type, reason) (increase(facefusion_inside_exceptions_total{" + ofInside + "}[$__rate_interval])) > 0", "{{exception_type}} ({{reason}})"}},
		}.bars(),
	}
}

func insideFrames() []panel {
	return []panel{
		chart{
			title: "Frames by phase", unit: "suffix: /s", min: is(0.0), empty: noInside,
			about:   "Frames a second over time, those of idle minutes included.",
			queries: []query{{insideRate("phase", "facefusion_inside_frames_total", ""), "{{phase}}"}},
		}.areas(),
		chart{
			title: "Where the time goes", unit: "percentunit", min: is(0.0), empty: noInside,
			about:   "How much of the time each phase takes; of one FaceFusion, at most 100 % together.",
			queries: []query{{insideRate("phase", "facefusion_inside_phase_duration_seconds_sum", ""), "{{phase}}"}},
		}.areas(),
		chart{
			title: "What FaceFusion is at", unit: "none", min: is(0.0), decimals: is(0), empty: noInside,
			about:   "Processes by the state of FaceFusion's process manager.",
			queries: []query{{`sum by (state) (facefusion_inside_process_state{` + ofInside + `, state!="pending"})`, "{{state}}"}},
		}.areas(),
		chart{
			title: "Declined", unit: "none", min: is(0.0), decimals: is(0), interval: "1m", empty: noInside,
			about:   "Steps that the content filter refused.",
			queries: []query{{`sum(increase(facefusion_inside_content_declined_total{` + ofInside + `}[$__rate_interval]))`, "declined"}},
		}.bars(),
	}
}

// insideGPUs are panels of the agent's metrics, which have each process and each GPU.
func insideGPUs() []panel {
	return []panel{
		chart{
			title: "FaceFusion's share of the GPUs", unit: "percentunit", min: is(0.0), empty: "the agent of the host tells it",
			about:   "How much of a GPU's time each FaceFusion, and each service around one, uses: 1 is one GPU.",
			queries: []query{{`sum by (host_name, service_instance_id) (avg_over_time(facefusion_gpu_utilization_ratio{@instance, hw_gpu_task="general"}[$__rate_interval]))`, perInstance}},
		}.areas(),
		chart{
			title: "FaceFusion's memory on the GPUs", unit: "bytes", min: is(0.0), empty: "the agent of the host tells it",
			about:   "Memory of the GPUs that each FaceFusion, and each service around one, holds.",
			queries: []query{{`sum by (host_name, service_instance_id) (facefusion_gpu_memory_usage_bytes{@instance})`, perInstance}},
		}.areas(),
		chart{
			title: "Observed from both sides", unit: "none", min: is(0.0), decimals: is(0), empty: "none is, or no agent is on the host",
			about:   "Instances that the agent sees from outside, and that say themselves that they are observed from inside.",
			queries: []query{{`count by (host_name, service_instance_id) (facefusion_instance_info{@instance, facefusion_inside="true"})`, perInstance}},
		}.areas(),
	}
}

func insideModels() []panel {
	return []panel{
		chart{
			title: "How long models take to load", unit: "s", min: is(0.0), empty: "none was loaded",
			about:   "The mean of each model.",
			queries: []query{{insideRate("model", "facefusion_inside_model_load_duration_seconds_sum", "") + "\n/ (" + insideRate("model", "facefusion_inside_model_load_duration_seconds_count", "") + " > 0)", "{{model}}"}},
		}.lines(),
		chart{
			title: "Models that did not load", unit: "none", min: is(0.0), decimals: is(0), interval: "1m", empty: noInside,
			about:   "FaceFusion 3.4 and later ends its process.",
			queries: []query{{`sum by (host_name, instance) (increase(facefusion_inside_model_load_failures_total{` + ofInside + `}[$__rate_interval]))`, "{{host_name}} {{instance}}"}},
		}.bars(),
		chart{
			title: "Faults of the package", unit: "none", min: is(0.0), decimals: is(0), interval: "1m", empty: "none",
			about:   "None reaches the service: each is a warning in its log, and is worth a report.",
			queries: []query{{`sum by (where) (increase(facefusion_inside_errors_total{` + ofInside + `}[$__rate_interval])) > 0`, "{{where}}"}},
		}.bars(),
	}
}

// withExemplars draws requests that have a trace as dots, which link to it.
func (p panel) withExemplars() panel {
	for i := range p.Targets {
		p.Targets[i].Exemplar = true
	}
	return p
}

// toTraces links a point of a route to its failed traces in Jaeger, in addition to the dots: shared
// pages of several workers, and metrics from OTLP, have no exemplars.
func (p panel) toTraces() panel {
	p = p.withExemplars()
	p.FieldConfig.Defaults.Links = []panelLink{{Title: "Traces with an error of this route", URL: tracesOfRoute(), TargetBlank: true}}
	return p
}

// tracesOfRoute opens Grafana's Explore at the spans of a request, which are named after method and
// route.
func tracesOfRoute() string {
	jaeger := datasource{Type: "jaeger", UID: "jaeger"}
	panes, err := json.Marshal(map[string]any{"traces": map[string]any{
		"datasource": jaeger.UID,
		"queries": []map[string]any{{
			"refId": "A", "datasource": jaeger, "queryType": "search", "service": "facefusion-inside",
			"operation": "METHOD HANDLER", "tags": "error=true",
		}},
		"range": map[string]string{"from": "FROM", "to": "TO"},
	}})
	if err != nil {
		panic(err) // only maps of this program are encoded
	}
	// Grafana encodes the values of its variables by itself, as the format says.
	return "/explore?schemaVersion=1&panes=" + strings.NewReplacer(
		"METHOD", "${__field.labels.method:percentencode}", "HANDLER", "${__field.labels.handler:percentencode}", "FROM", "${__from}", "TO", "${__to}",
	).Replace(url.QueryEscape(string(panes)))
}
