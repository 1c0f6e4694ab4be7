package process

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// TestCredentialsAreTheEffectiveOnes: a program with the setuid bit acts as its owner.
func TestCredentialsAreTheEffectiveOnes(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "proc/40"), 0o755))
	for file, text := range map[string]string{
		"status":  "Name:\tx\nUid:\t1001\t1002\t1003\t1004\nGid:\t2001\t2002\t2003\t2004\nGroups:\t3001 3002 \nCapEff:\t0000000000000000\n",
		"uid_map": "         0          0 4294967295\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(root, "proc/40", file), []byte(text), 0o600))
	}
	f := newFiles(root, hostfs.NewGate(hostfs.Settings{}))
	f.buf = make([]byte, maxStat)
	c, ok := f.credentials(40)
	require.True(t, ok)
	require.Equal(t, 1002, c.uid)
	require.Contains(t, c.groups, 2002)
	require.Contains(t, c.groups, 3001)
	require.False(t, c.overrides)
	require.Empty(t, c.users)
	for mode, allowed := range map[uint32]bool{0o002: true, 0o004: false, 0o020: false, 0o200: false} {
		require.Equal(t, allowed, c.mayWrite(&unix.Stat_t{Uid: 9, Gid: 9, Mode: mode}), "%o of another's", mode)
	}
	require.True(t, c.mayWrite(&unix.Stat_t{Uid: 1002, Gid: 9, Mode: 0o200}))
	require.False(t, c.mayWrite(&unix.Stat_t{Uid: 1001, Gid: 9, Mode: 0o200}), "the real user is another")
	require.True(t, c.mayWrite(&unix.Stat_t{Uid: 9, Gid: 3001, Mode: 0o020}))
}

// TestASetUIDProgramIsOfWhoeverStartedIt: root pays for nothing that a user has started.
func TestASetUIDProgramIsOfWhoeverStartedIt(t *testing.T) {
	root := t.TempDir()
	f := newFiles(root, hostfs.NewGate(hostfs.Settings{}))
	f.buf = make([]byte, maxStat)
	require.NoError(t, os.MkdirAll(filepath.Join(root, "proc/40"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "proc/40/uid_map"), []byte("         0          0 4294967295\n"), 0o600))
	for uids, want := range map[string]string{"4001\t0\t0\t0": "uid 4001", "4001\t4001\t4001\t4001": "uid 4001", "0\t0\t0\t0": "uid 0"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, "proc/40/status"), []byte("Name:\tsu\nUid:\t"+uids+"\nGid:\t0\t0\t0\t0\n"), 0o600))
		require.Equal(t, want, f.owner(40), uids)
	}
}

func TestHidepid(t *testing.T) {
	for options, want := range map[string]string{
		"rw,nosuid": "", "rw,hidepid=0": "", "rw,hidepid=off": "", "hidepid=1": "1", "rw,hidepid=2,gid=44": "2", "hidepid=invisible": "invisible", "hidepid=ptraceable": "ptraceable",
	} {
		mode, group := hidepid(options)
		require.Equal(t, want, mode, options)
		require.Equal(t, map[bool]int{true: 44}[options == "rw,hidepid=2,gid=44"], group, options)
	}
}
