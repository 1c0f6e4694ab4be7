package gpuprobe

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	zapobserver "go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

func TestTheKernelsLogIsReportedOnceForEachState(t *testing.T) {
	env, _ := probetest.Env()
	core, logs := zapobserver.New(zap.InfoLevel)
	env.Settings.Logger = zap.New(core)
	p := New(NewDefaultConfig(), nil, env)
	for range 3 {
		for _, log := range []xid.LogStatus{
			{},
			{State: xid.LogNoPermission, Err: fs.ErrPermission},
			{State: xid.LogNotFound, Err: fs.ErrNotExist},
			{State: xid.LogFailed, Err: errors.New("odd")},
			{State: xid.LogRead},
		} {
			p.report(&gpu.Snapshot{KernelLog: log}, changes{})
		}
	}
	require.Len(t, logs.All(), 4)
	require.Contains(t, logs.All()[0].Message, "CAP_SYSLOG")
	require.Contains(t, logs.All()[0].Message, "kernel.dmesg_restrict")
	require.Equal(t, fs.ErrPermission.Error(), logs.All()[0].ContextMap()["error"])
	require.Contains(t, logs.All()[1].Message, "/dev/kmsg")
	require.Equal(t, zap.WarnLevel, logs.All()[2].Level)
	require.Equal(t, zap.InfoLevel, logs.All()[3].Level)
}
