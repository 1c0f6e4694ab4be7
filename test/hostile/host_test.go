package hostile

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkout makes the files of a FaceFusion, for a user.
func checkout(t *testing.T, path, version string, uid int) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(path, "facefusion"), 0o755))
	files := map[string]string{
		"facefusion.py":          "",
		"facefusion/metadata.py": fmt.Sprintf("METADATA =\\\n{\n\t'name': 'FaceFusion',\n\t'version': '%s',\n}\n", version),
	}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte(text), 0o644))
	}
	for _, dir := range []string{"drafted", "queued", "completed", "failed"} {
		require.NoError(t, os.MkdirAll(filepath.Join(path, ".jobs", dir), 0o755))
	}
	require.NoError(t, filepath.WalkDir(path, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, uid, uid)
	}))
}

// run starts a process that looks like Python, as a user and in a folder. It ends with the test.
func run(t *testing.T, uid int, dir string, descriptors int, argv ...string) *exec.Cmd {
	t.Helper()
	return runWith(t, uid, dir, []string{fmt.Sprintf("%s=%d", fake, descriptors)}, argv...)
}

func runWith(t *testing.T, uid int, dir string, env []string, argv ...string) *exec.Cmd {
	t.Helper()
	return begin(t, uid, &exec.Cmd{Path: interpreter(t), Args: argv, Dir: dir, Stderr: os.Stderr, Env: env})
}

// begin starts a command as a user, and waits until it is ready. It ends with the test.
func begin(t *testing.T, uid int, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if uid != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	said, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", said)
	return cmd
}

// interpreter is a program whose file is called python3 and which every user may run: this one.
func interpreter(t *testing.T) string {
	t.Helper()
	path := filepath.Join(workspace, "python3")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	program, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, program, 0o755))
	return path
}

// serverOf starts the web UI of a checkout.
func serverOf(t *testing.T, uid int, path string) *exec.Cmd {
	t.Helper()
	return run(t, uid, path, 0, "python", "facefusion.py", "run")
}

// listeningOf starts a web UI that listens, and answers as a Gradio does or not at all.
func listeningOf(t *testing.T, uid int, path string, answers bool) *exec.Cmd {
	t.Helper()
	return runWith(t, uid, path, []string{fake + "=0", fmt.Sprintf("%s=%t", listens, answers)}, "python", "facefusion.py", "run")
}

// openFolder is a temporary folder that every user may enter.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(workspace, "")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}
