//go:build stack

package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// classicPrometheus is the Prometheus of users with an exporter of their own: targets in the file,
// an alert on a name of that exporter's, no honor_labels. It waits a tenth of the usual 5 minutes.
const classicPrometheus = `
global: {scrape_interval: 5s, evaluation_interval: 5s}
rule_files: [own.yml]
scrape_configs:
  - job_name: facefusion
    static_configs:
      - targets: ["%s"]
`

const classicAlert = `
groups:
  - name: own
    rules:
      - alert: GPUBusy
        expr: facefusion_gpu_utilization > 90
        for: 30s
      - alert: FaceFusionDown
        expr: facefusion_process_up == 0
        for: 30s
`

// TestClassicNames: beside config/classic-names.yaml such a Prometheus goes on working as it is.
func TestClassicNames(t *testing.T) {
	library := regexp.MustCompile(`\bFACEFUSION_NVML_LIBRARY=\S+`)
	simulator := start(t, nil, "bin/simulator", "--dir", t.TempDir(), "--speed", "1", "--port", "17860")
	eventually(t, time.Minute, "the simulator has a host", func() bool { return library.MatchString(simulator.log.String()) })
	control := filepath.Join(t.TempDir(), "control")
	require.NoError(t, os.WriteFile(control, []byte("gpu.0.utilization 97\ngpu.1.utilization 5\n"), 0o600))

	ports := freePorts(t, 5)
	overlay := filepath.Join(t.TempDir(), "listeners.yaml")
	require.NoError(t, os.WriteFile(overlay, fmt.Appendf(nil, `
exporters: {prometheus: {endpoint: "127.0.0.1:%d"}, prometheus/classic: {endpoint: "127.0.0.1:%d"}}
extensions: {health_check: {endpoint: "127.0.0.1:%d"}}
service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: %d}}}}]}}}
`, ports[0], ports[1], ports[2], ports[3]), 0o600))
	collector := start(t, []string{library.FindString(simulator.log.String()), "FAKENVML_CONTROL=" + control}, "bin/otelcol-facefusion",
		"--config", "config/agent.yaml", "--config", "config/demo.yaml", "--config", "config/classic-names.yaml", "--config", overlay)
	collector.ready(t, "http://"+loopback(ports[2]))

	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, classicPrometheus, loopback(ports[1])), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "own.yml"), []byte(classicAlert), 0o600))
	p := &prometheus{url: "http://" + loopback(ports[4])}
	p.program = start(t, nil, ".cache/prometheus/prometheus", "--config.file="+config, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+loopback(ports[4]))
	p.ready(t, p.url+"/-/ready")

	eventually(t, 2*time.Minute, "the alert fires for the busy GPU", func() bool {
		return len(p.now(t, `ALERTS{alertname="GPUBusy", alertstate="firing"}`)) > 0
	})
	for _, firing := range p.now(t, `ALERTS{alertstate="firing"}`) {
		delete(firing.Metric, "instance")
		require.Equal(t, map[string]string{"__name__": "ALERTS", "alertname": "GPUBusy", "alertstate": "firing", "device": "gpu_0", "job": "facefusion"}, firing.Metric)
	}
	require.Len(t, p.now(t, `facefusion_process_up == 1`), 2)
	require.Len(t, p.now(t, `facefusion_gpu_memory_used_mb == on (device, instance, job) gpu_memory_used_bytes / 1024 / 1024`), 2)
	require.Len(t, p.now(t, `system_cpu_percent > 0 and system_cpu_percent <= 100`), 1)
	require.Empty(t, p.now(t, `{exported_instance=~".+"} or {exported_job=~".+"}`), "no label had to give way to one of Prometheus' own")
	// As often as it was scraped since the first time, without a gap.
	require.Len(t, p.now(t, `count_over_time(facefusion_gpu_utilization[30s]) >= 5`), 2)
}
