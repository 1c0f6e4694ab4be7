//go:build full

package chart

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The full build takes the configuration with the names of pods.
func TestConfigurationOfTheFullBuild(t *testing.T) {
	rendered, err := render(t, valuesFiles(t)["everything"])
	require.NoError(t, err)
	validateWith(t, "../../bin/otelcol-facefusion-full", agentConfig(t, rendered))
}

// TestOverlaysOfTheFullBuild: it takes FaceFusion's log from the kubelet's files, with the
// container parser, and scrapes the page of the inside.
func TestOverlaysOfTheFullBuild(t *testing.T) {
	containers := filepath.Join(t.TempDir(), "containers.yaml")
	require.NoError(t, os.WriteFile(containers, []byte("service: {pipelines: {logs/facefusion: {receivers: [file_log/containers]}}}\n"), 0o600))
	for _, overlays := range [][]string{{"../../config/logs.yaml", containers}, {"../../config/in-process-scrape.yaml"}} {
		arguments := []string{"validate", "--config", "../../config/agent.yaml"}
		for _, file := range overlays {
			arguments = append(arguments, "--config", file)
		}
		command := exec.CommandContext(t.Context(), "../../bin/otelcol-facefusion-full", arguments...)
		command.Env = append(os.Environ(), "STATE_DIRECTORY="+t.TempDir())
		output, err := command.CombinedOutput()
		require.NoError(t, err, "%v: %s", overlays, output)
	}
}
