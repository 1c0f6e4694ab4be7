package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestAnImitationIsNoAgent: whatever calls itself as the agent does was believed, with its mounts,
// its environment and the capabilities of its own user namespace.
func TestAnImitationIsNoAgent(t *testing.T) {
	const service = "0::/system.slice/otelcol-facefusion.service\n"
	for name, c := range map[string]struct {
		spoil func(t *testing.T, folder string)
		why   string
	}{
		"another program": {func(t *testing.T, folder string) {
			require.NoError(t, os.Remove(filepath.Join(folder, "exe")))
			require.NoError(t, os.Symlink("/bin/sh", filepath.Join(folder, "exe")))
		}, "its program is /bin/sh"},
		"a user namespace": {func(t *testing.T, folder string) {
			require.NoError(t, os.Remove(filepath.Join(folder, "ns/user")))
			require.NoError(t, os.Symlink("user:[1]", filepath.Join(folder, "ns/user")))
		}, "a user namespace of its own"},
		"no user namespace to be seen": {func(t *testing.T, folder string) {
			require.NoError(t, os.Remove(filepath.Join(folder, "ns/user")))
		}, "a user namespace of its own"},
		"a stranger": {func(t *testing.T, folder string) {
			require.NoError(t, os.WriteFile(filepath.Join(folder, "cgroup"), []byte("0::/user.slice/user-998.slice/system.slice/otelcol-facefusion.service\n"), 0o600))
		}, "its user, 998, is neither root"},
	} {
		t.Run(name, func(t *testing.T) {
			proc := t.TempDir()
			writeProcess(t, proc, 7, agentStatus, "otelcol-facefusion", "--config=/tmp/evil.yaml")
			programs, folder := isProgram(t, proc, 7), filepath.Join(proc, "7")
			require.NoError(t, os.WriteFile(filepath.Join(folder, "cgroup"), []byte(service), 0o600))
			require.Equal(t, 7, findAgent(proc, programs).pid)
			c.spoil(t, folder)
			a := findAgent(proc, programs)
			assert.Zero(t, a.pid)
			assert.NotContains(t, a.args, "--config=/tmp/evil.yaml")
			require.Len(t, a.imitations, 1)
			require.ErrorContains(t, a.imitations[0].why, c.why)
			require.Contains(t, verdict(checkImitations(a.imitations)[0]), "pid 7 looks like an agent")
		})
	}
}

// TestManyImitations: anybody can start as many as he likes.
func TestManyImitations(t *testing.T) {
	findings := checkImitations(append(make([]imitation, 5), imitation{"1", errUnseen}))
	require.Len(t, findings, 4)
	require.Contains(t, findings[3].Detail, "3 more look like an agent")
	require.Equal(t, Info, checkImitations([]imitation{{"1", errUnseen}})[0].Status)
}

// TestPassOn: of an agent's environment, the configuration's part, and nothing that changes
// loading, even if the configuration refers to it.
func TestPassOn(t *testing.T) {
	dir := t.TempDir()
	file, included, fifo := filepath.Join(dir, "agent.yaml"), filepath.Join(dir, "part"), filepath.Join(dir, "fifo")
	require.NoError(t, unix.Mkfifo(fifo, 0o600))
	require.NoError(t, os.WriteFile(included, []byte("${env:INCLUDED}"), 0o600))
	require.NoError(t, os.WriteFile(file, []byte("a: [${env:NAMED}, '${SHORT:-x}', '${file:"+included+"}', '${file:"+fifo+"}', '${env:LD_PRELOAD}', '${env:GODEBUG}']\n"), 0o600))
	kept := []string{"PATH=/bin", "NAMED=${env:NESTED}", "SHORT=2", "INCLUDED=3", "NESTED=4", "SET=5", "CUDA_VISIBLE_DEVICES=0"}
	dropped := []string{"LD_PRELOAD=/tmp/evil.so", "LD_LIBRARY_PATH=/tmp", "LD_AUDIT=/tmp/evil.so", "GLIBC_TUNABLES=x", "GODEBUG=x", "OTHER=6", "CUDA_INJECTION64_PATH=/tmp/evil.so", outside + "=1"}
	o := options{configs: list{file}, sets: list{"a.b=${env:SET}"}}
	require.Equal(t, kept, passOn(append(append([]string{}, kept...), dropped...), o))
	require.Equal(t, []string{"X=1"}, passOn([]string{"X=1"}, options{configs: list{"env:X"}}))
	require.Len(t, checkLoading(dropped), 1)
	require.Empty(t, checkLoading(kept))
}
