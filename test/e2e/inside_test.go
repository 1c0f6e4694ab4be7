//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// TestInsideBringsNoInstanceOfOurs: what the package sends from inside FaceFusion is taken, also on
// a host that is called facefusion; what says that it is of one of the agent's instances is not.
func TestInsideBringsNoInstanceOfOurs(t *testing.T) {
	ports := steadyPorts(t, 5)
	url := func(i int, path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", ports[i], path) }
	p := &pushed{
		program: collectorProgram(t, ports[1], []string{"STATE_DIRECTORY=" + t.TempDir()}, []string{agentConfig, "../../config/in-process.yaml"}, listeners(ports), fmt.Sprintf(`
exporters: {prometheus/inside: {endpoint: "127.0.0.1:%d"}}
receivers: {otlp/inside: {protocols: {http: {endpoint: "127.0.0.1:%d"}}}}
`, ports[3], ports[4])),
		otlp: url(3, "/metrics"), send: url(4, ""),
	}
	p.start(t)
	type change = func(pmetric.ResourceMetrics, pmetric.Metric, pmetric.NumberDataPoint)
	inside := func(name, host, instance string, more ...change) pmetric.Metrics {
		return gauge(name, func(r pmetric.ResourceMetrics, m pmetric.Metric, point pmetric.NumberDataPoint) {
			for key, value := range map[string]string{"service.name": "facefusion-inside", "host.name": host, "service.instance.id": instance, "facefusion.observability.version": "0.1.0"} {
				r.Resource().Attributes().PutStr(key, value)
			}
			r.Resource().Attributes().PutInt("process.pid", 42)
			for _, change := range more {
				change(r, m, point)
			}
		})
	}
	taken := []pmetric.Metrics{
		inside("facefusion_active_tasks", "studio", "studio-42"),
		inside("facefusion_active_tasks", "facefusion", "facefusion-42"),
		inside("facefusion_active_tasks", "facefusion", "facefusion-43"),  // after a fork
		inside("facefusion_active_tasks", "facefusion-0", "facefusion-0"), // one for all workers
		inside("facefusion_inside_info", "studio", "studio-42", attribute("facefusion_version", "3.8.1")),
		inside("http_requests", "studio", "studio-42", counter, attribute("handler", "/swap")),
	}
	refused := []pmetric.Metrics{
		inside("facefusion_active_tasks", "studio", "facefusion-fc92"),
		inside("facefusion_active_tasks", "facefusion", "facefusion-fc92"),
		inside("facefusion_active_tasks", "studio", "studio-42", resource("service.name", "facefusion")),
		inside("facefusion_active_tasks", "studio", "studio-42", resource("facefusion.process.role", "server")),
		inside("facefusion_active_tasks", "studio", "studio-42", resource("facefusion_process_role", "server")),
		inside("facefusion_active_tasks", "studio", "studio-42", resource("hw.id", "GPU-1")),
		inside("facefusion_active_tasks", "studio", "studio-42", attribute("facefusion.process.role", "server")),
		inside("gpu_memory_used_bytes", "studio", "studio-42", attribute("hw_id", "GPU-1")),
		inside("facefusion_active_tasks", "studio", "studio-42", resource("service_instance_id", "facefusion-fc92")),
		inside("facefusion_active_tasks", "studio", "studio-42", attribute("service.instance.id", "facefusion-fc92")),
		inside("facefusion_active_tasks", "studio", "studio-42", attribute("service_instance_id", "facefusion-fc92")),
		inside("facefusion.process.up", "studio", "studio-42"),
	}
	for what, all := range map[string][]pmetric.Metrics{"taken": taken, "refused": refused} {
		for i, metrics := range all {
			metrics.ResourceMetrics().At(0).Resource().Attributes().PutStr("pushed", fmt.Sprintf("%s %d", what, i))
			require.Equal(t, http.StatusOK, p.push(t, metrics), "%s %d", what, i)
		}
	}
	page := string(get(t, p.otlp))
	for i := range taken {
		require.Contains(t, page, fmt.Sprintf(`pushed="taken %d"`, i))
	}
	require.NotContains(t, page, `pushed="refused`)
}
