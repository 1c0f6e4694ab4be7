package process_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// node is a process of a form, and what it starts.
type node struct {
	// Argv is its command line, blanks part the words and ~ stands for one. What its script is,
	// starts the children and sleeps.
	Argv string `json:"argv"`
	// Program is the path of a copy of the interpreter that runs it, of a program that is no
	// Python; Python itself where empty.
	Program string `json:"program,omitempty"`
	// Title is what it replaces its command line by.
	Title string `json:"title,omitempty"`
	Cwd   string `json:"cwd,omitempty"`
	Path  string `json:"pythonpath,omitempty"`
	// Runtime has it load a library called onnxruntime.
	Runtime bool `json:"runtime,omitempty"`
	// Is is what it is: the rule and the role, "hint", or "" for no member.
	Is       string `json:"is,omitempty"`
	Children []node `json:"children,omitempty"`
}

// form is a way to run FaceFusion.
type form struct {
	Name      string
	Checkouts []string // "/facefusion" where empty
	Metadata  string   // the name in it
	Root      node
	// None says that there is no instance.
	None bool
}

// TestForms: further ways to run FaceFusion, each as a tree of real processes below a root of its
// own: what is a member, by which rule and in which role, and what is not.
func TestForms(t *testing.T) {
	t.Parallel() // most of it is waiting
	seen := isolated[map[string]formSeen](t, "forms")
	for _, f := range forms {
		t.Run(f.Name, func(t *testing.T) {
			s := seen[f.Name]
			assert.Equal(t, wanted(f.Root, "0", map[string]string{}), s.Is)
			instances := 1
			if f.None {
				instances = 0
			}
			assert.Equal(t, instances, s.Instances)
			assert.Zero(t, s.UpAfterKill)
		})
	}
}

func wanted(n node, id string, into map[string]string) map[string]string {
	into[id+" "+cmp.Or(n.Title, n.Argv)] = n.Is
	for i, c := range n.Children {
		wanted(c, id+"."+strconv.Itoa(i), into)
	}
	return into
}

// formSeen is what was seen of a form.
type formSeen struct {
	Is                     map[string]string
	Instances, UpAfterKill int
}

// treeScript is what every interpreter of a form runs before its own program: it starts the
// children and sleeps. A program that is no Python, and one with a title, has its command line
// written over.
const treeScript = `
import ctypes, json, mmap, os, subprocess, sys, time
n = json.loads(os.environ['TREE'])
if n.get('runtime'):
    f = open('/usr/lib/libonnxruntime.so', 'rb')
    keep = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
def words(line):
    return [a.replace('~', ' ') for a in line.split(' ')]
text = n['title'].encode() if n.get('title') else b'\0'.join(w.encode() for w in words(n['argv'])) if n.get('program') else b''
if text:
    fields = open('/proc/self/stat').read().rsplit(')', 1)[1].split()
    begin, end = int(fields[45]), int(fields[46])
    assert len(text) < end - begin
    ctypes.memset(begin, 0, end - begin)
    ctypes.memmove(begin, text, len(text))
for i, c in enumerate(n.get('children', [])):
    argv = words(c['argv'])
    if c.get('program'):
        argv = [argv[0], '-c', ' ' * 200]
    env = {'PATH': '/usr/bin:/bin', 'PYTHONHOME': '/usr', 'PYTHONDONTWRITEBYTECODE': '1', 'TREE': json.dumps(c), 'NODE': os.environ['NODE'] + '.' + str(i)}
    if c.get('pythonpath'):
        env['PYTHONPATH'] = c['pythonpath']
    subprocess.Popen(argv, executable=c.get('program') or '/usr/bin/python3', cwd=c.get('cwd') or None, env=env)
time.sleep(300)
`

func runForms() {
	settleIn()
	list, err := exec.Command(python, "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))").Output()
	check(err)
	// also on a busy machine
	table := process.NewTable(process.Settings{Gate: hostfs.NewGate(hostfs.Settings{Patience: time.Minute})})
	defer table.Close()
	observeProcess(table, 0)
	for n, f := range forms {
		f.start(makeRoot(fmt.Sprintf("form%d", n)), strings.TrimSpace(string(list))+"/sitecustomize.py")
	}
	is, members := map[string]string{}, map[string][]string{}
	// The runtime of a program is looked for when it is ten seconds old. What must not come has had
	// two seconds more than all that is wanted.
	var complete time.Time
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(200 * time.Millisecond) {
		s, err := table.Observe(context.Background())
		check(err)
		clear(members)
		noteForms(s, is, members)
		if !asWanted(is) || time.Since(begun) < formAge {
			complete = time.Time{}
		} else if complete.IsZero() {
			complete = time.Now()
		} else if time.Since(complete) >= 2*time.Second {
			break
		}
	}
	s := killAll(table)
	result := map[string]formSeen{}
	for _, f := range forms {
		seen := formSeen{Is: map[string]string{}, Instances: len(members[f.Name])}
		for id, line := range idsOf(f.Root, "0", map[string]string{}) {
			seen.Is[id+" "+line] = is[f.Name+"#"+id]
		}
		for _, i := range s.Instances {
			if i.Up() && slices.Contains(members[f.Name], i.ID) {
				seen.UpAfterKill++
			}
		}
		result[f.Name] = seen
	}
	check(json.NewEncoder(os.Stdout).Encode(result))
	os.Exit(0)
}

