package process_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// toolsInACheckout are what people run in a checkout without serving anything.
var toolsInACheckout = []string{
	"python3 -c import~time;time.sleep(60)", "python3 -m pytest", "python3 /venv/bin/pytest -x tests", "python3 -m pip install -r requirements.txt", "python3 -m venv .venv",
	"python3 -m ipykernel_launcher -f kernel.json", "python3 /opt/conda/bin/jupyter-lab --allow-root", "python3 -m http.server 8000",
	"python3 -m debugpy --listen 5678 handler.py", "python3 -m mypy .", "python3 /venv/bin/ruff check", "python3 -m coverage run handler.py", "python3 install.py --onnxruntime cuda",
}

// usualFolders are those in which daemons work; each has a checkout one level below.
var usualFolders = []string{"/", "/opt", "/srv", "/home", "/usr", "/var"}

// startersOfRuns start runs on somebody's behalf, and other things; the last is a terminal in an
// editor.
var startersOfRuns = []string{"java", "tmux", "code", "sshd", "cron", "bash", "systemd", "containerd-shim", "code bash"}

// pythonStarters are schedulers and supervisors in Python.
var pythonStarters = []string{"airflow", "supervisord", "prefect"}

// falsePositives is what was seen beside the decoys.
type falsePositives struct {
	// Runs is how many runs were found at once, Decoys how many other processes there were.
	Runs, Decoys int
	// Members are those of them that were taken for FaceFusion's.
	Members []string
}

// TestFalsePositives: real processes that are none of FaceFusion's, beside checkouts and around
// runs. Only the runs are found.
func TestFalsePositives(t *testing.T) {
	t.Parallel() // most of it is waiting
	seen := isolated[falsePositives](t, "decoys")
	assert.Equal(t, len(startersOfRuns)+len(pythonStarters), seen.Runs)
	assert.GreaterOrEqual(t, seen.Decoys, len(toolsInACheckout)+2*len(usualFolders)+2*len(startersOfRuns)+3*len(pythonStarters))
	assert.Empty(t, seen.Members)
}

const (
	sleepingScript = "import time\ntime.sleep(60)\n"
	startingShell  = "cd /facefusion\npython3 facefusion.py headless-run -s a &\nsleep 60 &\nwait\n"
	startingPython = "import subprocess, time\nsubprocess.Popen(['python3', 'facefusion.py', 'headless-run'], cwd='/facefusion')\n" +
		"subprocess.Popen(['sleep', '60'])\nsubprocess.Popen(['python3', '/opt/dag/other.py'], cwd='/')\ntime.sleep(60)\n"
)

func runDecoys() {
	settleIn()
	root := makeRoot("decoys")
	table := process.NewTable(process.Settings{})
	defer table.Close()
	observeProcess(table, 0)

	for _, folder := range usualFolders {
		usersCase{}.layOut(root + path.Join(folder, "facefusion"))
		decoy(root, folder, "python3 /usr/share/daemon/main.py --foreground")
		decoy(root, folder, "python3 daemon.py")
	}
	write(root+"/facefusion/facefusion.py", sleepingScript)
	write(root+"/opt/dag/other.py", sleepingScript)
	check(os.MkdirAll(root+"/dev", 0o755))
	check(syscall.Mknod(root+"/dev/null", syscall.S_IFCHR|0o666, 1<<8|3)) // a shell wants it
	for _, line := range toolsInACheckout {
		decoy(root, "/facefusion", line)
	}
	for n, names := range startersOfRuns {
		script := fmt.Sprintf("/var/lib/starter%d", n)
		write(root+script, startingShell)
		for name := range strings.FieldsSeq(names) {
			copyFile("/bin/sh", root+"/usr/local/bin/"+name)
		}
		outer, inner, nested := strings.Cut(names, " ")
		if nested {
			write(root+script+"-outer", "/usr/local/bin/"+inner+" "+script+" &\nwait\n")
			script += "-outer"
		}
		begin(root, "/", "/usr/local/bin/"+outer, outer, script)
	}
	for _, name := range pythonStarters {
		write(root+"/opt/venv/bin/"+name, startingPython)
		begin(root, "/opt", python, "python3", "/opt/venv/bin/"+name, "scheduler")
	}

	var result falsePositives
	seen := map[string]bool{}
	// Longer than a program must have lived to count as a service.
	for deadline := time.Now().Add(13 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		s, err := table.Observe(context.Background())
		check(err)
		members, runs := 0, 0
		for _, i := range s.Instances {
			for _, p := range i.Processes {
				members++
				if p.Role == process.RoleRunner {
					runs++
				} else {
					seen[describe(p)] = true
				}
			}
		}
		result.Runs = max(result.Runs, runs)
		all, _ := filepath.Glob("/proc/[0-9]*")
		result.Decoys = max(result.Decoys, len(all)-members-1)
	}
	for what := range seen {
		result.Members = append(result.Members, what)
	}
	check(json.NewEncoder(os.Stdout).Encode(result))
	os.Exit(0)
}

func describe(p process.Process) string {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(p.PID) + "/cmdline")
	return fmt.Sprintf("%s by %q: %q", p.Role, p.Rule, text)
}

// decoy starts Python with a command line, whose script or module sleeps.
func decoy(root, cwd, line string) {
	argv := strings.Fields(line)
	for n := range argv {
		argv[n] = strings.ReplaceAll(argv[n], "~", " ")
	}
	script := path.Join(root, cwd, argv[1])
	switch {
	case argv[1] == "-m":
		script = path.Join(root, cwd, argv[2]+".py")
	case path.IsAbs(argv[1]):
		script = root + argv[1]
	}
	if argv[1] != "-c" {
		write(script, sleepingScript)
	}
	begin(root, cwd, python, argv...)
}

// begin starts a program in a root folder. It ends with this one.
func begin(root, cwd, program string, argv ...string) {
	cmd := exec.Command(program)
	cmd.Args, cmd.Dir = argv, cwd
	cmd.Env = []string{"PATH=/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	cmd.Stderr = os.Stderr
	check(cmd.Start())
}

func write(name, content string) {
	check(os.MkdirAll(filepath.Dir(name), 0o755))
	check(os.WriteFile(name, []byte(content), 0o644))
}

func copyFile(from, to string) {
	check(os.MkdirAll(filepath.Dir(to), 0o755))
	_ = os.Remove(to) // one that runs may not be written to
	source, err := os.Open(from)
	check(err)
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	check(err)
	_, err = io.Copy(target, source)
	check(err)
	check(target.Close())
}
