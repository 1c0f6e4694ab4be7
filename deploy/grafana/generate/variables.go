package main

// The order of the variables is that of the choice: where from, which host, what on it.

func commonVariables(more ...variable) []variable {
	return append([]variable{
		{
			Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus",
			Description: "The Prometheus that has the metrics and the recording rules.", Current: &current{"Prometheus", "prometheus"},
		},
		{
			Name: "docs", Type: "constant", Query: documents, Current: &current{documents, documents},
			// Not shown; whoever keeps the documents elsewhere changes it here.
			Hide: 2,
		},
		labelValues("host", "Host", "What the hosts call themselves.", "label_values(facefusion_instances, host_name)"),
	}, more...)
}

var (
	instanceVariable = labelValues("instance", "Instance", "A FaceFusion checkout with its jobs folder.",
		`label_values(facefusion_process_up{host_name=~"$host"}, service_instance_id)`)
	gpuVariable = labelValues("gpu", "GPU", "A GPU by the number that the driver gives it.",
		`label_values(nvidia_gpu_info{host_name=~"$host"}, hw_name)`)
	mediaVariable = labelValues("media", "Media", "What the jobs work on.",
		`label_values(facefusion_job_finished_total{host_name=~"$host", service_instance_id=~"$instance"}, facefusion_media)`)
)

// labelValues is a choice among the values of a label, any number of them, all at first.
func labelValues(name, label, description, query string) variable {
	return variable{
		Name: name, Label: label, Description: description, Type: "query", Datasource: &prometheus,
		Query: map[string]any{"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery", "qryType": 1}, Definition: query,
		// 2: asked again when the time range changes; sorted as people sort numbers.
		Refresh: 2, Sort: 7,
		// ".*" rather than all values: a query stays short, and what has no such label is not lost.
		Multi: true, IncludeAll: true, AllValue: ".*", Current: &current{"All", "$__all"},
	}
}
