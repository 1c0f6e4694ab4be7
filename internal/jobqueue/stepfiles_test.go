package jobqueue

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGrowthWhereTheProcessPutsTemporaryFiles: that is below TMPDIR or --temp-path, of the process
// that has the run, and stays so when it has exited.
func TestGrowthWhereTheProcessPutsTemporaryFiles(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Settings{StallAfter: time.Minute})
	root := t.TempDir()
	h.folders[0].Process = rootAt(root)
	h.pass()
	h.runner("headless-run")
	h.evidence.Processes[0].TempPath = "/scratch/of a run"
	h.lives(RoleServer, "run") // whose temporary files are no sign of this run
	frames := filepath.Join(root, "scratch/of a run/facefusion/clip")
	others := filepath.Join(root, "tmp/facefusion/clip")
	for _, folder := range []string{frames, others} {
		require.NoError(t, os.MkdirAll(folder, 0o755))
	}
	frame := func(folder string, n int) {
		name := filepath.Join(folder, "temp.mp4")
		require.NoError(t, os.WriteFile(name, make([]byte, n), 0o644))
		require.NoError(t, os.Chtimes(name, h.now, h.now))
	}
	h.job("queued/"+headlessID, "started")
	h.evidence.CPU = is(0.0)
	for n := range 20 {
		frame(frames, n)
		h.tick(10 * time.Second)
	}
	assert.Equal(t, "running 1", counts(h.queue()))
	for n := range 8 {
		frame(others, n)
		h.tick(10 * time.Second)
	}
	assert.Equal(t, "stalled 1", counts(h.queue()))
}
