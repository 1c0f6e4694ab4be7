//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestClassicNames: the second page has the names, labels and units of home-made exporters, no more
// than these, and follows what there is.
func TestClassicNames(t *testing.T) {
	overlay, err := os.ReadFile("../../config/classic-names.yaml")
	require.NoError(t, err)
	port := freePorts(t, 1)[0]
	c := startWith(t, string(overlay), fmt.Sprintf(`exporters: {prometheus/classic: {endpoint: "127.0.0.1:%d"}}`, port),
		`receivers: {facefusion: {collection_interval: 2s}, host_metrics/classic: {collection_interval: 2s}}`,
		fakeDriver(t, "gpu.0.utilization 95\ngpu.1.utilization 0"))
	c.metrics = fmt.Sprintf("http://127.0.0.1:%d/metrics", port)

	c.eventually(t, 30*time.Second, "the GPUs and the CPU in the exporters' units, and no FaceFusion", func(p page) bool {
		cpu := p.samples("system_cpu_percent")
		return p.is(0, "facefusion_process_up") &&
			p.is(95, "facefusion_gpu_utilization", "device", "gpu_0") && p.is(0, "facefusion_gpu_utilization", "device", "gpu_1") &&
			p.is(3*1024, "facefusion_gpu_memory_used_mb", "device", "gpu_0") && p.is(3<<30, "gpu_memory_used_bytes", "device", "gpu_0") &&
			len(cpu) == 1 && cpu[0].value > 0 && cpu[0].value <= 100
	})
	names := map[string]int{}
	for _, m := range line.FindAllStringSubmatch(string(c.page(t)), -1) {
		names[m[1]]++
		if m[2] != "" {
			require.Regexp(t, `^device="gpu_[01]"$`, m[2], m[1])
		}
	}
	require.Equal(t, map[string]int{
		"facefusion_process_up": 1, "facefusion_gpu_utilization": 2, "facefusion_gpu_memory_used_mb": 2, "gpu_memory_used_bytes": 2, "system_cpu_percent": 1,
	}, names)

	h := simulate(t, 1)
	server, err := h.StartServer(0, nil)
	require.NoError(t, err)
	c.eventually(t, 10*time.Second, "it is up, and the zero without an instance is gone", func(p page) bool {
		return p.is(1, "facefusion_process_up") && strings.Contains(string(p), `facefusion_process_up{service_instance_id="`)
	})
	require.NoError(t, server.Kill(syscall.SIGKILL))
	c.eventually(t, 10*time.Second, "it is down", func(p page) bool { return p.is(0, "facefusion_process_up") })
	require.NoError(t, control("gpu.0.utilization 95", "gpu.1.lost 1"))
	c.eventually(t, 10*time.Second, "a GPU that is lost has no value", func(p page) bool {
		return len(p.samples("facefusion_gpu_utilization")) == 1 && len(p.samples("gpu_memory_used_bytes")) == 1 && len(p.samples("facefusion_gpu_memory_used_mb")) == 1
	})
	require.NotContains(t, c.log.String(), "transform", "a statement that fails is logged")
}
