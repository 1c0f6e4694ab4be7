package webprobe

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// TestWhyAServerIsUnhealthyIsLoggedOnce: with the reason, which is in no metric of a moment, and
// without the URL; and once that it is well again.
func TestWhyAServerIsUnhealthyIsLoggedOnce(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	env, _ := probetest.Env()
	env.Settings.Logger = zap.New(core)
	p := New(NewDefaultConfig(), HistogramsConfig{}, nil, false, env)
	say := func(state webui.ServerState, status int, reason string) {
		p.report(&webui.Snapshot{Servers: []webui.Server{{Instance: "ff", Port: 8000, State: state, Health: &webui.CheckResult{OK: reason == "", StatusCode: status, ErrorType: reason}}}})
	}
	say(webui.StateReady, 200, "")
	require.Empty(t, logs.All())
	for range 3 {
		say(webui.StateUnhealthy, 503, webui.ErrorStatus)
	}
	say(webui.StateUnresponsive, 0, "timeout")
	say(webui.StateUnhealthy, 503, webui.ErrorStatus)
	require.Len(t, logs.All(), 1)
	fields := logs.All()[0].ContextMap()
	require.Contains(t, fields["remedy"], "health.status")
	delete(fields, "remedy")
	require.Equal(t, map[string]any{"instance": "ff", "port": uint16(8000), "reason": "status", "status_code": int64(503)}, fields)
	say(webui.StateReady, 200, "")
	say(webui.StateReady, 200, "")
	require.Len(t, logs.All(), 2)
	require.Equal(t, "the health check of a server succeeds again", logs.All()[1].Message)
	for reason, remedy := range map[string]string{webui.ErrorBody: "health.body", "timeout": "health.timeout"} {
		require.Contains(t, remedyOf(&webui.CheckResult{ErrorType: reason}), remedy)
	}
	require.Contains(t, remedyOf(&webui.CheckResult{StatusCode: 401, ErrorType: webui.ErrorStatus}), "health.auth")
}

// TestServersOverALimitAreLoggedOnce: they were counted, and nobody was told which limit that is.
func TestServersOverALimitAreLoggedOnce(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	env, _ := probetest.Env()
	env.Settings.Logger = zap.New(core)
	p := New(NewDefaultConfig(), HistogramsConfig{}, nil, false, env)
	p.report(&webui.Snapshot{})
	require.Empty(t, logs.All())
	for range 3 {
		p.report(&webui.Snapshot{Over: 2, Waiting: 7})
	}
	require.Len(t, logs.All(), 2)
	require.Equal(t, "servers", logs.All()[0].ContextMap()["limit"])
	require.Equal(t, "server_turns", logs.All()[1].ContextMap()["limit"])
	require.Equal(t, int64(7), logs.All()[1].ContextMap()["servers"])
}
