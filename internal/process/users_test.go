package process_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
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

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// usersCase is a checkout with the processes of real users around it.
type usersCase struct {
	// Owner of the checkout and its jobs folder; the mode of both is 0755.
	Owner int
	// Jobs is the mode of the jobs folder, 0755 by default, and JobsOwner its owner where that is
	// another one.
	Jobs      os.FileMode
	JobsOwner int
	// ACL is a user whom an access control list of the jobs folder lets write.
	ACL int
	// Root has the checkout in a root folder of its own, Container in namespaces as well.
	Root, Container bool
	// First and Second are prefixes of the two servers' command lines, as words.
	First, Second string
	// Inside says that the second is started within the container; else the host enters it.
	Inside bool
	// Together says that both are of one instance.
	Together bool
}

var usersCases = map[string]usersCase{
	"of another user":                {Owner: 2000, First: "2000", Second: "1000"},
	"of another user than root":      {Owner: 0, First: "0", Second: "1000"},
	"in a root folder":               {Owner: 2000, Root: true, First: "2000", Second: "1000"},
	"in a root folder of root's":     {Owner: 0, Root: true, First: "0", Second: "1000"},
	"in a container":                 {Owner: 0, Container: true, First: "0", Second: "1000", Inside: true},
	"in a container, of a user":      {Owner: 2000, Container: true, First: "0", Second: "1000", Inside: true},
	"in a user namespace of his own": {Owner: 2000, First: "2000", Second: "1000 unshare -Urm"},
	"with processes of his own":      {Owner: 2000, First: "2000", Second: "1000 unshare -Urmpf"},
	"with jobs of his own over them": {Owner: 2000, First: "2000", Second: "1000 unshare -Urm /mnt/over.sh"},
	"with all of it of his own":      {Owner: 0, First: "0", Second: "1000 unshare -Urmpf /mnt/over.sh"},

	"root":                          {Owner: 2000, First: "2000", Second: "0", Together: true},
	"the owner":                     {Owner: 2000, First: "0", Second: "2000", Together: true},
	"the owner of the jobs":         {Owner: 0, JobsOwner: 1000, First: "0", Second: "1000", Together: true},
	"who may write the jobs":        {Owner: 2000, Jobs: 0o777, First: "2000", Second: "1000", Together: true},
	"who may by a list":             {Owner: 2000, ACL: 1000, First: "2000", Second: "1000", Together: true},
	"root of a container":           {Owner: 2000, Container: true, First: "2000", Second: "0", Together: true},
	"exec as a user":                {Owner: 0, Container: true, First: "0", Second: "1000", Together: true},
	"a container of a user, exec":   {Owner: 0, Container: true, First: "1000", Second: "0", Together: true},
	"a container of a user, inside": {Owner: 0, Container: true, First: "1000", Second: "1000", Inside: true, Together: true},
}

// usersSeen is what was seen while both run, and when the first was killed.
type usersSeen struct {
	Err             string
	Before, Between int // instances
	FirstUp         bool
	SecondUp        bool
	Version         string
}

// TestUsers: real users run servers in one checkout, as the host and as containers do.
func TestUsers(t *testing.T) {
	got := isolated[map[string]usersSeen](t, "users")
	for name, c := range usersCases {
		t.Run(name, func(t *testing.T) {
			s := got[name]
			assert.Empty(t, s.Err)
			assert.Equal(t, 1, s.Before)
			if c.Together {
				assert.Equal(t, 1, s.Between)
				assert.True(t, s.FirstUp, "the other one is of the same instance")
			} else {
				assert.Equal(t, 2, s.Between)
				assert.False(t, s.FirstUp, "it is down when its own server has ended")
				assert.True(t, s.SecondUp)
			}
			assert.Equal(t, "3.8.1", s.Version)
		})
	}
}

// overTheJobs mounts a folder of its user's own over the jobs, and becomes what it is given.
const overTheJobs = "#!/bin/sh\nmount -t tmpfs tmpfs .jobs && exec \"$@\"\n"

