package jobqueue

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// links makes hard links to one FIFO, named like jobs.
func (h *harness) links(folder string, from, to int) {
	h.t.Helper()
	fifo := h.file(folder + "/fifo")
	if from == 0 {
		require.NoError(h.t, unix.Mkfifo(fifo, 0o644))
		from++
	}
	for i := from; i < to; i++ {
		require.NoError(h.t, os.Link(fifo, h.file(fmt.Sprint(folder, "/link-", i))))
	}
}

// TestManyIrregularNames: 3.7 million hard links to FIFOs used up the room of all users, and took
// 130 MB. They are counted, and few are remembered.
func TestManyIrregularNames(t *testing.T) {
	h := newHarness(t, Settings{})
	h.links("queued", 0, maxIrregular)
	h.links("drafted", 0, 500)
	h.tick(2 * time.Second)
	f := h.watcher.folders[0]
	assert.Equal(t, maxIrregular+500, h.queue().Irregular)
	assert.LessOrEqual(t, f.bytes(), int64(maxIrregular*finishedBytes))
	assert.Zero(t, h.queue().Oversized, "none of them is a job")

	h.links("drafted", 500, 600) // they are hinted
	h.tick(retryOversized + 2*time.Second)
	assert.Equal(t, maxIrregular+600, h.queue().Irregular)
	for i := 1; i < 1000; i++ {
		require.NoError(t, os.Remove(h.file(fmt.Sprint("queued/link-", i))))
	}
	h.tick(retryOversized + 2*time.Second)
	assert.Equal(t, maxIrregular+600-999, h.queue().Irregular)
	assert.LessOrEqual(t, f.irregulars(), maxIrregular)
	require.NoError(t, os.RemoveAll(h.path))
	h.tick(2 * absentFor)
	assert.Zero(t, h.queue().Irregular)
}

// TestIrregularNamesWithoutRoom are counted.
func TestIrregularNamesWithoutRoom(t *testing.T) {
	h := watching(t, Settings{})
	f := h.watcher.folders[0]
	f.kept += maxFolderBytes // jobs
	h.links("queued", 0, 10)
	h.tick(retryOversized + 2*time.Second)
	assert.Equal(t, 10, h.queue().Irregular)
	assert.EqualValues(t, maxFolderBytes, f.bytes())
}
