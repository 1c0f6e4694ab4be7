//go:build stack

package stack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// simulatedHost is a simulated FaceFusion host with the built collector on it.
type simulatedHost struct {
	name      string
	simulator *program
	collector *program
	// seen and own are the addresses of the collector's two pages.
	seen, own string
}

// startHost starts the simulator and beside it the collector, as agent.yaml and remote-write.yaml
// say.
func startHost(t *testing.T, remoteWrite string) *simulatedHost {
	t.Helper()
	name, err := os.Hostname()
	require.NoError(t, err)
	h := &simulatedHost{name: name}
	// Thirty times faster than real: all kinds of jobs and ends come within two minutes.
	h.simulator = start(t, nil, "bin/simulator", "--dir", t.TempDir(), "--speed", "30", "--port", "17860")
	var environment []string
	eventually(t, time.Minute, "the simulator has a host", func() bool {
		environment = regexp.MustCompile(`\b(?:FACEFUSION|FAKENVML)_[A-Z_]+=\S+`).FindAllString(h.simulator.log.String(), -1)
		return len(environment) == 4
	})
	ports := freePorts(t, 3)
	listeners := filepath.Join(t.TempDir(), "listeners.yaml")
	require.NoError(t, os.WriteFile(listeners, fmt.Appendf(nil, `
exporters: {prometheus: {endpoint: "127.0.0.1:%d"}}
extensions: {health_check: {endpoint: "127.0.0.1:%d"}}
service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: %d}}}}]}}}
`, ports[0], ports[1], ports[2]), 0o600))
	h.collector = start(t, append(environment, "REMOTE_WRITE_ENDPOINT="+remoteWrite, "HOST_NAME="+name), "bin/otelcol-facefusion",
		"--config", "config/agent.yaml", "--config", "config/more-attributes.yaml", "--config", "config/demo.yaml", "--config", "config/remote-write.yaml", "--config", listeners)
	h.collector.ready(t, "http://"+loopback(ports[1]))
	h.seen, h.own = loopback(ports[0]), loopback(ports[2])
	return h
}

// watch keeps pages of the host until it has shown everything that the rules and dashboards ask
// for, and returns their files.
func (h *simulatedHost) watch(t *testing.T) (seen, own []string) {
	t.Helper()
	dir := t.TempDir()
	var all strings.Builder
	// Rare things: a failed run of an image and of a video, an orphan, one whose reason is known
	// (not each is, and the first may be one without), a server that was started again.
	rare := []*regexp.Regexp{
		regexp.MustCompile(`facefusion_step_duration_seconds_count\{facefusion_media="image".*facefusion_outcome="failed"`),
		regexp.MustCompile(`facefusion_step_duration_seconds_count\{facefusion_media="video".*facefusion_outcome="failed"`),
		regexp.MustCompile(`facefusion_step_duration_seconds_count\{facefusion_media="video".*facefusion_outcome="completed"`),
		regexp.MustCompile(`facefusion_job_finished_total\{.*facefusion_outcome="orphaned".*\} [1-9]`),
		regexp.MustCompile(`facefusion_job_lost_total\{.*\} [1-9]`),
		regexp.MustCompile(`facefusion_server_request_duration_percentile_seconds\{`),
		regexp.MustCompile(`facefusion_process_starts_total\{facefusion_process_role="server".*\} [2-9]`),
	}
	next := time.Now()
	eventually(t, 4*time.Minute, "the host has shown all it can", func() bool {
		if time.Now().Before(next) {
			return false
		}
		next = time.Now().Add(5 * time.Second)
		n := len(seen)
		seen, own = append(seen, keep(t, h.seen, filepath.Join(dir, fmt.Sprint("seen", n)), &all)), append(own, keep(t, h.own, filepath.Join(dir, fmt.Sprint("own", n)), &all))
		for _, line := range rare {
			if !line.MatchString(all.String()) {
				return false
			}
		}
		return true
	})
	return seen, own
}

// keep writes a page to a file, as Prometheus asks for it.
func keep(t *testing.T, address, file string, all io.Writer) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	require.NoError(t, err)
	// As Prometheus 3 asks: with another header, some labels have other names.
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3")
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.NoError(t, os.WriteFile(file, page, 0o600))
	_, _ = all.Write(page)
	return file
}