func runUsers() {
	settleIn()
	check(syscall.Mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755"))
	check(os.WriteFile("/mnt/over.sh", []byte(overTheJobs), 0o755))
	result := map[string]usersSeen{}
	number := 0
	for name, c := range usersCases {
		number++
		result[name] = c.follow(fmt.Sprint("users-", number))
	}
	check(json.NewEncoder(os.Stdout).Encode(result))
	os.Exit(0)
}

// follow starts the two servers, kills the first, and says what a Table sees of that.
func (c usersCase) follow(name string) (seen usersSeen) {
	root := "/"
	checkout := "/" + name
	if c.Root || c.Container {
		root = makeRoot(name)
		// the shell's standard input
		check(os.WriteFile(filepath.Join(root, "dev/null"), nil, 0o666))
	} else {
		checkout = "/mnt/" + name // the test's own folder is closed to other users
	}
	c.layOut(filepath.Join(root, checkout))
	table := process.NewTable(process.Settings{})
	defer table.Close()
	observe := func() *process.Snapshot {
		s, err := table.Observe(context.Background())
		check(err)
		return s
	}
	observe()
	first := c.start(root, checkout, c.First, 0)
	s := observe()
	seen.Before = len(s.Instances)
	if seen.Before == 0 {
		first.kill()
		seen.Err = "the first was not found"
		return seen
	}
	id := s.Instances[0].ID
	inside := 0
	if c.Container {
		inside = first.leaf
	}
	second := c.start(root, checkout, c.Second, inside)
	defer func() { // the container ends with the first
		first.kill()
		second.kill()
	}()
	for deadline := time.Now().Add(5 * time.Second); !hasProcess(s, second.server); s = observe() {
		if time.Now().After(deadline) {
			seen.Err = "the second was not found"
			break
		}
	}
	seen.Between = len(s.Instances)
	check(syscall.Kill(first.server, syscall.SIGKILL))
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		s = observe()
		if len(s.Changes) > 0 {
			break
		}
	}
	for _, i := range s.Instances {
		if i.ID == id {
			seen.FirstUp, seen.Version = i.Up(), i.Version
		} else {
			seen.SecondUp = i.Up()
		}
	}
	return seen
}

func hasProcess(s *process.Snapshot, pid int) bool {
	return slices.ContainsFunc(s.Instances, func(i process.Instance) bool {
		return slices.ContainsFunc(i.Processes, func(p process.Process) bool { return p.PID == pid })
	})
}

// usersProcess is one server, below what started it.
type usersProcess struct {
	cmd *exec.Cmd
	// server is FaceFusion's process; leaf is the first process of its container.
	server, leaf int
}

func (p *usersProcess) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	_ = p.cmd.Wait()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.server)); err != nil {
			return // a zombie, or gone
		}
		if time.Now().After(deadline) {
			check(fmt.Errorf("%q does not end", p.cmd.Args))
		}
	}
}

