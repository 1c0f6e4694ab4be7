//go:build full

package chart

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The full build takes the configuration with the names of pods.
func TestConfigurationOfTheFullBuild(t *testing.T) {
	rendered, err := render(t, valuesFiles(t)["everything"])
	require.NoError(t, err)
	validateWith(t, "../../bin/otelcol-facefusion-full", agentConfig(t, rendered))
}
