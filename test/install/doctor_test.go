//go:build install

package install

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type finding struct{ Check, Status, Subject, Detail, Remedy string }

type report struct {
	CheckedAs string `json:"checked_as"`
	Config    []string
	Findings  []finding
	Summary   map[string]int
}

func doctor(t *testing.T, m *bootedMachine, options string) report {
	t.Helper()
	var r report
	// what it found decides its exit code
	output, _ := m.exec("otelcol-facefusion-doctor --json " + options)
	require.NoError(t, json.Unmarshal([]byte(output), &r), output)
	return r
}

func (r report) of(check string) (list []finding) {
	for _, f := range r.Findings {
		if f.Check == check {
			list = append(list, f)
		}
	}
	return list
}

// serverReady is a server that has loaded its models.
var serverReady = regexp.MustCompile(`facefusion_server_state\{[^}]*facefusion_server_state="ready"[^}]*\} 1\n`)

// TestDoctor: root asks, and learns what the agent sees.
func TestDoctor(t *testing.T) {
	m := boot(t, packages)
	m.run(t, installNew)
	startFaceFusion(t, m, steady)
	m.waitPage(t, patience, everything...)
	require.Eventually(t, func() bool { return serverReady.MatchString(m.get("http://127.0.0.1:9464/metrics")) }, patience, 100*time.Millisecond)

	t.Run("beside the agent of the package", func(t *testing.T) {
		m.run(t, "otelcol-facefusion-doctor")
		r := doctor(t, m, "")
		assert.Contains(t, r.CheckedAs, "the running agent, pid ")
		assert.Contains(t, r.CheckedAs, "CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE")
		assert.Equal(t, []string{agentConfig}, r.Config)
		assert.Zero(t, r.Summary["failure"])
		require.NotEmpty(t, r.of("facefusion"))
		assert.Contains(t, r.of("facefusion")[0].Detail, "version 3.8.1")
		assert.Equal(t, "ready", r.of("server")[0].Detail)
		assert.Equal(t, "ok", r.of("jobs")[0].Status)
		for _, port := range r.of("ports") {
			assert.Contains(t, port.Detail, "is the agent's")
		}
	})

	t.Run("with the eyes of an agent that sees less", func(t *testing.T) {
		m.write(t, dropIns+"/no-capabilities.conf", m.read(t, shipped+"no-capabilities.conf"))
		m.write(t, dropIns+"/homes.conf", "[Service]\nProtectHome=tmpfs\n")
		m.run(t, "systemctl daemon-reload && "+restart)
		r := doctor(t, m, "")
		assert.Contains(t, r.CheckedAs, "no capability that helps")
		require.NotEmpty(t, r.of("facefusion"))
		assert.Equal(t, "warning", r.of("facefusion")[0].Status)
		assert.Contains(t, r.of("facefusion")[0].Remedy, "CAP_SYS_PTRACE")
	})

	t.Run("without a running agent", func(t *testing.T) {
		m.run(t, "rm -r "+dropIns+" && systemctl daemon-reload && systemctl stop otelcol-facefusion")
		m.write(t, optionsFile, "OTELCOL_OPTIONS=\"--config=/etc/otelcol-facefusion/agent.yaml --config=/etc/otelcol-facefusion/all-signals.yaml\"\nOTLP_ENDPOINT=http://127.0.0.1:1\n")
		r := doctor(t, m, "")
		assert.Contains(t, r.CheckedAs, "the user of the package")
		assert.Equal(t, []string{agentConfig, "/etc/otelcol-facefusion/all-signals.yaml"}, r.Config)
		require.NotEmpty(t, r.of("stores"))
		assert.Contains(t, r.of("stores")[0].Detail, "127.0.0.1:1: connect: connection refused")
		assert.Equal(t, "ok", r.of("disk")[0].Status, r.of("disk")[0].Detail)
		assert.Contains(t, r.of("facefusion")[0].Detail, "version 3.8.1")
	})

	t.Run("a configuration with which the agent would not start", func(t *testing.T) {
		m.write(t, "/etc/otelcol-facefusion/wrong.yaml", "receivers: {facefusion: {storage: file_storage/gone}}\n")
		files := " --config=/etc/otelcol-facefusion/agent.yaml --config=/etc/otelcol-facefusion/wrong.yaml"
		for _, program := range []string{"otelcol-facefusion validate", "otelcol-facefusion-doctor"} {
			output := m.refused(t, program+files)
			assert.Contains(t, output, "/etc/otelcol-facefusion/wrong.yaml:1")
			assert.Contains(t, output, `there is no extension "file_storage/gone"`)
		}
		output := m.refused(t, "otelcol-facefusion-doctor"+files)
		assert.Contains(t, output, "1 failures")
	})
}
