//go:build e2e && series

package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

// gpus and instances are the numbers of GPUs and FaceFusions of the host.
const gpus, instances = 8, 2

// speed of the simulated day: the receiver still sees what begins and ends between two passes.
const speed = 300

// TestSeries counts what a store gets of a host with eight GPUs, on which two FaceFusions work, as
// the page shows it: a histogram is as many series as it has buckets, and two. It prints them by
// metric; docs/cardinality.md has the numbers and their reasons.
func TestSeries(t *testing.T) {
	for _, s := range []struct {
		name, overrides string
		configs         []string
		// Budget of each GPU and of each instance, with the histograms of its jobs, in steady
		// state.
		gpu, instance int
	}{
		{name: "default", gpu: 110, instance: 350},
		{name: "everything on", configs: []string{"../../config/more-attributes.yaml"}, overrides: everythingOn(t), gpu: 150, instance: 2000},
	} {
		t.Run(s.name, func(t *testing.T) {
			ports := steadyPorts(t, 5)
			agent := collectorProgram(t, ports[1], nil, slices.Concat([]string{agentConfig, "../../config/demo.yaml"}, s.configs), listeners(ports), s.overrides)
			agent.args = append([]string{simulator, "--dir", t.TempDir(), fmt.Sprintf("--gpus=%d", gpus), fmt.Sprintf("--instances=%d", instances), "--port=17860", fmt.Sprintf("--speed=%d", speed), "--"}, agent.args...)
			agent.start(t)
			url := fmt.Sprintf("http://127.0.0.1:%d/metrics", ports[0])
			// A day: the combinations of attributes come one by one.
			time.Sleep(24 * time.Hour / speed)
			p := get(t, url)
			require.Len(t, p.samples("nvidia_gpu_info"), gpus, "%s", agent.log.String())
			require.Len(t, p.samples("facefusion_process_up"), instances)

			requireJustified(t, p)
			byMetric, groups := count(p)
			for _, name := range slices.SortedFunc(maps.Keys(byMetric), func(a, b string) int {
				return cmp.Or(byMetric[b]-byMetric[a], strings.Compare(a, b))
			}) {
				t.Logf("%6d %s", byMetric[name], name)
			}
			t.Logf("%s: %d series in all: %d of each of %d GPUs, %d of each of %d instances and %d more of the histograms of its jobs, %d of the driver and the collector, %d of the host itself", s.name,
				groups.total, groups.gpu/gpus, gpus, groups.instance/instances, instances, groups.jobs/instances, groups.rest, groups.host)
			require.LessOrEqual(t, groups.gpu/gpus, s.gpu)
			require.LessOrEqual(t, (groups.instance+groups.jobs)/instances, s.instance)
			var finished float64
			for _, ended := range p.samples("facefusion_job_finished_total") {
				finished += ended.value
			}
			t.Logf("%s: %.0f runs ended", s.name, finished)
			require.Greater(t, finished, 200.0, "the day is one of work")
		})
	}
}

// everythingOn enables the metrics that metadata.yaml disables by default.
func everythingOn(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("../../receiver/facefusionreceiver/metadata.yaml")
	require.NoError(t, err)
	retrieved, err := confmap.NewRetrievedFromYAML(content)
	require.NoError(t, err)
	conf, err := retrieved.AsConf()
	require.NoError(t, err)
	var metadata struct {
		Metrics map[string]struct {
			Enabled bool `mapstructure:"enabled"`
		} `mapstructure:"metrics"`
	}
	require.NoError(t, conf.Unmarshal(&metadata, confmap.WithIgnoreUnused()))
	require.NotEmpty(t, metadata.Metrics)
	text := "receivers: {facefusion: {metrics: {"
	for name, metric := range metadata.Metrics {
		if !metric.Enabled {
			text += name + ": {enabled: true}, "
		}
	}
	return text + "}}}\n"
}

// requireJustified compares the labels of a page with the attributes of docs/cardinality.md. Those
// of the histograms are declared nowhere else.
func requireJustified(t *testing.T, p page) {
	t.Helper()
	document, err := os.ReadFile("../../docs/cardinality.md")
	require.NoError(t, err)
	// Prometheus' own: the bucket of a histogram, and what service.name and service.instance.id are
	// there.
	known := map[string]bool{"le": true, "job": true, "instance": true}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_.]+)`").FindAllStringSubmatch(string(document), -1) {
		known[strings.ReplaceAll(m[1], ".", "_")] = true
	}
	for _, m := range line.FindAllStringSubmatch(string(p), -1) {
		if strings.HasPrefix(m[1], "system_") {
			continue
		}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			require.True(t, known[l[1]], "docs/cardinality.md does not justify %s of %s", l[1], m[1])
		}
	}
}

type groups struct{ total, gpu, instance, jobs, rest, host int }

// part of a histogram; other metrics may be called so, too.
var part = regexp.MustCompile(`_(bucket|sum|count)$`)

// count counts the lines of a page by metric, and by what they are about.
func count(p page) (byMetric map[string]int, g groups) {
	byMetric = map[string]int{}
	for _, m := range line.FindAllStringSubmatch(string(p), -1) {
		name, labels := m[1], m[2]
		if base := part.ReplaceAllString(name, ""); strings.Contains(string(p), base+"_bucket{") {
			name = base
		}
		byMetric[name]++
		g.total++
		switch {
		case strings.HasPrefix(name, "system_"):
			g.host++
		case strings.Contains(labels, "hw_id="):
			g.gpu++
		case strings.HasPrefix(name, "facefusion_job_duration"), strings.HasPrefix(name, "facefusion_job_wait"), strings.HasPrefix(name, "facefusion_step_duration"):
			g.jobs++
		case strings.Contains(labels, "service_instance_id="):
			g.instance++
		default:
			g.rest++
		}
	}
	return byMetric, g
}
