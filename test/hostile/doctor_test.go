package hostile

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
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

// TestTheDoctorSaysWhatThePageSays: without capabilities, another account sees neither folder nor
// version, and the words for it are those of the page.
func TestTheDoctorSaysWhatThePageSays(t *testing.T) {
	dir := openFolder(t)
	path := filepath.Join(dir, "facefusion")
	checkout(t, path, "3.8.1", 0)
	serverOf(t, 0, path)
	findings, _ := doctor(t, stranger, "--self")
	require.Contains(t, find(t, findings, "privileges", "facefusion_process_visibility").Detail, "processes_denied")
	jobs := find(t, findings, "jobs", "")
	require.Contains(t, jobs.Detail, "not_visible")
	require.Contains(t, jobs.Remedy, "CAP_SYS_PTRACE")
}
