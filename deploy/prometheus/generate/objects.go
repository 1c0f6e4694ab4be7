package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// prometheusRules returns the rules as objects of the Prometheus operator, for clusters without the
// chart.
func prometheusRules(files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(written)
	for _, name := range sortedNames(files) {
		object := strings.NewReplacer("/", "-", ".yml", "").Replace(name)
		fmt.Fprintf(&out, "---\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: facefusion-%s\n  labels:\n    app.kubernetes.io/name: otelcol-facefusion\nspec:\n", object)
		content := string(files[name])
		for line := range strings.Lines(content[strings.Index(content, "groups:"):]) {
			if strings.TrimSpace(line) != "" {
				line = "  " + line
			}
			out.WriteString(line)
		}
	}
	return out.Bytes(), nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// podMonitor scrapes the agents of a cluster under the job names that the rules select. The page
// has job and instance of each FaceFusion, and host_name; without these settings the operator would
// overwrite job, and no rule would match.
const podMonitor = written + `apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: facefusion
  labels:
    app.kubernetes.io/name: otelcol-facefusion
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: otelcol-facefusion # edit: the label of your pods
  podMetricsEndpoints:
    # What the agents see.
    - port: metrics
      interval: 15s
      honorLabels: true
      relabelings:
        - targetLabel: job
          replacement: facefusion
        # What the agent says of itself wins; host metrics and up get the name of the node.
        - sourceLabels: [__meta_kubernetes_pod_node_name]
          targetLabel: host_name
    # What the agents say of themselves.
    - port: telemetry
      interval: 15s
      relabelings:
        - targetLabel: job
          replacement: facefusion-collector
        - sourceLabels: [__meta_kubernetes_pod_node_name]
          targetLabel: host_name
`
