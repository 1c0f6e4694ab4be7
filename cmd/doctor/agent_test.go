package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// writeProcess lays out a process of another host.
func writeProcess(t *testing.T, proc string, pid int, status string, args ...string) {
	t.Helper()
	folder := filepath.Join(proc, strconv.Itoa(pid))
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "cmdline"), []byte(strings.Join(args, "\x00")+"\x00"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "status"), []byte(status), 0o600))
}

// isProgram gives a process a program, and the namespaces of this one; it returns what that program
// is known by.
func isProgram(t *testing.T, proc string, pid int) []os.FileInfo {
	t.Helper()
	program := filepath.Join(t.TempDir(), "otelcol-facefusion")
	require.NoError(t, os.WriteFile(program, nil, 0o600))
	info, err := os.Stat(program)
	require.NoError(t, err)
	own, err := os.Readlink("/proc/self/ns/user")
	require.NoError(t, err)
	folder := filepath.Join(proc, strconv.Itoa(pid))
	require.NoError(t, os.Mkdir(filepath.Join(folder, "ns"), 0o755))
	require.NoError(t, os.Symlink(program, filepath.Join(folder, "exe")))
	require.NoError(t, os.Symlink(own, filepath.Join(folder, "ns/user")))
	return []os.FileInfo{info}
}

const agentStatus = "Name:\totelcol-facefus\nUid:\t997\t998\t999\t1000\nGid:\t896\t897\t898\t899\nGroups:\t44 109\nCapEff:\t000001ffffffffff\n"

func TestFindAgent(t *testing.T) {
	proc := t.TempDir()
	writeProcess(t, proc, 10, agentStatus, "/usr/bin/otelcol-facefusion", "validate", "--config=/etc/a.yaml")
	writeProcess(t, proc, 11, agentStatus, "/usr/bin/otelcol-facefusion-doctor", "--config=/etc/b.yaml")
	writeProcess(t, proc, 12, agentStatus, "/usr/bin/otelcol-facefusion", "--config=/etc/c.yaml", "--config", "d.yaml", "--set=processors.batch.timeout=2s")
	require.NoError(t, os.WriteFile(filepath.Join(proc, "12/environ"), []byte("HOST_NAME=gpu-host-1\x00STATE_DIRECTORY=/var/lib/x\x00"), 0o600))
	require.NoError(t, os.Symlink("/srv", filepath.Join(proc, "12/cwd")))

	programs := isProgram(t, proc, 12)
	require.NoError(t, os.WriteFile(filepath.Join(proc, "12/cgroup"), []byte("0::/system.slice/otelcol-facefusion.service\n"), 0o600))

	a := findAgent(proc, programs)
	assert.Equal(t, 12, a.pid)
	assert.Equal(t, identity{uid: 998, gid: 897, groups: []int{44, 109}, capabilities: mayHave}, a.identity, "what the unit may have, and no more")
	assert.Empty(t, a.imitations)
	assert.Equal(t, []string{"HOST_NAME=gpu-host-1", "STATE_DIRECTORY=/var/lib/x"}, a.environment)

	var o options
	useConfiguration(&o, &a)
	assert.Equal(t, list{"/etc/c.yaml", "/srv/d.yaml"}, o.configs)
	assert.Equal(t, list{"processors.batch.timeout=2s"}, o.sets)

	// What is said on the command line is not added to.
	o = options{configs: list{"mine.yaml"}}
	useConfiguration(&o, &a)
	assert.Equal(t, list{"mine.yaml"}, o.configs)
	assert.Empty(t, o.sets)
}

func TestParseOptions(t *testing.T) {
	args, environment := parseOptions(`# a comment
; another=one
OTELCOL_OPTIONS="--config=/etc/a.yaml  --config=/etc/b.yaml"

OTLP_HEADERS={authorization: Bearer 2f=}
HOST_NAME='gpu-host-1'
nonsense
`)
	assert.Equal(t, []string{"--config=/etc/a.yaml", "--config=/etc/b.yaml"}, args)
	assert.Equal(t, []string{"OTLP_HEADERS={authorization: Bearer 2f=}", "HOST_NAME=gpu-host-1"}, environment)
}

func TestShippedOptionsFile(t *testing.T) {
	text, err := os.ReadFile("../../deploy/systemd/otelcol-facefusion.conf")
	require.NoError(t, err)
	args, environment := parseOptions(string(text))
	assert.Equal(t, []string{"--config=" + packagedFile}, args)
	assert.Empty(t, environment)
}

func TestIdentitySaysWhatHelps(t *testing.T) {
	assert.Equal(t, "uid 1, gid 2, no capability that helps", identity{uid: 1, gid: 2, capabilities: 1 << unix.CAP_CHOWN}.String())
	assert.Equal(t, "uid 1, gid 2, CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE", identity{uid: 1, gid: 2, capabilities: 1<<unix.CAP_DAC_READ_SEARCH | 1<<unix.CAP_SYS_PTRACE}.String())
	assert.Equal(t, []uintptr{unix.CAP_DAC_READ_SEARCH, unix.CAP_SYS_PTRACE}, identity{capabilities: 1<<unix.CAP_SYS_PTRACE | 1<<unix.CAP_DAC_READ_SEARCH}.ambient())
	own, err := readIdentity("/proc/self")
	require.NoError(t, err)
	assert.Equal(t, os.Geteuid(), own.uid)
	assert.Equal(t, os.Getegid(), own.gid)
}

func TestHidepid(t *testing.T) {
	for mounts, want := range map[string]string{
		"proc /proc proc rw,relatime 0 0\n":                                                  "",
		"proc /proc proc rw,relatime,gid=27,hidepid=2 0 0\n":                                 "2",
		"proc /proc proc rw,hidepid=invisible 0 0\n":                                         "invisible",
		"proc /proc proc rw,hidepid=1 0 0\n":                                                 "",
		"proc /host/proc proc rw,hidepid=2 0 0\n":                                            "",
		"proc /proc proc rw,hidepid=2 0 0\nproc /proc proc rw,relatime 0 0\n":                "",
		"proc /proc proc rw 0 0\nproc /proc proc rw,hidepid=ptraceable 0 0\ntmpfs / x x x\n": "ptraceable",
	} {
		assert.Equal(t, want, parseHidepid(mounts, "/proc"), mounts)
	}
}

// TestOverlay: the agent's configuration is read with the agent's environment, one of the command
// line with that of the account that runs the doctor.
func TestOverlay(t *testing.T) {
	agent, own := []string{"A=agent", "AB=agent"}, []string{"A=own", "B=own"}
	assert.Equal(t, []string{"A=agent", "AB=agent", "B=own"}, overlay(own, agent))
	assert.Equal(t, []string{"A=own", "B=own", "AB=agent"}, overlay(agent, own))
}

// TestFileRemedy: a file that is not there needs no other owner.
func TestFileRemedy(t *testing.T) {
	t.Chdir(t.TempDir())
	_, relative := os.Open("nothing.pem")
	_, absolute := os.Open(filepath.Join(t.TempDir(), "nothing.pem"))
	assert.Contains(t, fileRemedy(relative, "chown"), "give its whole path")
	assert.Contains(t, fileRemedy(absolute, "chown"), "correct the path")
	assert.Equal(t, "chown", fileRemedy(&os.PathError{Err: os.ErrPermission}, "chown"))
	assert.NotContains(t, fileRemedy(&os.PathError{Err: unix.EIO}, "chown"), "chown")
}
