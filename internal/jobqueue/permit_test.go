package jobqueue

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// ofUser is what may be had by a user.
func ofUser(uid uint32) func(hostfs.Held) bool {
	return func(held hostfs.Held) bool { return held.Stat.Uid == uid }
}

// neighbours are two users with a jobs folder each, of whom the second is a stranger to the first.
func neighbours(t *testing.T) (h *harness, stranger string) {
	t.Helper()
	h = newHarness(t, Settings{})
	stranger = filepath.Join(t.TempDir(), ".jobs")
	for _, name := range jobsdir.Names {
		require.NoError(t, os.MkdirAll(filepath.Join(stranger, name), 0o755))
	}
	for path, uid := range map[string]int{h.path: 4000, stranger: 4001} {
		require.NoError(t, filepath.WalkDir(path, func(p string, _ os.DirEntry, err error) error {
			require.NoError(t, err)
			return os.Chown(p, uid, uid)
		}))
	}
	h.folders[0].May, h.folders[0].Payer = ofUser(4000), "user 4000"
	h.folders = append(h.folders, Folder{Instance: "evil", Path: stranger, May: ofUser(4001), Payer: "user 4001"})
	return h, stranger
}

// TestAJobsFolderThatIsSwapped: what was an instance's own becomes a link to the folder of another
// user. That folder stays its owner's alone: his series, his evidence, his to pay for.
func TestAJobsFolderThatIsSwapped(t *testing.T) {
	for name, first := range map[string]bool{"after it was there": false, "first of all": true} {
		t.Run(name, func(t *testing.T) {
			h, stranger := neighbours(t)
			h.job("queued/one", "queued")
			if !first {
				s := h.pass()
				require.Len(t, s.Queues, 2)
				assert.Equal(t, AccessOpen, s.Queues[0].Access)
				assert.Equal(t, AccessOpen, s.Queues[1].Access)
			}
			require.NoError(t, os.Rename(stranger, stranger+"2"))
			require.NoError(t, os.Symlink(h.path, stranger))
			h.folders[0], h.folders[1] = h.folders[1], h.folders[0]
			for range 3 {
				s := h.pass()
				require.Len(t, s.Queues, 2)
				assert.Equal(t, []string{"evil"}, s.Queues[0].Instances)
				assert.Equal(t, AccessClaimRefused, s.Queues[0].Access)
				assert.Zero(t, s.Queues[0].Jobs, "none is his")
				assert.Equal(t, []string{"facefusion-3f2a"}, s.Queues[1].Instances)
				assert.Equal(t, AccessOpen, s.Queues[1].Access)
				assert.Equal(t, "waiting 1", counts(&s.Queues[1]))
			}
			for _, f := range h.watcher.folders {
				assert.Equal(t, f.instances[0] == "evil", f.at.Payer == "user 4001")
			}
			require.NoError(t, os.Remove(stranger))
			require.NoError(t, os.Rename(stranger+"2", stranger))
			assert.Equal(t, AccessOpen, h.pass().Queues[0].Access, "his own is his again")
		})
	}
}

// TestASharedFolderThatIsClosed: two users share a folder, until its owner closes it to the other.
func TestASharedFolderThatIsClosed(t *testing.T) {
	h, _ := neighbours(t)
	shared := func(held hostfs.Held) bool { return held.Stat.Mode&0o002 != 0 }
	h.folders[1].Path, h.folders[1].May = h.path, shared
	require.NoError(t, os.Chmod(h.path, 0o777))
	h.job("queued/one", "queued")
	s := h.pass()
	require.Len(t, s.Queues, 1)
	assert.Equal(t, []string{"evil", "facefusion-3f2a"}, s.Queues[0].Instances)
	require.NoError(t, os.Chmod(h.path, 0o755))
	s = h.pass()
	require.Len(t, s.Queues, 2)
	assert.Equal(t, AccessClaimRefused, s.Queues[0].Access)
	assert.Equal(t, []string{"facefusion-3f2a"}, s.Queues[1].Instances)
	assert.Equal(t, "waiting 1", counts(&s.Queues[1]))
}

// TestAFolderThatWasHis: what an instance once had it may have, also when the process that was let
// to is gone. The folder of another user with the same inode is another one.
func TestAFolderThatWasHis(t *testing.T) {
	h, stranger := neighbours(t)
	assert.Equal(t, AccessOpen, h.pass().Queues[0].Access)
	h.folders[1].May = func(hostfs.Held) bool { return false }
	assert.Equal(t, AccessOpen, h.pass().Queues[0].Access)
	require.NoError(t, os.Chown(stranger, 4000, 4000))
	assert.Equal(t, AccessClaimRefused, h.pass().Queues[0].Access)
}

// TestAFolderThatNobodyWasAskedAbout: what was shown before anybody was known who could be asked is
// asked about as soon as there is somebody.
func TestAFolderThatNobodyWasAskedAbout(t *testing.T) {
	h, _ := neighbours(t)
	h.folders[1].May = nil
	assert.Equal(t, AccessOpen, h.pass().Queues[0].Access)
	h.folders[1].May = func(hostfs.Held) bool { return false }
	assert.Equal(t, AccessClaimRefused, h.pass().Queues[0].Access)
}
