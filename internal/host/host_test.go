package host

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReadOfAnotherRoot(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "etc"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/hostname"), []byte("gpu-7\n# comment\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/machine-id"), []byte("0123456789abcdef0123456789abcdef\n"), 0o644))
	require.Equal(t, Host{Name: "gpu-7", ID: "0123456789abcdef0123456789abcdef"}, Read(root))
}

func TestReadOfAnEmptyRootIsEmpty(t *testing.T) {
	require.Equal(t, Host{}, Read(t.TempDir()))
}

func TestReadOfThisMachine(t *testing.T) {
	want, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, want, Read("/").Name)
}
