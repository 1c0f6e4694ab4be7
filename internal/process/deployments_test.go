package process_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// deployment is one line of testdata/deployments/deployments.jsonl.
type deployment struct {
	ID         string   `json:"id"`
	Argv       []string `json:"argv"`
	Cwd        string   `json:"cwd"`
	Where      string   `json:"where"`
	Checkout   string   `json:"checkout"`
	PythonPath *string  `json:"pythonpath"`
	Version    string   `json:"version"`
	Server     string   `json:"server"`
	Port       int      `json:"port"`
	Child      []string `json:"child"`
	ChildCwd   string   `json:"child_cwd"`
	Expect     struct {
		By        string `json:"by"`
		Role      string `json:"role"`
		Server    string `json:"server"`
		Instances any    `json:"instances"`
	} `json:"expect"`
}

func deployments(t testing.TB) []deployment {
	t.Helper()
	data, err := os.ReadFile("../../testdata/deployments/deployments.jsonl")
	require.NoError(t, err)
	var list []deployment
	for line := range bytes.Lines(data) {
		var d deployment
		require.NoError(t, json.Unmarshal(line, &d))
		list = append(list, d)
	}
	require.Len(t, list, 55)
	return list
}

// seenProcess is what a Table says of the process of a deployment.
type seenProcess struct {
	Rule      string
	Role      process.Role
	Checkout  string
	Port      uint16
	Instances int
}

// course is what was seen of a deployment: idle, while a run that it started runs, after that run,
// and once it was killed.
type course struct {
	Idle, Running, After seenProcess
	// Unnamed is what is seen of one that the configuration must name, without it.
	Unnamed     seenProcess
	RunRole     process.Role
	RunJoined   bool
	UpAfterKill bool
	// Noticed is how long after it was killed the Table asked to be observed.
	Noticed time.Duration
	// Namespaces says that it had mounts and processes of its own, Users that it had those as well.
	Namespaces, Users bool
	Err               string
}

// TestDeployments starts a real Python process for each way in which FaceFusion is started in
// public deployments: with that command line, working directory and layout, below a root of its
// own.
func TestDeployments(t *testing.T) {
	t.Parallel() // most of it is waiting
	list := deployments(t)
	got := isolated[map[string]course](t, "deployments "+mustAbs(t, "../../testdata/deployments/deployments.jsonl"))
	for _, d := range list {
		t.Run(d.ID, func(t *testing.T) {
			c, ok := got[d.ID]
			require.True(t, ok)
			require.Empty(t, c.Err)
			rule, later, _ := strings.Cut(d.Expect.By, " ")
			switch {
			case strings.HasPrefix(rule, "endpoint"):
				assert.Equal(t, seenProcess{}, c.Idle, "it is not FaceFusion")
				return
			case rule == "match":
				assert.Equal(t, seenProcess{}, c.Unnamed, "only the configuration can know it")
				rule = "configured"
			case later != "":
				assert.Equal(t, seenProcess{}, c.Idle, "it is found with its first run")
				assert.Equal(t, rule, c.Running.Rule)
				c.Idle = c.After
			}
			assert.Equal(t, rule, c.Idle.Rule)
			assert.Equal(t, process.Role(d.Expect.Role), c.Idle.Role)
			assert.Equal(t, 1, c.Idle.Instances)
			assert.Equal(t, d.Checkout, c.Idle.Checkout)
			if d.Server == "none" || d.Port == 0 {
				assert.Zero(t, c.Idle.Port)
			} else {
				assert.Equal(t, uint16(d.Port), c.Idle.Port)
			}
			if len(d.Child) > 0 {
				if d.Child[1] != "-c" {
					assert.Equal(t, process.RoleRunner, c.RunRole)
				}
				assert.True(t, c.RunJoined, "the run is of the same instance")
				assert.Equal(t, c.Idle, c.After)
			}
			assert.False(t, c.UpAfterKill)
			assert.Less(t, c.Noticed, time.Second)
			assert.Equal(t, d.Where == "container", c.Namespaces)
		})
	}
	users := 0
	for _, c := range got {
		if c.Users {
			users++
		}
	}
	assert.Greater(t, users, 10, "containers with users of their own")
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	return path
}

// isolated runs this binary in a mode that prints its result, in namespaces of its own: it sees its
// own processes only, and what it mounts is gone with it.
func isolated[T any](t *testing.T, mode string) (result T) {
	t.Helper()
	require.Zero(t, os.Getuid(), "this test makes namespaces and must be run as root")
	cmd := exec.Command("/proc/self/exe")
	cmd.Dir = t.TempDir()
	require.NoError(t, os.Chmod(cmd.Dir, 0o755))
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	out, err := cmd.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, &result), "%s", out)
	return result
}

