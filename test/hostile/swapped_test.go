package hostile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestASwappedJobsFolder: a user starts FaceFusion in his own checkout, and has its jobs folder
// lead to another user's only then: by a link, or by a mount in a namespace of his own. The jobs
// stay their owner's: his series, his run, which is orphaned when his server is killed.
func TestASwappedJobsFolder(t *testing.T) {
	const victim = 4_000
	for name, swap := range map[string]func(t *testing.T, server *exec.Cmd, honest, evil string){
		"by a link": func(t *testing.T, _ *exec.Cmd, honest, evil string) {
			t.Helper()
			require.NoError(t, os.Rename(evil, evil+"2"))
			require.NoError(t, os.Symlink(honest, evil))
			require.NoError(t, os.Lchown(evil, stranger, stranger))
		},
		"by a mount":                    mountInside("."),
		"by a mount of a status folder": mountInside("queued"),
	} {
		t.Run(name, func(t *testing.T) {
			dir := openFolder(t)
			honest, evil := filepath.Join(dir, "honest"), filepath.Join(dir, "evil")
			checkout(t, honest, "3.8.1", victim)
			checkout(t, evil, "3.8.0", stranger)
			jobs, theirs := filepath.Join(honest, ".jobs"), filepath.Join(evil, ".jobs")
			server := serverOf(t, victim, honest)
			other := swappingOf(t, evil, strings.HasPrefix(name, "by a mount"))
			c := startAsAgent(t)
			ofVictim := func(p page, family, label, value string) float64 {
				total, _ := p.sum(family, "service_version", "3.8.1", label, value)
				return total
			}
			state := func(version, of string) func(page) bool {
				return func(p page) bool {
					return p.is(1, "facefusion_job_folder_state", "service_version", version, "facefusion_job_folder_state", of)
				}
			}
			c.eventually(t, 20*time.Second, "his own is open", state("3.8.0", "open"))
			c.eventually(t, 20*time.Second, "the victim's is open", state("3.8.1", "open"))
			now := time.Now().UTC().Format("2006-01-02T15:04:05.000000+00:00")
			text := fmt.Sprintf(`{"date_created":%q,"date_updated":%q,"steps":[{"args":{"target_path":"/a.mp4"},"status":"started"}]}`, now, now)
			require.NoError(t, os.WriteFile(filepath.Join(jobs, "queued", "run.json"), []byte(text), 0o644))
			running := func(p page) bool { return ofVictim(p, "facefusion_job_count", "facefusion_job_state", "running") == 1 }
			c.eventually(t, 10*time.Second, "the job runs", running)
			swap(t, other, jobs, theirs)
			refused := "claim_refused"
			if name == "by a mount of a status folder" {
				refused = "denied"
			}
			c.eventually(t, 10*time.Second, "the other one's is refused", state("3.8.0", refused))
			for range 2 {
				time.Sleep(time.Second)
				p := c.page(t)
				require.True(t, running(p) && state("3.8.1", "open")(p), "the victim's series stay")
				of, _ := p.sum("facefusion_job_count", "service_version", "3.8.0")
				require.Zero(t, of, "the other one has no job")
			}
			require.NoError(t, server.Process.Kill())
			c.eventually(t, 20*time.Second, "the run is orphaned", func(p page) bool {
				return ofVictim(p, "facefusion_job_count", "facefusion_job_state", "orphaned") == 1 && state("3.8.0", refused)(p)
			})
			c.terminate(t)
		})
	}
}

// mountInside mounts the folder of another over one of his own, in the namespaces of his server.
func mountInside(folder string) func(t *testing.T, server *exec.Cmd, honest, evil string) {
	return func(t *testing.T, server *exec.Cmd, honest, evil string) {
		t.Helper()
		cmd := exec.Command("nsenter", "--preserve-credentials", "-U", "-m", "-t", fmt.Sprint(server.Process.Pid),
			"mount", "--bind", filepath.Join(honest, folder), filepath.Join(evil, folder))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}

// ownJobs has the jobs on a file system that only the process sees, so that the way to them leads
// through it.
const ownJobs = `mount -t tmpfs tmpfs .jobs && cd .jobs && mkdir drafted queued completed failed && cd .. && exec "$@"`

// swappingOf starts the web UI of the stranger, in a user and a mount namespace of his own.
func swappingOf(t *testing.T, path string, mounts bool) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("unshare", "-Urm", interpreter(t), "facefusion.py", "run")
	if mounts {
		cmd.Args = append([]string{"unshare", "-Urm", "/bin/sh", "-c", ownJobs, "sh"}, cmd.Args[2:]...)
	}
	cmd.Dir, cmd.Stderr, cmd.Env = path, os.Stderr, []string{fake + "=0", "PATH=" + os.Getenv("PATH")}
	return begin(t, stranger, cmd)
}

// startAsAgent starts the collector as the shipped unit does: an account that may look into every
// process and folder, and write to none.
func startAsAgent(t *testing.T) *collector {
	t.Helper()
	const agent = 4_990
	c := launchAs(t, &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: agent, Gid: agent},
		AmbientCaps: []uintptr{unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH},
	}, nil, nil)
	c.waitReady(t)
	return c
}
