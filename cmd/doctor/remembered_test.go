package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestWhatTheAgentRemembers: an instance that ended long ago is known to the running agent only.
func TestWhatTheAgentRemembers(t *testing.T) {
	page := `# TYPE facefusion_process_up gauge
facefusion_process_up{host_name="h",service_instance_id="runs",service_version="3.8.1"} 1
facefusion_process_up{host_name="h",service_instance_id="ended"} 0
facefusion_process_up{service_instance_id="a \"quoted\" one",host_name="h"} 0 1700000000000
facefusion_process_up{host_name="h",service_instance_id="seen"} 0
facefusion_process_count{service_instance_id="other"} 0
`
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(page)) }))
	defer agent.Close()
	address := agent.Listener.Addr().String()
	configured := func(more string) *resolvedConfig {
		return of(t, fmt.Sprintf("exporters: {prometheus: {endpoint: %q%s}}\nservice: {pipelines: {metrics: {exporters: [prometheus]}}}\n", address, more))
	}
	known := []finding{{"facefusion", Warning, "seen", "version 3.8.1, was found, and does not run now", ""}}
	got := verdicts(configured("").checkRemembered(t.Context(), "/proc", os.Getpid(), known))
	assert.Equal(t, []string{
		"warning ended: the running agent remembers it: it does not run now",
		`warning a "quoted" one: the running agent remembers it: it does not run now`,
	}, got)
	assert.Empty(t, configured("").checkRemembered(t.Context(), "/proc", os.Getpid()+1, known), "somebody else has its port")
	assert.Empty(t, configured("").checkRemembered(t.Context(), "/proc", 0, known), "none runs")
	assert.Empty(t, configured(", auth: {authenticator: basicauth}").checkRemembered(t.Context(), "/proc", os.Getpid(), known), "it would want a password")
}
