package process

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// nestedRoot is a root whose /proc shows this process as pid 900, two namespaces further in as pid
// 7.
func nestedRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	showProcess(t, root, "900", "NSpid:\t900\t31\t7\n", "pid:[4026532777]")
	require.NoError(t, os.Symlink("900", filepath.Join(root, "proc/self")))
	showProcess(t, root, "901", "NSpid:\t901\t32\t8\n", "pid:[4026532777]")
	showProcess(t, root, "902", "NSpid:\t902\t33\t8\n", "pid:[4026539999]")
	showProcess(t, root, "903", "NSpid:\t903\n", "pid:[4026531836]")
	showProcess(t, root, "904", "NSpid:\tx\ty\tz\n", "pid:[4026532777]")
	showProcess(t, root, "905", "Name:\told kernel\n", "pid:[4026532777]")
	return root
}

func showProcess(t *testing.T, root, pid, status, namespace string) {
	t.Helper()
	dir := filepath.Join(root, "proc", pid)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "ns"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "status"), []byte("Name:\tx\n"+status), 0o600))
	require.NoError(t, os.Symlink(namespace, filepath.Join(dir, "ns/pid")))
}

func TestInnerPIDs(t *testing.T) {
	n := OwnNamespace(nestedRoot(t))
	require.True(t, n.Nested())
	for pid, want := range map[int]int{900: 7, 901: 8, 902: 0, 903: 0, 904: 0, 905: 0, 906: 0} {
		inner, ok := n.Inner(pid)
		require.Equal(t, want, inner, pid)
		require.Equal(t, want != 0, ok, pid)
	}
}

// A /proc that does not know this process translates nothing; that of its own namespace need not.
func TestInnerPIDsOfOtherViews(t *testing.T) {
	n := OwnNamespace(t.TempDir())
	require.False(t, n.Nested())
	_, ok := n.Inner(1)
	require.False(t, ok)

	n = OwnNamespace("/")
	require.False(t, n.Nested())
	inner, ok := n.Inner(os.Getpid())
	require.True(t, ok)
	require.Equal(t, os.Getpid(), inner)
}

func TestHolds(t *testing.T) {
	n := OwnNamespace("/")
	require.True(t, n.Holds(os.Getpid()))
	require.False(t, n.Holds(1<<22+1), "no kernel has so many")
	root := t.TempDir()
	const kernelThread = "55 (kworker/0:1) I 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0"
	require.NoError(t, os.MkdirAll(filepath.Join(root, "proc/55"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "proc/55/stat"), fmt.Append(nil, kernelThread), 0o600))
	n = OwnNamespace(root)
	require.False(t, n.Holds(55))
}
