package logprobe

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestMetrics has a value of its own in every field.
func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		env, _ := probetest.Env()
		p := New(env)
		totals := logstream.Totals{ModelsLoaded: 1, ModelsFailed: 2, ModelTime: 3 * time.Second, Records: 4, Dropped: 5}
		for i := range totals.Frames {
			totals.Frames[i], totals.Time[i] = int64(10+i), time.Duration(20+i)*time.Second
		}
		for i := range totals.Causes {
			totals.Causes[i] = int64(100 + i)
		}
		env.Log.Update(runlog.Key{Processor: "p", Stream: "s"}, runlog.StreamHealth{
			Instance: "facefusion-3f2a", Updated: now.Add(-time.Minute), Totals: totals,
			Open: []logstream.PhaseRun{
				// its process was killed
				{Phase: logstream.PhaseAnalysing, Frames: 1, Total: 2, Updated: now.Add(-time.Hour), Left: time.Second, Rate: 1},
				{Phase: logstream.PhaseProcessing, Frames: 1, Total: 2, Updated: now.Add(-2 * time.Second), Left: time.Second, Rate: 1},
				{Phase: logstream.PhaseDownloading, Frames: 1, Total: 2, Updated: now.Add(-time.Second), Left: time.Second, Rate: 1},
				{Phase: logstream.PhaseProcessing, Frames: 30, Total: 120, Updated: now, Left: 41 * time.Second, Rate: 2.25},
			},
		})
		env.Log.Update(runlog.Key{Processor: "p", Stream: "silent"}, runlog.StreamHealth{Instance: "other", Updated: now.Add(-time.Minute)})
		// Causes begin at zero, so that the first has an increase.
		require.Zero(t, causes(p.Scrape(now)))
		probetest.Metrics(t, "testdata/log.yaml", p.Scrape(now))
	})
}

// TestAReloadIsNoNewError: the configuration is read anew, and what was counted stays. Zero in
// between would be an increase by all errors of old.
func TestAReloadIsNoNewError(t *testing.T) {
	env, _ := probetest.Env()
	totals := logstream.Totals{}
	totals.Causes[0] = 3
	env.Log.Update(runlog.Key{Processor: "p", Stream: "s"}, runlog.StreamHealth{Instance: "facefusion-3f2a", Updated: time.Now(), Totals: totals})
	before := New(env)
	require.Zero(t, causes(before.Scrape(time.Now())))
	require.EqualValues(t, 3, causes(before.Scrape(time.Now())))
	require.NoError(t, before.Shutdown(t.Context()))
	require.EqualValues(t, 3, causes(New(env).Scrape(time.Now())))
}

// causes is the sum of all causes.
func causes(all pmetric.Metrics) (sum int64) {
	for _, rm := range all.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if m.Name() != "facefusion.log.causes" {
					continue
				}
				for _, point := range m.Sum().DataPoints().All() {
					sum += point.IntValue()
				}
			}
		}
	}
	return sum
}

// TestEveryValueIsDeclared: what the domain knows is what metadata.yaml says.
func TestEveryValueIsDeclared(t *testing.T) {
	require.Len(t, metadata.MapAttributeFacefusionCause, len(logstream.Causes))
	for _, cause := range logstream.Causes {
		require.Contains(t, metadata.MapAttributeFacefusionCause, string(cause))
	}
	require.Len(t, metadata.MapAttributeFacefusionPhase, len(logstream.Phases))
	for _, phase := range logstream.Phases {
		require.Contains(t, metadata.MapAttributeFacefusionPhase, string(phase))
	}
}

func TestInstancesArePublishedForAProcessor(t *testing.T) {
	env, _ := probetest.Env()
	env.RootPath = t.TempDir()
	id := strings.Repeat("3f", 32)
	require.NoError(t, os.MkdirAll(filepath.Join(env.RootPath, "proc/7"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(env.RootPath, "proc/7/cgroup"), []byte("0::/kubepods/pod0a1b2c3d-0000-1111-2222-0123456789ab/"+id+"\n"), 0o600))
	p := New(env)
	snapshot := &process.Snapshot{Instances: []process.Instance{{ID: "a", Version: "3.8.1", Processes: []process.Process{
		{ID: process.ID{PID: 7}, Role: process.RoleServer}, {ID: process.ID{PID: 8}, Role: process.RoleFFmpeg},
	}}}}
	env.Snapshots.Processes.Publish(snapshot)
	require.Nil(t, env.Log.Known(), "nobody asks")
	defer env.Log.Attach()()
	env.Snapshots.Processes.Publish(snapshot)
	require.Equal(t, []runlog.KnownInstance{{
		ID: "a", Version: "3.8.1", PIDs: []int{7, 8},
		Containers: []string{id}, Pods: []string{"0a1b2c3d-0000-1111-2222-0123456789ab"},
	}}, env.Log.Known().Instances)
	require.NoError(t, p.Shutdown(context.Background()))
	require.Nil(t, env.Log.Known())
}