// settleIn prepares the namespaces from inside.
func settleIn() {
	check(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	check(syscall.Mount("proc", "/proc", "proc", 0, ""))
	check(syscall.Mount("tmpfs", ".", "tmpfs", 0, "mode=755"))
	wd, err := os.Getwd()
	check(err)
	check(os.Chdir(wd)) // into the new mount
	run("ip link set lo up")
}

func runDeployments(file string) {
	data, err := os.ReadFile(file)
	check(err)
	settleIn()
	result := map[string]course{}
	for line := range bytes.Lines(data) {
		var d deployment
		check(json.Unmarshal(line, &d))
		result[d.ID] = d.follow()
	}
	check(json.NewEncoder(os.Stdout).Encode(result))
	os.Exit(0)
}

// follow starts the deployment and watches it.
func (d deployment) follow() (c course) {
	var settings process.Settings
	if d.Expect.By == "match" {
		settings.Instances = []process.Configured{{Name: "named", Path: d.Checkout, Match: &process.Match{
			Cmdline: regexp.MustCompile(`^\S*python\S* .*` + regexp.QuoteMeta(d.Argv[len(d.Argv)-1]) + `$`), Port: uint16(d.Port),
		}}}
	}
	ended := make(chan time.Time, 1)
	settings.OnExit = func() {
		select {
		case ended <- time.Now():
		default:
		}
	}
	table := process.NewTable(settings)
	defer table.Close()
	_, err := table.Observe(context.Background())
	check(err)
	s, err := d.start(makeRoot(d.ID))
	if err != nil {
		c.Err = err.Error()
		return c
	}
	defer s.kill()
	if d.Expect.By == "match" {
		bare := process.NewTable(process.Settings{})
		c.Unnamed, _ = observeProcess(bare, s.cmd.Process.Pid)
		check(bare.Close())
	}
	c.Idle, _ = observeProcess(table, s.cmd.Process.Pid)
	c.After = c.Idle
	if len(d.Child) > 0 {
		inner, err := s.ask("run")
		check(err)
		pid := childOf(s.cmd.Process.Pid, inner)
		// Its command line is empty for a moment after exec; the next pass has it.
		for deadline := time.Now().Add(5 * time.Second); c.RunRole != process.RoleRunner && time.Now().Before(deadline) && d.Child[1] != "-c"; {
			c.RunRole, c.RunJoined = roleBeside(table, pid, s.cmd.Process.Pid)
		}
		if d.Child[1] == "-c" {
			c.RunRole, c.RunJoined = roleBeside(table, pid, s.cmd.Process.Pid)
		}
		c.Running, _ = observeProcess(table, s.cmd.Process.Pid)
		_, err = s.ask("end")
		check(err)
		c.After, _ = observeProcess(table, s.cmd.Process.Pid)
	}
	c.Namespaces, c.Users = s.cmd.SysProcAttr.Cloneflags != 0, s.cmd.SysProcAttr.Cloneflags&syscall.CLONE_NEWUSER != 0
	for len(ended) > 0 {
		<-ended // of the run
	}
	killed := time.Now()
	s.kill()
	if c.Idle != (seenProcess{}) || c.After != (seenProcess{}) {
		select {
		case at := <-ended:
			c.Noticed = max(0, at.Sub(killed))
		case <-time.After(5 * time.Second):
			c.Noticed = 5 * time.Second
		}
	}
	_, c.UpAfterKill = observeProcess(table, s.cmd.Process.Pid)
	return c
}

// childOf is the child of a process that has a pid in that one's namespace.
func childOf(parent, inner int) int {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		list, _ := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", parent))
		for child := range strings.FieldsSeq(string(list)) {
			status, _ := os.ReadFile("/proc/" + child + "/status")
			_, rest, _ := strings.Cut(string(status), "\nNSpid:")
			line, _, _ := strings.Cut(rest, "\n")
			if pids := strings.Fields(line); len(pids) > 0 && pids[len(pids)-1] == strconv.Itoa(inner) {
				pid, err := strconv.Atoi(child)
				check(err)
				return pid
			}
		}
	}
	panic("there is no such child")
}

// observeProcess says what a Table knows of a process, and whether any instance is up.
func observeProcess(table *process.Table, pid int) (result seenProcess, up bool) {
	s, err := table.Observe(context.Background())
	check(err)
	for _, i := range s.Instances {
		up = up || i.Up()
		for _, p := range i.Processes {
			if p.PID == pid {
				result = seenProcess{Rule: p.Rule, Role: p.Role, Checkout: i.Checkout, Instances: len(s.Instances)}
			}
		}
		for _, server := range i.Servers {
			if server.PID == pid {
				result.Port = server.Port
			}
		}
	}
	return result, up
}

// roleBeside is the role of a process, and whether it is of the same instance as another one.
func roleBeside(table *process.Table, pid, other int) (role process.Role, together bool) {
	s, err := table.Observe(context.Background())
	check(err)
	for _, i := range s.Instances {
		both := 0
		for _, p := range i.Processes {
			if p.PID == pid {
				role = p.Role
			}
			if p.PID == pid || p.PID == other {
				both++
			}
		}
		together = together || both == 2
	}
	return role, together
}

