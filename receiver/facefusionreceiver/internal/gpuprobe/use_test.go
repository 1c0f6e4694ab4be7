package gpuprobe

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/snapshots"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// A receiver without a metrics pipeline is never scraped, and judges jobs all the same.
func TestWhoComputesIsPublishedWithoutAScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, _ := probetest.Env()
		env.RootPath = t.TempDir()
		device := gputest.NewGPU(0)
		device.Contexts = []gpu.Context{{PID: 101, Memory: 1 << 20}}
		device.ProcessSamples = []gpu.ProcessSample{}
		driver := gputest.New(device)
		p := New(NewDefaultConfig(), driver, env)
		env.Snapshots.Processes.Publish(instances())
		observe := func(seconds int) *snapshots.GPUUse {
			for range seconds {
				require.NoError(t, p.observe(context.Background()))
				time.Sleep(time.Second)
			}
			return env.Snapshots.GPUUse.Load()
		}
		compute := func(percent uint32) {
			driver.Change(func(*gputest.Script) {
				at := uint64(time.Now().Add(time.Second).UnixMicro())
				device.ProcessSamples = []gpu.ProcessSample{{PID: 101, Timestamp: at, General: percent}}
			})
		}

		use := observe(7)
		require.NotNil(t, use)
		require.Equal(t, map[string]bool{"busy": false, "idle": false}, use.Busy)
		compute(40)
		use = observe(6)
		require.Equal(t, map[string]bool{"busy": true, "idle": false}, use.Busy)
		require.WithinDuration(t, time.Now(), use.Time, 2*time.Second)
		require.Equal(t, map[string]bool{"busy": true, "idle": false}, observe(10).Busy, "a pause between two bursts")
		require.Equal(t, map[string]bool{"busy": false, "idle": false}, observe(15).Busy)
		require.NoError(t, p.Shutdown(context.Background()))
	})
}

func TestWhoComputesIsUnknownWhereNoGPUReportsIt(t *testing.T) {
	env, _ := probetest.Env()
	p := New(NewDefaultConfig(), nil, env)
	env.Snapshots.Processes.Publish(instances())
	unreported := using(of(100, 1))
	unreported.Activity = nil
	snapshot := &gpu.Snapshot{Time: time.Now(), Library: library(), Devices: []gpu.Device{unreported}}
	p.owners.update(instances(), snapshot, snapshot.Time)
	p.publishUse(snapshot)
	require.Empty(t, env.Snapshots.GPUUse.Load().Busy)
}
