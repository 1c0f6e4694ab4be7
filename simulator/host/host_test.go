package host

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/fakeproc"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/gradio"
)

func TestMain(m *testing.M) {
	fakeproc.Main()
	if dir := os.Getenv("HOST_TEST_DOOMED"); dir != "" {
		doomed(dir)
	}
	// The race detector lets every process sleep for a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	goleak.VerifyTestMain(m)
}

func newHost(t *testing.T, settings Settings) *Machine {
	t.Helper()
	settings.Dir = t.TempDir()
	h, err := New(settings)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.Close()) })
	return h
}

func commandLine(t *testing.T, pid int) []string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}

func get(t *testing.T, port uint16, path string) string {
	t.Helper()
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, path))
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}

func TestServer(t *testing.T) {
	defer http.DefaultClient.CloseIdleConnections()
	h := newHost(t, Settings{Instances: 1})
	server, err := h.StartServer(0, nil, "--execution-providers", "cuda")
	require.NoError(t, err)

	assert.Equal(t, []string{"python", "facefusion.py", "run", "--execution-providers", "cuda"}, commandLine(t, server.PID()))
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", server.PID()))
	require.NoError(t, err)
	assert.Equal(t, "python\n", string(comm))
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", server.PID()))
	require.NoError(t, err)
	assert.Equal(t, h.Checkout(0), cwd)
	assert.FileExists(t, filepath.Join(cwd, "facefusion.py"))
	metadata, err := os.ReadFile(filepath.Join(cwd, "facefusion", "metadata.py"))
	require.NoError(t, err)
	assert.Contains(t, string(metadata), "'version': '3.8.1'")

	assert.Equal(t, "false", get(t, server.Port(), "/gradio_api/startup-events"))
	require.NoError(t, server.SetQueue(3))
	assert.Contains(t, get(t, server.Port(), "/gradio_api/queue/status"), `"queue_size":3`)
	rate := 0.5
	require.NoError(t, server.SetFunctions(map[string]gradio.FunctionSummary{"run": {SuccessRate: &rate, Requests: 4}}))
	assert.Contains(t, get(t, server.Port(), "/monitoring/summary"), `"run":{"success_rate":0.5`)

	first := get(t, server.Port(), "/gradio_api/app_id")
	require.NoError(t, server.Kill(syscall.SIGKILL))
	server, err = h.StartServer(0, nil)
	require.NoError(t, err)
	assert.NotEqual(t, first, get(t, server.Port(), "/gradio_api/app_id"), "another process")
}

func TestSecondServerTakesTheNextPort(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	port := uint16(taken.Addr().(*net.TCPAddr).Port)
	h := newHost(t, Settings{Instances: 1, FirstPort: port})
	server, err := h.StartServer(0, nil)
	require.NoError(t, err)
	assert.Greater(t, server.Port(), port)
}

func TestDownloadBeforeThePortOpens(t *testing.T) {
	h := newHost(t, Settings{Instances: 1})
	server, err := h.StartServer(0, func(state *fakeproc.Instruction) { state.Downloading = true })
	require.NoError(t, err)
	assert.Zero(t, server.Port())
	require.Len(t, server.Children(), 1)
	assert.Equal(t, "/usr/bin/curl", commandLine(t, server.Children()[0])[0])

	require.NoError(t, server.SetDownloading(false))
	assert.NotZero(t, server.Port())
	assert.Empty(t, server.Children())
}