// makeRoot makes a root folder with the files of this machine, in which everything may be written.
func makeRoot(name string) string {
	wd, err := os.Getwd()
	check(err)
	for _, folder := range []string{"upper", "work", "root"} {
		check(os.MkdirAll(filepath.Join(name, folder), 0o755))
	}
	root := filepath.Join(wd, name, "root")
	check(syscall.Mount("overlay", root, "overlay", 0, fmt.Sprintf("lowerdir=/,upperdir=%[1]s/%[2]s/upper,workdir=%[1]s/%[2]s/work", wd, name)))
	return root
}

// standIn is every script of a deployment: the service, the run that it starts, and what it listens
// on.
const standIn = `
import json, os, socket, subprocess, sys
if os.environ.get('STAND_IN') == 'run':
    sys.stdin.read()
    sys.exit(0)
case = json.loads(os.environ['STAND_IN'])
if case['server'] != 'none' and case['port']:
    listener = socket.create_server(('127.0.0.1', case['port']))
print('ready', os.getpid(), flush=True)
child = None
for line in sys.stdin:
    if line == 'run\n':
        argv = case['child']
        if argv[1] == '-c':
            argv = [argv[0], '-c', 'import sys, runpy; sys.stdin.read()']
        child = subprocess.Popen(argv, executable='/usr/bin/python3', cwd=case['child_cwd'], stdin=subprocess.PIPE,
            env={**os.environ, 'STAND_IN': 'run'})
        print('running', child.pid, flush=True)
    elif line == 'end\n':
        child.stdin.close()
        child.wait()
        print('ended', child.pid, flush=True)
`

// runningDeployment is a deployment that runs.
type runningDeployment struct {
	cmd   *exec.Cmd
	input io.WriteCloser
	lines *bufio.Reader
}

// python is the interpreter, which lies outside of every environment.
const python = "/usr/bin/python3"

func (d deployment) start(root string, more ...string) (*runningDeployment, error) {
	d.layOut(root)
	facts, err := json.Marshal(map[string]any{"server": d.Server, "port": d.Port, "child": d.Child, "child_cwd": d.ChildCwd})
	check(err)
	exe, err := filepath.EvalSymlinks(python)
	check(err)
	cmd := exec.Command(exe)
	cmd.Args = append(append([]string(nil), d.Argv...), more...)
	cmd.Dir = d.Cwd
	cmd.Env = []string{"PATH=/usr/bin:/bin", "STAND_IN=" + string(facts)}
	if d.PythonPath != nil {
		cmd.Env = append(cmd.Env, "PYTHONPATH="+*d.PythonPath)
	}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	d.enclose(cmd.SysProcAttr)
	s := &runningDeployment{cmd: cmd}
	s.input, err = cmd.StdinPipe()
	check(err)
	output, err := cmd.StdoutPipe()
	check(err)
	s.lines = bufio.NewReader(output)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	_, err = s.answer()
	return s, err
}

// enclose gives a case that runs in a container mounts and processes of its own, and every other
// one users as well.
func (d deployment) enclose(to *syscall.SysProcAttr) {
	if d.Where != "container" {
		return
	}
	to.Cloneflags = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID
	if d.ID[len(d.ID)-1]%2 == 0 {
		to.Cloneflags |= syscall.CLONE_NEWUSER
		to.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100_000, Size: 65_536}}
		to.GidMappings = to.UidMappings
	}
}

// layOut makes the checkout and the scripts.
func (d deployment) layOut(root string) {
	write := func(name, content string) {
		check(os.MkdirAll(filepath.Dir(root+name), 0o755))
		check(os.WriteFile(root+name, []byte(content), 0o644))
	}
	version := "3.5.0"
	if strings.HasPrefix(d.Version, "1") || strings.HasPrefix(d.Version, "2") {
		version = "2.6.1"
	}
	if d.Expect.By != "match" || !strings.Contains(d.Checkout, "custom_nodes") {
		write(d.Checkout+"/facefusion/metadata.py", fmt.Sprintf("METADATA =\\\n{\n\t'name': 'FaceFusion',\n\t'version': '%s'\n}\n", version))
	}
	for _, name := range []string{"facefusion.py", "run.py"} {
		write(d.Checkout+"/"+name, standIn)
	}
	check(os.MkdirAll(root+d.Cwd, 0o755))
	check(os.MkdirAll(root+"/root", 0o755))
	check(os.Chmod(root+"/root", 0o755)) // it is not that of a container with users of its own
	for _, arg := range d.Argv[1:] {
		if arg == "-m" {
			write(path.Join(d.Cwd, strings.ReplaceAll(d.Argv[2], ".", "/"))+".py", standIn)
			return
		}
		if !strings.HasPrefix(arg, "-") {
			if !path.IsAbs(arg) {
				arg = path.Join(d.Cwd, arg)
			}
			write(arg, standIn)
			return
		}
	}
}

func (s *runningDeployment) answer() (pid int, err error) {
	line, err := s.lines.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("%v: %w", s.cmd.Args, err)
	}
	var word string
	_, err = fmt.Sscan(line, &word, &pid)
	return pid, err
}

// ask sends a command and returns the pid in the answer.
func (s *runningDeployment) ask(command string) (int, error) {
	if _, err := io.WriteString(s.input, command+"\n"); err != nil {
		return 0, err
	}
	return s.answer()
}

func (s *runningDeployment) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}
