//go:build install || upgrade || runbooks

package install

import (
	"bytes"
	"context"
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
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bareSystem is the bare Debian that `make e2e-install` has made.
const bareSystem = "../../.cache/install/debian"

// Where the packages put what an operator edits.
const (
	agentConfig = "/etc/otelcol-facefusion/agent.yaml"
	optionsFile = "/etc/otelcol-facefusion/otelcol-facefusion.conf"
)

// What an operator enters.
const (
	installOld = "dpkg --install --force-confdef --force-confold /packages/old/*.deb"
	installNew = "dpkg --install --force-confdef --force-confold /packages/new/*.deb"
	restart    = "systemctl restart otelcol-facefusion"
)

// Nothing on the machine takes longer than this, even where others use its cores.
const patience = 60 * time.Second

// bootedMachine is a booted Debian with systemd as its first process, and a network of its own.
type bootedMachine struct {
	root     string   // its files, as this test sees them
	packages string   // the folder that it has as /packages
	folders  []string // folders of this machine that it has where they are here, to read
	nspawn   *exec.Cmd
}

// boot starts an unmodified machine, beside a folder of packages. It ends with the test.
func boot(t *testing.T, packages string) *bootedMachine {
	t.Helper()
	return bootSystem(t, bareSystem, packages, nil, nil)
}

// bootSystem starts a machine with some system. prepare changes its files before that.
func bootSystem(t *testing.T, system, packages string, folders []string, prepare func(m *bootedMachine)) *bootedMachine {
	t.Helper()
	dir := t.TempDir()
	m := &bootedMachine{root: filepath.Join(dir, "root"), packages: packages, folders: folders}
	for _, name := range []string{"root", "changed", "work"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	lower, err := filepath.Abs(system)
	require.NoError(t, err)
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s/changed,workdir=%s/work", lower, dir, dir)
	require.NoError(t, syscall.Mount("overlay", m.root, "overlay", 0, options), "as root only")
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(m.root, syscall.MNT_DETACH)) })
	if prepare != nil {
		prepare(m)
	}
	m.start(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(m.try("journalctl --no-pager --output=short-precise --lines=100"))
		}
		m.switchOff(t)
	})
	return m
}

// start switches the machine on.
func (m *bootedMachine) start(t *testing.T) {
	t.Helper()
	console, err := os.Create(m.root + ".console")
	require.NoError(t, err)
	defer console.Close()
	m.nspawn = exec.Command("systemd-nspawn", "--quiet", "--directory="+m.root, "--register=no", "--keep-unit", "--private-network",
		"--hostname=gpu-host-1", "--capability=CAP_SYSLOG", "--bind-ro="+absolute(t, m.packages)+":/packages", "--bind-ro="+absolute(t, "../../bin")+":/programs")
	for _, folder := range m.folders {
		m.nspawn.Args = append(m.nspawn.Args, "--bind-ro="+folder)
	}
	m.nspawn.Args = append(m.nspawn.Args, "--boot")
	m.nspawn.Stdout, m.nspawn.Stderr = console, console
	m.nspawn.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	require.NoError(t, m.nspawn.Start())
	m.waitBooted(t)
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	whole, err := filepath.Abs(path)
	require.NoError(t, err)
	return whole
}

func (m *bootedMachine) waitBooted(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		state := strings.TrimSpace(m.try("systemctl is-system-running"))
		return state == "running" || state == "degraded"
	}, patience, 200*time.Millisecond, "the machine does not boot")
}

// reboot restarts the machine, which keeps its files.
func (m *bootedMachine) reboot(t *testing.T) {
	t.Helper()
	m.try("systemctl reboot")
	// It leaves the switching on to whoever started it.
	require.Error(t, m.nspawn.Wait())
	m.start(t)
}

// switchOff ends every process of the machine: they end with its first one, and not with whoever
// started it.
func (m *bootedMachine) switchOff(t *testing.T) {
	t.Helper()
	if init, err := strconv.Atoi(m.init()); err == nil {
		require.NoError(t, syscall.Kill(init, syscall.SIGKILL))
	} else {
		_ = m.nspawn.Process.Kill() // it did not get so far, or is gone by itself
	}
	_ = m.nspawn.Wait() // how it ended is no news
}

// init is the pid of the machine's first process, as this test sees it.
func (m *bootedMachine) init() string {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", m.nspawn.Process.Pid))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(children))
}

// run runs a shell command on the machine. It has to succeed.
func (m *bootedMachine) run(t *testing.T, command string) string {
	t.Helper()
	output, err := m.exec(command)
	require.NoError(t, err, "%s\n%s", command, output)
	return output
}

// refused runs a command that has to fail, and returns its output.
func (m *bootedMachine) refused(t *testing.T, command string) string {
	t.Helper()
	output, err := m.exec(command)
	require.Error(t, err, "%s\n%s", command, output)
	return output
}

// try runs a command that may fail.
func (m *bootedMachine) try(command string) string {
	output, _ := m.exec(command) // the caller looks at what it says
	return output
}

func (m *bootedMachine) exec(command string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	init := m.init()
	if init == "" {
		return "", fmt.Errorf("the machine is down")
	}
	inside := exec.CommandContext(ctx, "nsenter", "--target", init, "--all", "--", "/bin/sh", "-c", command)
	inside.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_PAGER="}
	output, err := inside.CombinedOutput()
	return string(bytes.TrimSpace(output)), err
}

// get asks a page of the machine; it is empty while there is none. The machine itself has nothing
// to ask with.
func (m *bootedMachine) get(url string, options ...string) string {
	init := m.init()
	if init == "" {
		return ""
	}
	arguments := append([]string{"--target", init, "--net", "--", "curl", "--silent", "--fail", "--max-time", "5", url}, options...)
	output, _ := exec.Command("nsenter", arguments...).Output()
	return string(output)
}

// write writes a file of the machine.
func (m *bootedMachine) write(t *testing.T, path, text string) {
	t.Helper()
	path = filepath.Join(m.root, path)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

// read reads a file of the machine.
func (m *bootedMachine) read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.root, path))
	require.NoError(t, err)
	return string(text)
}

// property is a property of the unit.
func (m *bootedMachine) property(t *testing.T, name string) string {
	t.Helper()
	return m.run(t, "systemctl show --property="+name+" --value otelcol-facefusion")
}

// waitPage waits until the page of the collector has all of the given texts.
func (m *bootedMachine) waitPage(t *testing.T, within time.Duration, says ...string) string {
	t.Helper()
	var page string
	require.Eventually(t, func() bool {
		page = m.get("http://127.0.0.1:9464/metrics")
		for _, text := range says {
			if !strings.Contains(page, text) {
				return false
			}
		}
		return page != ""
	}, within, 100*time.Millisecond, "the page does not say %q", says)
	return page
}