// formAge is when the runtime of the last process has been looked for.
const formAge = 12 * time.Second

// asWanted says that all processes of all forms are what they have to be.
func asWanted(is map[string]string) bool {
	for _, f := range forms {
		for id, want := range wantedByID(f.Root, "0", map[string]string{}) {
			if is[f.Name+"#"+id] != want {
				return false
			}
		}
	}
	return true
}

func wantedByID(n node, id string, into map[string]string) map[string]string {
	into[id] = n.Is
	for i, c := range n.Children {
		wantedByID(c, id+"."+strconv.Itoa(i), into)
	}
	return into
}

// start lays the form out below a root, and starts it.
func (f form) start(root, site string) {
	checkouts := f.Checkouts
	if len(checkouts) == 0 {
		checkouts = []string{"/facefusion"}
	}
	for _, c := range checkouts {
		writeIn(root, c+"/facefusion/metadata.py", "METADATA =\\\n{\n\t'name': '"+cmp.Or(f.Metadata, "FaceFusion")+"',\n\t'version': '3.5.0'\n}\n")
	}
	writeIn(root, "/usr/lib/libonnxruntime.so", "runtime")
	writeIn(root, site, treeScript)
	check(syscall.Mount("proc", root+"/proc", "proc", 0, ""))
	f.Root.layOut(root, "/")
	f.Root.begin(root, f.Name)
}

// noteForms notes what each process of a form is, and of which instances the form is.
func noteForms(s *process.Snapshot, is map[string]string, members map[string][]string) {
	for _, i := range s.Instances {
		for _, p := range i.Processes {
			f, id, ok := nodeOf(p.PID)
			if !ok {
				continue
			}
			is[f+"#"+id] = strings.TrimSpace(p.Rule + " " + string(p.Role))
			if !slices.Contains(members[f], i.ID) {
				members[f] = append(members[f], i.ID)
			}
		}
	}
	for _, h := range s.Hints {
		if f, id, ok := nodeOf(h.PID); ok {
			is[f+"#"+id] = "hint"
		}
	}
}

// killAll kills all others of the namespace, and waits until none is seen to run: on a busy machine
// the kernel takes its time.
func killAll(table *process.Table) *process.Snapshot {
	if os.Getpid() != 1 {
		panic("these are processes of somebody else")
	}
	check(syscall.Kill(-1, syscall.SIGKILL))
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		s, err := table.Observe(context.Background())
		check(err)
		if up := slices.ContainsFunc(s.Instances, func(i process.Instance) bool { return i.Up() }); !up || time.Now().After(deadline) {
			return s
		}
	}
}

func idsOf(n node, id string, into map[string]string) map[string]string {
	into[id] = cmp.Or(n.Title, n.Argv)
	for i, c := range n.Children {
		idsOf(c, id+"."+strconv.Itoa(i), into)
	}
	return into
}

// nodeOf is the form that a process is of, and the place in it.
func nodeOf(pid int) (form, id string, ok bool) {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	for v := range strings.SplitSeq(string(text), "\x00") {
		if rest, is := strings.CutPrefix(v, "NODE="); is {
			return strings.Cut(rest, "#")
		}
	}
	return "", "", false
}

// writeIn writes a file of a root. Links in it are absolute, as
// /usr/lib/python3.11/sitecustomize.py of Debian is: followed from outside they lead to the files
// of this machine.
func writeIn(root, name, content string) {
	folder, err := os.OpenRoot(root)
	check(err)
	defer folder.Close()
	check(folder.MkdirAll(strings.TrimPrefix(path.Dir(name), "/"), 0o755))
	check(folder.RemoveAll(strings.TrimPrefix(name, "/")))
	check(folder.WriteFile(strings.TrimPrefix(name, "/"), []byte(content), 0o644))
}

// layOut makes the folders of a node and its children, and copies of the interpreter.
func (n node) layOut(root, cwd string) {
	cwd = cmp.Or(n.Cwd, cwd)
	check(os.MkdirAll(root+cwd, 0o755))
	if n.Program != "" {
		copyFile(python, root+n.Program)
	}
	for _, c := range n.Children {
		c.layOut(root, cwd)
	}
}

func (n node) begin(root, name string) {
	argv := strings.Split(n.Argv, " ")
	for i := range argv {
		argv[i] = strings.ReplaceAll(argv[i], "~", " ")
	}
	if n.Program != "" {
		argv = []string{argv[0], "-c", strings.Repeat(" ", 200)}
	}
	cmd := exec.Command(cmp.Or(n.Program, python))
	cmd.Args, cmd.Dir = argv, cmp.Or(n.Cwd, "/")
	tree, err := json.Marshal(n)
	check(err)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "PYTHONHOME=/usr", "PYTHONDONTWRITEBYTECODE=1", "TREE=" + string(tree), "NODE=" + name + "#0"}
	if n.Path != "" {
		cmd.Env = append(cmd.Env, "PYTHONPATH="+n.Path)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	cmd.Stderr = os.Stderr
	check(cmd.Start())
}
