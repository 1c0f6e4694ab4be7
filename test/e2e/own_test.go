//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// twoReceivers sends what the first receiver sees to where it is taken, and what the second sees to
// a store that refuses it for good.
const twoReceivers = `
receivers:
  facefusion: {collection_interval: 2s}
  facefusion/second: {collection_interval: 2s, gpu: {enabled: false}}
exporters:
  debug: {verbosity: basic}
  otlp_http/refusing: {endpoint: "%s", sending_queue: {enabled: false}}
service:
  pipelines:
    logs: {receivers: [facefusion], exporters: [debug]}
    traces: {receivers: [facefusion], exporters: [debug]}
    metrics/second: {receivers: [facefusion/second], exporters: [otlp_http/refusing]}
    logs/second: {receivers: [facefusion/second], exporters: [otlp_http/refusing]}
    traces/second: {receivers: [facefusion/second], exporters: [otlp_http/refusing]}
`

// TestOwnTelemetryOfTwoReceivers: the page about itself distinguishes them; it has the accepted and
// refused items of each signal, and for each probe the failed observations by kind and the age of
// the last successful one.
func TestOwnTelemetryOfTwoReceivers(t *testing.T) {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	t.Cleanup(store.Close)
	h := simulate(t, 1)
	server, err := h.StartServer(0, nil)
	require.NoError(t, err)
	c := startWith(t, fakeDriver(t, ""), fmt.Sprintf(twoReceivers, store.URL))
	c.eventually(t, 20*time.Second, "it is ready", func(p page) bool { return state(p, server.Port(), "ready") })
	require.NoError(t, h.Jobs(0).Create("job", jobs.StepArgs{Target: "photo.jpg", Processors: []string{"face_swapper"}}))
	require.NoError(t, h.Jobs(0).Submit("job"))
	require.NoError(t, h.Jobs(0).Start("job", 0))
	require.NoError(t, h.Jobs(0).Complete("job"))
	require.NoError(t, control("gpu.0.block 1", "gpu.1.block 1"))

	signals := []string{"metric_points", "log_records", "spans"}
	first, second := []string{"receiver", "facefusion"}, []string{"receiver", "facefusion/second"}
	number := func(p page, name string, labels []string, more ...string) float64 {
		found := p.samples("otelcol_receiver_"+name, append(more, labels...)...)
		if len(found) != 1 {
			return -1
		}
		return found[0].value
	}
	own := *c
	own.metrics = c.own
	own.eventually(t, 30*time.Second, "each receiver says what became of each signal", func(p page) bool {
		for _, signal := range signals {
			if number(p, "accepted_"+signal, first) < 1 || number(p, "refused_"+signal, first) != 0 ||
				number(p, "accepted_"+signal, second) != 0 || number(p, "refused_"+signal, second) < 1 {
				return false
			}
		}
		return true
	})
	own.eventually(t, 30*time.Second, "the silence of the driver is a timeout of the first receiver", func(p page) bool {
		return number(p, "facefusion_observation_failures", first, "probe", "gpu", "error_type", "timeout") > 1 &&
			number(p, "facefusion_observation_age", first, "probe", "gpu") > 5
	})
	p := own.page(t)
	require.Empty(t, p.samples("otelcol_receiver_facefusion_observations", append([]string{"probe", "gpu"}, second...)...), "it has no such probe")
	for _, receiver := range [][]string{first, second} {
		for _, probe := range []string{"process", "jobs", "web"} {
			require.Positive(t, number(p, "facefusion_observations", receiver, "probe", probe), probe)
			require.Zero(t, number(p, "facefusion_observation_failures", receiver, "probe", probe, "error_type", "other"), probe)
			require.Less(t, number(p, "facefusion_observation_age", receiver, "probe", probe), 10.0, probe)
			require.GreaterOrEqual(t, number(p, "facefusion_observation_age", receiver, "probe", probe), 0.0, probe)
		}
	}
}
