//go:build linux && cgo

package nvmldriver

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// An empty file of that name, which container runtimes leave behind, does not end the search.
func TestTheSearchGoesOnAfterABadFile(t *testing.T) {
	runIsolated(t, func(s *harness) {
		good, other := s.TempDir(), s.TempDir()
		// The harness sets LD_LIBRARY_PATH to its folder.
		process.name, process.fallbackFolders = "libnvidia-ml-search.so.1", []string{other, good}
		require.NoError(s, os.WriteFile(filepath.Join(s.dir, process.name), nil, 0o600))
		require.NoError(s, os.Mkdir(filepath.Join(other, process.name), 0o700))
		_, err := New(Settings{}).Open()
		require.ErrorContains(s, err, filepath.Join(s.dir, process.name)+": file too short")
		require.ErrorContains(s, err, "load "+filepath.Join(other, process.name)+": not a file")
		require.NotErrorIs(s, err, gpu.ErrLibraryNotFound, "there is one, and it is bad")
		require.NoError(s, os.Rename(s.library, filepath.Join(good, process.name)))
		session, err := New(Settings{}).Open()
		require.NoError(s, err)
		require.NoError(s, session.Close())
	})
}

// In a container, the host's library may be below root_path only.
func TestTheSearchGoesBelowTheRootPath(t *testing.T) {
	runIsolated(t, func(s *harness) {
		root := s.TempDir()
		process.name, process.fallbackFolders = "libnvidia-ml-below.so.1", []string{"/usr/lib-of-no-host"}
		require.NoError(s, os.MkdirAll(filepath.Join(root, "usr/lib-of-no-host"), 0o700))
		require.NoError(s, os.Rename(s.library, filepath.Join(root, "usr/lib-of-no-host", process.name)))
		_, err := New(Settings{}).Open()
		require.ErrorIs(s, err, gpu.ErrLibraryNotFound)
		session, err := New(Settings{RootPath: root}).Open()
		require.NoError(s, err)
		require.NoError(s, session.Close())
	})
}

// A missing dependency of the library is not reported as "library not found".
func TestAMissingLibraryThatThisOneNeedsIsNotThisOneMissing(t *testing.T) {
	runIsolated(t, func(s *harness) {
		dir := s.TempDir()
		build := func(args ...string) {
			cmd := exec.Command("gcc", args...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			require.NoError(s, err, "%s", out)
		}
		require.NoError(s, os.WriteFile(filepath.Join(dir, "needed.c"), []byte("int needed(void) { return 0; }\n"), 0o600))
		require.NoError(s, os.WriteFile(filepath.Join(dir, "needs.c"), []byte("int needed(void); int needs(void) { return needed(); }\n"), 0o600))
		build("-shared", "-fPIC", "-o", "libneeded.so.1", "needed.c")
		build("-shared", "-fPIC", "-o", "libneeds.so.1", "needs.c", "-L.", "-l:libneeded.so.1")
		require.NoError(s, os.Remove(filepath.Join(dir, "libneeded.so.1")))
		_, err := New(Settings{LibraryPath: filepath.Join(dir, "libneeds.so.1")}).Open()
		require.ErrorContains(s, err, "a library that it needs is missing")
		require.ErrorContains(s, err, "libneeded.so.1")
		require.NotErrorIs(s, err, gpu.ErrLibraryNotFound)
	})
}
