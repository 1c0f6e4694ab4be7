package gpuprobe

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	zapobserver "go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/gputest"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// What costs something is done when it is asked for, and only then.
func TestOptInReachesTheDriverAndTheKernel(t *testing.T) {
	for name, wanted := range map[string]bool{"by default": false, "asked for": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env, _ := probetest.Env()
				core, logs := zapobserver.New(zap.WarnLevel)
				env.Settings.Logger, env.RootPath = zap.New(core), t.TempDir()
				env.Metrics.Metrics.NvidiaGpuSmUtilization.Enabled = wanted
				cfg := NewDefaultConfig()
				require.False(t, cfg.KernelLog)
				cfg.KernelLog = wanted
				device := gputest.NewGPU(0)
				device.Profile = &gpu.ProfileSample{Elapsed: 5 * time.Second}
				device.Profile.Values[gpu.ProfileSM] = reading.Known(50.0)
				driver := gputest.New(device)
				p := New(cfg, driver, env)
				for range 10 {
					require.NoError(t, p.observe(context.Background()))
					time.Sleep(time.Second)
				}
				require.Equal(t, wanted, driver.Calls(device, gputest.CallProfile) > 0)
				require.Equal(t, wanted, logs.FilterMessageSnippet("no kernel log").Len() == 1)
				require.NoError(t, p.Shutdown(context.Background()))
			})
		})
	}
}
