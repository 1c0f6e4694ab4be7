package hostile

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type finding struct{ Check, Status, Subject, Detail, Remedy string }

// doctor runs the built one and returns what it found.
func doctor(t *testing.T, uid int, args ...string) (findings []finding, checkedAs string) {
	t.Helper()
	cmd := exec.Command("../../bin/otelcol-facefusion-doctor", append([]string{"--json"}, args...)...)
	if uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
		program := filepath.Join(openFolder(t), "otelcol-facefusion-doctor")
		require.NoError(t, exec.Command("install", "--mode=755", cmd.Path, program).Run())
		cmd.Path, cmd.Dir = program, "/"
	}
	return reported(t, cmd)
}

// doctorOf runs one of another place, as root.
func doctorOf(t *testing.T, program string) (findings []finding, checkedAs string) {
	t.Helper()
	return reported(t, exec.Command(program, "--json"))
}

func reported(t *testing.T, cmd *exec.Cmd) (findings []finding, checkedAs string) {
	t.Helper()
	out, err := cmd.Output()
	if err != nil {
		require.Equal(t, 1, cmd.ProcessState.ExitCode(), "%s", out)
	}
	var report struct {
		Findings  []finding
		CheckedAs string `json:"checked_as"`
	}
	require.NoError(t, json.Unmarshal(out, &report), "%s", out)
	return report.Findings, report.CheckedAs
}

func find(t *testing.T, findings []finding, check, subject string) finding {
	t.Helper()
	for _, f := range findings {
		if f.Check == check && strings.HasPrefix(f.Subject, subject) {
			return f
		}
	}
	require.FailNow(t, "no such finding", "%s %s in %v", check, subject, findings)
	return finding{}
}

// TestTheDoctorSeesAsTheAgent: with its configuration and with its environment, which the doctor's
// own shell does not have.
func TestTheDoctorSeesAsTheAgent(t *testing.T) {
	dir := openFolder(t)
	path := filepath.Join(dir, "facefusion")
	checkout(t, path, "3.8.1", 0)
	serverOf(t, 0, path)
	library := "receivers: {facefusion: {gpu: {library_path: '${env:HOSTILE_LIBRARY}'}, instances: [{name: named, path: '" + path + "'}]}}"
	c := startWith(t, nil, []string{"HOSTILE_LIBRARY=/nowhere/libhostile.so"}, library)
	c.eventually(t, 10*time.Second, "the instance", up(1))
	findings, as := doctor(t, 0)
	require.Contains(t, as, "the running agent")
	require.Contains(t, find(t, findings, "gpu", "driver").Detail, "/nowhere/libhostile.so")
	require.Equal(t, "ok", find(t, findings, "facefusion", "named").Status)
	require.Equal(t, "open, 0 jobs", find(t, findings, "jobs", "named").Detail)
}

// TestTheDoctorBelievesNoDecoy: any account can start what calls itself as the agent does, in a
// user namespace of its own, in which it has every capability and mounts of its own, with any
// environment. Root's doctor entered them, took the capabilities over to the host, and started with
// a library of that account.
func TestTheDoctorBelievesNoDecoy(t *testing.T) {
	honest, his := openFolder(t), openFolder(t)
	genuine, fake := install(t, honest), install(t, his)
	evil := filepath.Join(his, "evil.yaml")
	require.NoError(t, os.WriteFile(evil, []byte(endless), 0o644))
	const ownNamespaces = "unshare -Urm "
	for name, c := range map[string]struct{ within, program, why string }{
		"in his namespaces":           {ownNamespaces, "/bin/bash", "its program is"},
		"another program":             {"", "/bin/bash", "its program is"},
		"a copy of the agent":         {"", fake, "its program is"},
		"the agent in his namespaces": {ownNamespaces, genuine, "a user namespace of its own"},
		"the agent, by a stranger":    {"", genuine, "its user, 4001, is neither root"},
	} {
		t.Run(name, func(t *testing.T) {
			pid := pose(t, stranger, c.within, c.program, evil)
			findings, as := doctorOf(t, filepath.Join(honest, "otelcol-facefusion-doctor"))
			require.NotContains(t, as, "running agent")
			require.NotContains(t, as, strconv.Itoa(stranger))
			detail := find(t, findings, "privileges", "agent").Detail
			require.Contains(t, detail, fmt.Sprintf("pid %d looks like an agent", pid))
			require.Contains(t, detail, c.why)
		})
	}
}

// TestTheDoctorEntersTheAgentsMounts: what it starts there is itself, and not what the /proc there
// says it is.
func TestTheDoctorEntersTheAgentsMounts(t *testing.T) {
	folder := openFolder(t)
	config := filepath.Join(folder, "agent.yaml")
	require.NoError(t, os.WriteFile(config, []byte(endless), 0o600))
	pid := pose(t, 0, "unshare -m ", install(t, folder), config)
	findings, as := doctorOf(t, filepath.Join(folder, "otelcol-facefusion-doctor"))
	require.Contains(t, as, fmt.Sprintf("the running agent, pid %d", pid))
	for _, f := range findings {
		require.NotContains(t, f.Detail, "looks like an agent")
	}
}

// endless is a configuration with which an agent runs and takes no port.
const endless = "receivers: {facefusion: {}}\nexporters: {prometheus: {endpoint: '127.0.0.1:0'}}\n" +
	"service: {telemetry: {metrics: {level: none}}, pipelines: {metrics: {receivers: [facefusion], exporters: [prometheus]}}}\n"

// install puts both programs where every account may start them, and returns the agent's.
func install(t *testing.T, folder string) string {
	t.Helper()
	require.NoError(t, exec.Command("install", "--mode=755", "../../bin/otelcol-facefusion", "../../bin/otelcol-facefusion-doctor", folder).Run())
	return filepath.Join(folder, "otelcol-facefusion")
}

// pose starts a process that calls itself as the agent does, with an option that bash has as well.
func pose(t *testing.T, uid uint32, within, program, config string) (pid int) {
	t.Helper()
	args := "--config=" + config
	if program == "/bin/bash" {
		args = "--norc -c 'read line' bash --config=" + config
	}
	cmd := exec.Command("/bin/bash", "-c", "exec "+within+"/bin/bash -c \"exec -a otelcol-facefusion "+program+" "+args+"\"")
	cmd.Env = append(os.Environ(), "LD_PRELOAD="+filepath.Join(filepath.Dir(config), "evil.so"))
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	pid = cmd.Process.Pid
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		return err == nil && strings.HasPrefix(string(text), "otelcol-facefusion\x00-")
	}, 10*time.Second, 5*time.Millisecond, "it does not run")
	return pid
}

// TestTheDoctorSaysWhatThePageSays: without capabilities, another account sees neither folder nor
// version, the words for it are those of the page, and of one cause there is one warning.
func TestTheDoctorSaysWhatThePageSays(t *testing.T) {
	dir := openFolder(t)
	path := filepath.Join(dir, "facefusion")
	checkout(t, path, "3.8.1", 0)
	serverOf(t, 0, path)
	findings, _ := doctor(t, stranger, "--self")
	require.Contains(t, find(t, findings, "privileges", "facefusion_process_visibility").Detail, "processes_denied")
	jobs := find(t, findings, "jobs", "")
	require.Contains(t, jobs.Detail, "not_visible")
	require.Empty(t, jobs.Remedy)
	first := find(t, findings, "facefusion", "")
	require.Contains(t, first.Remedy, "CAP_SYS_PTRACE")
	require.Contains(t, first.Detail, "more findings have the same cause")
}