// start starts a server as a user, and waits until it runs. In a container, the first one's parent
// is the first process: a shell, of root's unless the container is that of user 1000. The second
// enters from outside, or is started by that shell, which waits for a word in a FIFO.
func (c usersCase) start(root, checkout, user string, container int) *usersProcess {
	uid, wrapper, _ := strings.Cut(user, " ")
	line := fmt.Sprintf("setpriv --reuid %s --regid %s --clear-groups %s python3 facefusion.py run", uid, uid, wrapper)
	var cmd *exec.Cmd
	inner := "cd " + checkout + " && exec " + line
	switch {
	case !c.Container:
		cmd = exec.Command("/bin/sh", "-c", inner)
		if root != "/" {
			cmd = exec.Command("/usr/sbin/chroot", root, "/bin/sh", "-c", inner)
		}
	case container == 0 && uid != "1000":
		// The shell keeps running, and runs ./go again and again.
		loop := fmt.Sprintf("mount -t proc proc /proc; cd %s; (exec %s) & while true; do sh ./go; done", checkout, line)
		cmd = exec.Command("unshare", "-pfm", "--kill-child", "chroot", root, "/bin/sh", "-c", loop)
	case container == 0:
		// The container's init is the user's own.
		loop := fmt.Sprintf("cd %s; python3 facefusion.py run & while true; do sh ./go; done", checkout)
		cmd = exec.Command("unshare", "-pfm", "--kill-child", "chroot", root, "setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "/bin/sh", "-c", loop)
	case c.Inside:
		if c.First == c.Second {
			line = "python3 facefusion.py run" // as the shell itself
		}
		next := filepath.Join(root, checkout, "next")
		check(os.WriteFile(next, []byte("exec "+line+"\n"), 0o644))
		// the shell reads the old one still
		check(os.Rename(next, filepath.Join(root, checkout, "go")))
		cmd = exec.Command("/bin/sh", "-c", "echo go > "+filepath.Join(root, checkout, "fifo")+"; sleep 600")
	default:
		cmd = exec.Command("nsenter", "-t", strconv.Itoa(container), "-m", "-p", "-r", "/bin/sh", "-c", inner)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	check(cmd.Start())
	p := &usersProcess{cmd: cmd}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if pid, ok := newServer(filepath.Join(root, checkout)); ok {
			p.server, p.leaf = pid, pid
			return p
		}
		if time.Now().After(deadline) {
			check(fmt.Errorf("%q does not run: %s", cmd.Args, said.String()))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

var knownServers = map[int]bool{}

// newServer finds a server in a checkout that was not there before.
func newServer(checkout string) (int, bool) {
	entries, err := os.ReadDir("/proc")
	check(err)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || knownServers[pid] {
			continue
		}
		cmdline, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		exe, _ := os.Readlink(filepath.Join("/proc", e.Name(), "exe"))
		if string(cmdline) != "python3\x00facefusion.py\x00run\x00" || !strings.Contains(exe, "python3") {
			continue
		}
		knownServers[pid] = true
		return pid, true
	}
	return 0, false
}

// layOut makes the checkout.
func (c usersCase) layOut(checkout string) {
	check(os.MkdirAll(filepath.Join(checkout, "facefusion"), 0o755))
	check(os.MkdirAll(filepath.Join(checkout, ".jobs"), 0o755))
	check(os.WriteFile(filepath.Join(checkout, "facefusion/metadata.py"), []byte("METADATA =\\\n{\n\t'name': 'FaceFusion',\n\t'version': '3.8.1'\n}\n"), 0o644))
	check(os.WriteFile(filepath.Join(checkout, "facefusion.py"), []byte("import time\ntime.sleep(600)\n"), 0o644))
	check(os.WriteFile(filepath.Join(checkout, "go"), []byte("read line < ./fifo\n"), 0o644))
	check(syscall.Mkfifo(filepath.Join(checkout, "fifo"), 0o666))
	check(os.Chown(checkout, c.Owner, c.Owner))
	jobs := filepath.Join(checkout, ".jobs")
	check(os.Chown(jobs, c.Owner, c.Owner))
	if c.JobsOwner != 0 {
		check(os.Chown(jobs, c.JobsOwner, c.JobsOwner))
	}
	if c.Jobs != 0 {
		check(os.Chmod(jobs, c.Jobs))
	}
	if c.ACL != 0 {
		check(syscall.Setxattr(jobs, "system.posix_acl_access", accessList(c.ACL), 0))
	}
}

// accessList is an access control list as xattr(7) has it: the owner and a user may write, the
// others may read.
func accessList(user int) []byte {
	const none = 0xffffffff
	list := binary.LittleEndian.AppendUint32(nil, 2)
	for _, entry := range [][3]uint32{{1, 7, none}, {2, 7, uint32(user)}, {4, 5, none}, {0x10, 7, none}, {0x20, 5, none}} {
		list = binary.LittleEndian.AppendUint16(list, uint16(entry[0]))
		list = binary.LittleEndian.AppendUint16(list, uint16(entry[1]))
		list = binary.LittleEndian.AppendUint32(list, entry[2])
	}
	return list
}