func TestModes(t *testing.T) {
	h := newHost(t, Settings{Instances: 1})
	server, err := h.StartServer(0, nil)
	require.NoError(t, err)
	answers := func(path string, within time.Duration) bool {
		client := http.Client{Timeout: within, Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d%s", server.Port(), path))
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}
	const soon, long = 300 * time.Millisecond, 10 * time.Second
	require.NoError(t, server.SetMode(gradio.Saturated))
	assert.True(t, answers("/gradio_api/queue/status", long))
	assert.False(t, answers("/gradio_api/app_id", soon))
	require.NoError(t, server.SetMode(gradio.Hang))
	assert.False(t, answers("/gradio_api/queue/status", soon))

	// An operator of the demo has the signal instead: the next mode is normal again.
	require.NoError(t, server.Kill(syscall.SIGUSR1))
	assert.Eventually(t, func() bool { return answers("/gradio_api/app_id", soon) }, 30*time.Second, 10*time.Millisecond)
}

func TestRunnerWorks(t *testing.T) {
	h := newHost(t, Settings{Instances: 1})
	runner, err := h.StartRunner(0, "headless-run", "-s", "/s.jpg", "-t", "/t.mp4", "-o", "/o.mp4")
	require.NoError(t, err)
	assert.Equal(t, []string{"python", "facefusion.py", "headless-run", "-s", "/s.jpg", "-t", "/t.mp4", "-o", "/o.mp4"}, commandLine(t, runner.PID()))
	assert.Zero(t, runner.Port(), "only a server listens")

	require.NoError(t, runner.SetWorking(true))
	require.Len(t, runner.Children(), 1)
	encoder := runner.Children()[0]
	args := commandLine(t, encoder)
	assert.Equal(t, "/usr/bin/ffmpeg", args[0])
	assert.Contains(t, args, "pipe:0")
	assert.Equal(t, strconv.Itoa(runner.PID()), parent(t, encoder))
	assert.Eventually(t, func() bool {
		info, err := os.Stat(args[len(args)-1])
		return err == nil && info.Size() > 0
	}, 10*time.Second, 10*time.Millisecond, "it writes")

	require.NoError(t, runner.SetWorking(false))
	assert.Empty(t, runner.Children())
	assert.NoDirExists(t, filepath.Dir(args[len(args)-1]), "FaceFusion clears its temporary files")
	assert.True(t, gone(encoder))
}

func TestEnds(t *testing.T) {
	h := newHost(t, Settings{Instances: 1})
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGABRT} {
		t.Run(signal.String(), func(t *testing.T) {
			runner, err := h.StartRunner(0, "job-run-all")
			require.NoError(t, err)
			require.NoError(t, runner.SetWorking(true))
			children := runner.Children()
			assert.Nil(t, runner.ProcessState())
			require.NoError(t, runner.Kill(signal))
			<-runner.Done()
			status := runner.ProcessState().Sys().(syscall.WaitStatus)
			assert.True(t, status.Signaled())
			assert.Equal(t, signal, status.Signal())
			assert.Eventually(t, func() bool { return gone(children...) }, 10*time.Second, 5*time.Millisecond)
			assert.ErrorIs(t, runner.SetWorking(true), ErrExited)
		})
	}
	t.Run("interrupt is a graceful exit", func(t *testing.T) {
		runner, err := h.StartRunner(0, "job-run-all")
		require.NoError(t, err)
		require.NoError(t, runner.Kill(syscall.SIGINT))
		<-runner.Done()
		assert.Equal(t, 0, runner.ProcessState().ExitCode())
	})
	t.Run("exit code", func(t *testing.T) {
		runner, err := h.StartRunner(0, "job-run-all")
		require.NoError(t, err)
		require.NoError(t, runner.Exit(2))
		assert.Equal(t, 2, runner.ProcessState().ExitCode())
	})
}

func TestDecoy(t *testing.T) {
	h := newHost(t, Settings{})
	decoy, err := h.StartDecoy("vim facefusion.py")
	require.NoError(t, err)
	assert.Equal(t, []string{"vim", "facefusion.py"}, commandLine(t, decoy.PID()))
	require.NoError(t, h.Close())
	assert.True(t, gone(decoy.PID()))
	_, err = h.StartDecoy("too late")
	assert.Error(t, err)
}

// However the parent ends, no process is left.
func TestNoProcessOutlivesTheHost(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "HOST_TEST_DOOMED="+t.TempDir())
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var pids []int
	for lines := bufio.NewScanner(out); len(pids) < 6 && lines.Scan(); {
		pid, err := strconv.Atoi(lines.Text())
		require.NoError(t, err)
		pids = append(pids, pid)
	}
	require.Len(t, pids, 6)
	assert.False(t, slices.ContainsFunc(pids, func(pid int) bool { return gone(pid) }))

	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	assert.Eventually(t, func() bool { return gone(pids...) }, 10*time.Second, 5*time.Millisecond)
}

// doomed prints the PIDs of a busy host, one of which is stopped by a signal, and waits to be
// killed.
func doomed(dir string) {
	h, err := New(Settings{Dir: dir, Instances: 1})
	if err != nil {
		panic(err)
	}
	server, err := h.StartServer(0, func(state *fakeproc.Instruction) { state.Downloading = true })
	if err != nil {
		panic(err)
	}
	runner, err := h.StartRunner(0, "job-run-all")
	if err != nil {
		panic(err)
	}
	if err := runner.SetWorking(true); err != nil {
		panic(err)
	}
	decoy, err := h.StartDecoy("tail -f facefusion.log")
	if err != nil {
		panic(err)
	}
	deaf, err := h.StartRunner(0, "job-run-all")
	if err != nil {
		panic(err)
	}
	if err := deaf.Kill(syscall.SIGSTOP); err != nil {
		panic(err)
	}
	for _, pid := range slices.Concat([]int{server.PID(), runner.PID(), decoy.PID(), deaf.PID()}, server.Children(), runner.Children()) {
		fmt.Println(pid)
	}
	select {}
}

func parent(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	return strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))[1]
}

// gone counts a zombie as gone: the init of a bare container may reap it late or never.
func gone(pids ...int) bool {
	return !slices.ContainsFunc(pids, func(pid int) bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err == nil && strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))[0] != "Z"
	})
}
