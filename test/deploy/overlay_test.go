package deploy

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/stretchr/testify/require"
)

// TestComposeBesideFaceFusion: the overlay adds one service, and changes none of those that are
// there.
func TestComposeBesideFaceFusion(t *testing.T) {
	base := filepath.Join(t.TempDir(), "docker-compose.cuda.yml")
	require.NoError(t, os.WriteFile(base, []byte(`
services:
  browser-cuda:
    image: facefusion/facefusion:3.8.1-cuda
    command: [python, facefusion.py, run]
    ports: [7860:7860]
    volumes: [.jobs:/facefusion/.jobs]
`), 0o600))
	load := func(files ...string) map[string]any {
		options, err := cli.NewProjectOptions(files, cli.WithName("facefusion"))
		require.NoError(t, err)
		project, err := options.LoadProject(context.Background())
		require.NoError(t, err)
		all := make(map[string]any)
		for name, service := range project.Services {
			all[name] = service
		}
		return all
	}
	before := load(base)
	options, err := cli.NewProjectOptions([]string{base, "../../deploy/container/facefusion.compose.yaml"}, cli.WithName("facefusion"))
	require.NoError(t, err)
	project, err := options.LoadProject(context.Background())
	require.NoError(t, err)
	require.Len(t, project.Services, 2)
	require.Equal(t, before["browser-cuda"], project.Services["browser-cuda"])

	agent := project.Services["otelcol-facefusion"]
	require.Equal(t, "host", agent.Pid)
	require.Equal(t, "host", agent.NetworkMode)
	require.Empty(t, agent.User, "that of the image, which is not root")
	require.True(t, agent.ReadOnly)
	require.Equal(t, []string{"ALL"}, agent.CapDrop)
	require.ElementsMatch(t, []string{"SYS_PTRACE", "DAC_READ_SEARCH"}, agent.CapAdd)
	require.Empty(t, agent.Ports)
	for _, volume := range agent.Volumes {
		require.True(t, volume.ReadOnly || volume.Target == "/var/lib/otelcol-facefusion", "%s can be written to", volume.Target)
	}
}
