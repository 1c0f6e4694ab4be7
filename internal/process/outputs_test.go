package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
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
	list, complete := OutputFiles(hostfs.NewGate(hostfs.Settings{}), "/", cmd.Process.Pid)
	require.True(t, complete)
	require.Equal(t, []OutputFile{{Path: path, Confirmed: true, Owned: true}}, list)
	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
	list, _ = OutputFiles(hostfs.NewGate(hostfs.Settings{}), "/", cmd.Process.Pid)
	require.Empty(t, list)
}

// TestWhoMerelyNamesAFileDoesNotWriteIt: it is open for reading, or is another of that name in a
// mount namespace of the process's own. Who writes a file of another user owns it less.
func TestWhoMerelyNamesAFileDoesNotWriteIt(t *testing.T) {
	require.Zero(t, os.Getuid(), "needs root")
	folder, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	path := filepath.Join(folder, "stderr.log")
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	require.NoError(t, os.Chown(path, 4000, 4000))
	const await = "echo; exec sleep 100"
	run := func(script string, flags uintptr) []OutputFile {
		cmd := exec.Command("sh", "-c", script)
		cmd.Dir = folder
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: flags}
		started, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		defer func() {
			require.NoError(t, cmd.Process.Kill())
			require.Error(t, cmd.Wait())
		}()
		_, err = started.Read(make([]byte, 1))
		require.NoError(t, err)
		list, complete := OutputFiles(hostfs.NewGate(hostfs.Settings{}), "/", cmd.Process.Pid)
		require.True(t, complete)
		return list
	}
	require.Equal(t, []OutputFile{{Path: path, Confirmed: true}}, run("exec 2>>stderr.log; "+await, 0))
	require.Empty(t, run("exec 2<stderr.log; "+await, 0))
	require.Empty(t, run("mount -t tmpfs t "+folder+" && exec 2>>"+path+"; "+await, unix.CLONE_NEWNS))
}
