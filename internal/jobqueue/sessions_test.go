package jobqueue

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"
)

// TestFoldersOfSessions: FaceFusion 4 has a jobs folder for each session of its api below the jobs
// folder, whose name is a random token. Nothing is said of them, and nothing is wrong with them.
func TestFoldersOfSessions(t *testing.T) {
	for _, own := range []bool{true, false} {
		h := newHarness(t, Settings{})
		if !own {
			for _, name := range jobsdir.Names {
				require.NoError(t, os.Remove(filepath.Join(h.path, name)))
			}
		}
		session := filepath.Join(h.path, "2f0d9a1e-6a70-4b39-9d0c-5b8f3a0f7f10", "queued")
		require.NoError(t, os.MkdirAll(session, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(session, "swap.json"), []byte(`{"version":"1","date_created":"2026-01-01T00:00:00+00:00","steps":[]}`), 0o600))
		for range 3 {
			h.advance(time.Minute)
			s := h.pass()
			require.Len(t, s.Queues, 1)
			assert.Zero(t, s.Queues[0].Irregular)
			assert.Empty(t, s.Changes)
			assert.Zero(t, s.Queues[0].Jobs)
			assert.Contains(t, []Access{AccessOpen, AccessAbsent}, s.Queues[0].Access, "of which no alert tells")
		}
	}
}
