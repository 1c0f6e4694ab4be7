//go:build e2e && durability

package e2e

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

// harness is the stack of an outageCase: an agent, a gateway perhaps, a Prometheus perhaps, and a
// store for whatever goes to no Prometheus.
type harness struct {
	agent, gateway, prometheus *program
	prometheusPort             int
	store                      *otlpStore
	dir                        string   // what the agent reports, and its queue
	lives                      int      // of the agent
	env                        []string // of the agent
}

func (s outageCase) build(t *testing.T) *harness {
	t.Helper()
	ports := steadyPorts(t, 10)
	st := &harness{store: newStore(t), prometheusPort: ports[5], dir: t.TempDir()}
	remoteWrite := fmt.Sprintf("REMOTE_WRITE_ENDPOINT=http://127.0.0.1:%d/api/v1/write", st.prometheusPort)
	st.env = []string{"STATE_DIRECTORY=" + filepath.Join(st.dir, "state"), "OTLP_ENDPOINT=" + st.store.url(), remoteWrite}
	if s.prometheus != "" {
		st.prometheus = prometheusProgram(t, st.prometheusPort, s.prometheus, "--web.enable-remote-write-receiver", "--web.enable-otlp-receiver")
		st.prometheus.start(t)
		st.env = append(st.env, fmt.Sprintf("OTLP_METRICS_ENDPOINT=http://127.0.0.1:%d/api/v1/otlp/v1/metrics", st.prometheusPort))
	}
	if s.gateway {
		env := []string{remoteWrite, "TRACES_ENDPOINT=" + st.store.url() + "/v1/traces", "LOGS_ENDPOINT=" + st.store.url() + "/v1/logs"}
		st.gateway = collectorProgram(t, ports[6], env, []string{"../../config/gateway.yaml"}, fmt.Sprintf(`
extensions: {health_check: {endpoint: "127.0.0.1:%d"}}
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:%d"}, http: {endpoint: "127.0.0.1:%d"}}}}
service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: %d}}}}]}}}
`, ports[6], ports[7], ports[8], ports[9]))
		st.gateway.start(t)
		st.env = []string{st.env[0], fmt.Sprintf("OTLP_ENDPOINT=http://127.0.0.1:%d", ports[8])}
	}
	overrides := []string{listeners(ports), s.recording(), s.agent}
	st.agent = collectorProgram(t, ports[1], nil, []string{agentConfig, cmp.Or(s.config, "../../config/all-signals.yaml")}, overrides...)
	st.startAgent(t)
	return st
}

// startAgent starts the agent for one more life, of which it reports in files of their own.
func (st *harness) startAgent(t *testing.T) {
	t.Helper()
	st.agent.env = append(slices.Clone(st.env), fmt.Sprintf("TOLD=%s/%d", st.dir, st.lives))
	st.lives++
	st.agent.start(t)
}

func (st *harness) away(t *testing.T) {
	t.Helper()
	st.store.away(t)
	if st.prometheus != nil {
		st.prometheus.kill(t)
	}
}

func (st *harness) back(t *testing.T) {
	t.Helper()
	if st.prometheus != nil {
		st.prometheus.start(t)
	}
	st.store.back(t)
}

// seen returns what the stores have received so far.
func (st *harness) seen(t *testing.T) *ledger {
	t.Helper()
	if st.prometheus != nil {
		samplesOf(t, st.prometheusPort, st.store.ledger)
	}
	return st.store.ledger
}

// recording shortens the intervals, and has the agent write what it hands to its pipelines into
// files, too.
func (s outageCase) recording() string {
	exporter, pipeline := "otlp_http", "metrics"
	if s.config != "" {
		exporter, pipeline = "prometheus_remote_write", "metrics/remote_write"
	}
	text := fmt.Sprintf(`
receivers:
  facefusion: {collection_interval: 1s}
  host_metrics:
    collection_interval: 1s
    # Of the states of connections only those that there are have a series: it has holes by nature.
    scrapers: {network: {metrics: {system.network.connections: {enabled: false}}}}
exporters:
  %[1]s: {retry_on_failure: {max_interval: 5s}}
  file/metrics: {path: "${env:TOLD}-metrics.json"}
  file/logs: {path: "${env:TOLD}-logs.json"}
  file/traces: {path: "${env:TOLD}-traces.json"}
service:
  pipelines:
    %[2]s: {exporters: [%[1]s, file/metrics]}
`, exporter, pipeline)
	if exporter == "otlp_http" {
		text += `    logs: {exporters: [otlp_http, file/logs]}
    traces: {exporters: [otlp_http, file/traces]}
`
	}
	return text
}
