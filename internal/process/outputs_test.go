package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOutputFilesOfARealProcess(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr.log"))
	require.NoError(t, err)
	defer file.Close()
	path, err := filepath.EvalSymlinks(file.Name())
	require.NoError(t, err)
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	cmd.Stderr = file // standard output is /dev/null
	require.NoError(t, cmd.Start())
	require.Equal(t, []string{path}, OutputFiles("/", cmd.Process.Pid))
	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
	require.Empty(t, OutputFiles("/", cmd.Process.Pid))
}
