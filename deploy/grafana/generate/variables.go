package main

// The variables are in the order in which a reader chooses: data source, host, then instance or
// GPU.

func commonVariables(more ...variable) []variable {
	return append([]variable{
		{
			Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus",
			Description: "The Prometheus that has the metrics and the recording rules.", Current: &current{"Prometheus", "prometheus"},
		},
		{
			Name: "docs", Type: "constant", Query: documents, Current: &current{documents, documents},
			// Hidden. Change it here where the runbooks are served from another address.
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

// labelValues is a variable with the values of a label: multiple choice, all by default.
func labelValues(name, label, description, query string) variable {
	return variable{
		Name: name, Label: label, Description: description, Type: "query", Datasource: &prometheus,
		Query: map[string]any{"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery", "qryType": 1}, Definition: query,
		// Refresh 2: queried again when the time range changes. Sort: natural order.
		Refresh: 2, Sort: 7,
		// ".*" rather than the list of all values: it keeps queries short and matches series
		// without the label.
		Multi: true, IncludeAll: true, AllValue: ".*", Current: &current{"All", "$__all"},
	}
}
