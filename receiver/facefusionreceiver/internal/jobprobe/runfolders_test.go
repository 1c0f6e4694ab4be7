package jobprobe

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// TestFoldersOfRuns: a job in the folder that a run names is the instance's; the run has it, and no
// other process.
func TestFoldersOfRuns(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "jobs-17")
	for _, name := range []string{"drafted", "queued", "completed", "failed"} {
		require.NoError(t, os.MkdirAll(filepath.Join(folder, name), 0o755))
	}
	now := time.Now()
	server := process.Process{ID: process.ID{PID: 11, StartTicks: 1}, Role: process.RoleServer, Started: now.Add(-time.Hour)}
	runner := process.Process{ID: process.ID{PID: 12, StartTicks: 2}, Role: process.RoleRunner, Command: "job-run", Started: now.Add(-time.Minute)}
	s := &process.Snapshot{Time: now, Instances: []process.Instance{{
		ID: "facefusion-3f2a", Version: "3.8.1", JobsHostPath: "/nowhere/.jobs", Processes: []process.Process{server, runner},
		RunFolders: []process.RunFolder{{Key: "1", Path: folder, HostPath: folder, Since: runner.Started, Processes: []process.ID{runner.ID}}},
	}}}
	all := evidence(s, nil, nil, nil, runlog.New())
	require.Len(t, all, 2)
	require.Equal(t, []jobqueue.LiveProcess{{ProcessID: jobqueue.ProcessID(server.ID), Role: jobqueue.RoleServer, Started: server.Started, CPU: reading.Known(0.0)}}, all["facefusion-3f2a"].Processes)
	require.Equal(t, jobqueue.ProcessID(runner.ID), all["facefusion-3f2a\x001"].Processes[0].ProcessID)
	require.Len(t, all["facefusion-3f2a\x001"].Processes, 1)

	env, _ := probetest.Env()
	p := New(NewDefaultConfig(), NewDefaultHistogramsConfig(), env)
	defer p.watcher.Close()
	env.Snapshots.Processes.Publish(s)
	require.NoError(t, p.observe(t.Context()))
	written := now.Format("2006-01-02T15:04:05.000000-07:00")
	text := fmt.Sprintf(`{"version": "1", "date_created": %q, "date_updated": %q, "steps": [{"args": {"target_path": "a.mp4"}, "status": "completed"}]}`, written, written)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "completed", "one.json"), []byte(text), 0o600))
	require.Eventually(t, func() bool {
		require.NoError(t, p.observe(t.Context()))
		queues := p.latest.Load().Queues
		return len(queues) == 1 && len(queues[0].Runs) == 1 && queues[0].Runs[0].Count == 1 && queues[0].Count(jobqueue.StateCompleted) == 1
	}, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, []string{"facefusion-3f2a"}, p.latest.Load().Queues[0].Instances)

	s.Instances[0].RunFolders = nil
	env.Snapshots.Processes.Publish(s)
	require.NoError(t, p.observe(t.Context()))
	require.Len(t, p.latest.Load().Queues, 1)
	require.Equal(t, uint64(1), p.latest.Load().Queues[0].Runs[0].Count)
	metrics := p.Scrape(time.Now())
	found := false
	for _, m := range metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		found = found || m.Name() == "facefusion.job.finished"
	}
	require.True(t, found, "the count stays when the folder is gone")
}

// TestVersionsWithSessions: FaceFusion has them from version 4 on, whose branch says "v4".
func TestVersionsWithSessions(t *testing.T) {
	env, _ := probetest.Env()
	for version, want := range map[string]bool{"": false, "NEXT": false, "2.6.1": false, "3.8.1": false, "v4": true, "4.0.0": true} {
		instance := process.Instance{ID: "facefusion-3f2a", Version: version}
		require.Equal(t, want, newRoots(env.Gate, "/").folder(&instance).Sessions, version)
	}
}
