//go:build runbooks

package install

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// runbookSystem is the Debian that `make e2e-runbooks` has made: the bare one, and what every
// server has.
const runbookSystem = "../../.cache/install/runbooks"

// block is a block of commands of a runbook.
type block struct {
	runbook  string
	where    string
	commands string
}

// needsGPU are commands that only a driver answers.
var needsGPU = regexp.MustCompile(`^(sudo )?nvidia-smi |^gpu=`)

var (
	// noUpdate is what a podman without this call answers.
	noUpdate = regexp.MustCompile(`(?m)^Error response from daemon: Not Found$`)
	// startsJobs are commands that work on jobs.
	startsJobs = regexp.MustCompile(`job-(run|retry)`)
)

// blocks are all of docs/runbooks, without the commands that need a GPU.
func blocks(t *testing.T) (all []block, left int) {
	t.Helper()
	files, err := filepath.Glob("../../docs/runbooks/*.md")
	require.NoError(t, err)
	heading := regexp.MustCompile(`(?m)^(As a unit|In a container|On the host).*:$|^` + "```" + `sh\n((?:.*\n)*?)` + "```")
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		where := ""
		for _, m := range heading.FindAllStringSubmatch(string(text), -1) {
			if m[1] != "" {
				where = m[1]
				continue
			}
			lines := strings.Split(strings.TrimSpace(m[2]), "\n")
			run := slices.DeleteFunc(slices.Clone(lines), needsGPU.MatchString)
			left += len(lines) - len(run)
			if len(run) > 0 {
				require.NotEmpty(t, where, file)
				all = append(all, block{strings.TrimSuffix(filepath.Base(file), ".md"), where, strings.Join(run, "\n")})
			}
		}
	}
	return all, left
}

// TestRunbooks runs the commands of all runbooks as they are written.
func TestRunbooks(t *testing.T) {
	all, left := blocks(t)
	t.Logf("%d blocks; %d commands need a GPU and are not run", len(all), left)
	require.Greater(t, len(all), 150)
	m := runbookMachine(t)
	host := runbookContainers(t)
	done := map[string]string{}
	for _, b := range all {
		t.Run(b.runbook+"/"+b.where, func(t *testing.T) {
			run := func() (string, error) { return m.exec(strict(b.commands)) }
			if b.where == "In a container" {
				run = func() (string, error) { return host.exec(b.commands) }
			}
			key := b.where + "\n" + b.commands
			if first, ok := done[key]; ok {
				t.Logf("as in %s", first)
				return
			}
			done[key] = b.runbook
			output, err := run()
			switch {
			case err != nil && noUpdate.MatchString(output):
				t.Log("podman has no update: the docker command has understood it")
			case err != nil && startsJobs.MatchString(b.commands):
				// Without models and a network no job completes: it has to get as far as its step.
				require.Contains(t, output, "processing step 1 of 1", b.commands)
			default:
				require.NoError(t, err, "%s\n%s", b.commands, output)
			}
			if regexp.MustCompile(`systemctl (re)?start|docker (re)?start`).MatchString(b.commands) {
				require.Eventually(t, func() bool {
					return host.up() && m.get("http://127.0.0.1:7860/") != "" && m.get("http://127.0.0.1:13133/") != ""
				},
					patience, 200*time.Millisecond, "what was started comes back")
			}
		})
	}
}

// strict has a block fail where one of its commands does.
func strict(commands string) string {
	return "exec bash -e -o pipefail <<'RUNBOOK'\n" + commands + "\nRUNBOOK"
}

// realFaceFusion is the checkout and the Python that the environment names, and the folders that
// this Python is in.
func realFaceFusion(t *testing.T) (checkout, python string, folders []string) {
	t.Helper()
	checkout, python = os.Getenv("FACEFUSION_CHECKOUT"), os.Getenv("FACEFUSION_PYTHON")
	require.NotEmpty(t, checkout, "FACEFUSION_CHECKOUT names no checkout of FaceFusion")
	require.NotEmpty(t, python, "FACEFUSION_PYTHON names no Python with what FaceFusion needs")
	output, err := exec.Command(python, "-c", "import sys; print(sys.prefix); print(sys.base_prefix)").Output()
	require.NoError(t, err)
	folders = strings.Fields(string(output))
	slices.Sort(folders)
	return checkout, python, slices.Compact(folders)
}

// faceFusionFolder puts a checkout with an environment, two failed and two orphaned jobs into a
// folder.
func faceFusionFolder(t *testing.T, folder, checkout, python string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(folder), 0o755))
	output, err := exec.Command("cp", "--recursive", checkout, folder).CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.NoError(t, os.RemoveAll(filepath.Join(folder, ".jobs")))
	for name, text := range map[string]string{
		".venv/bin/python": "#!/bin/sh\nexec " + python + " \"$@\"\n",
		"serve.py":         "import http.server; http.server.test(http.server.SimpleHTTPRequestHandler, port=7860, bind='127.0.0.1')\n",
	} {
		file := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o755))
	}
	for _, status := range []string{"drafted", "queued", "completed", "failed"} {
		require.NoError(t, os.MkdirAll(filepath.Join(folder, ".jobs", status), 0o755))
	}
	job := `{"version": "1", "date_created": "2026-11-25T22:00:00+00:00", "date_updated": null, "steps": [{"args": {"source_paths": [], "target_path": "/nowhere.mp4", "output_path": "/tmp/out.mp4", "processors": ["face_swapper"]}, "status": %q}]}`
	for file, status := range map[string]string{"queued/nightly-0": "started", "queued/nightly-1": "queued", "failed/nightly-2": "failed"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, ".jobs", file+".json"), fmt.Appendf(nil, job, status), 0o644))
	}
}
