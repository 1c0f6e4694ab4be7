package webprobe

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

func loadHealth(t *testing.T, conf map[string]any) *HealthConfig {
	t.Helper()
	cfg := &HealthConfig{}
	require.NoError(t, confmap.NewFromStringMap(conf).Unmarshal(cfg))
	require.NoError(t, cfg.Validate())
	return cfg
}

func TestHealthDefaults(t *testing.T) {
	check := loadHealth(t, map[string]any{"endpoint": "http://127.0.0.1:8000/health"}).check()
	require.Equal(t, &webui.HealthCheck{
		URL: &url.URL{Scheme: "http", Host: "127.0.0.1:8000", Path: "/health"}, Method: "GET", Timeout: 3 * time.Second, Interval: 15 * time.Second,
	}, check)
}

// TestHealthIsAskedAsConfigured: method, headers and TLS are those of the check, and of nothing
// else.
func TestHealthIsAskedAsConfigured(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			require.Empty(t, r.Header.Get("X-Token"), "the header is for the check alone")
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodPost || r.Header.Get("X-Token") != "s3cret" {
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = w.Write([]byte("all is well"))
	}))
	defer server.Close()
	authority := t.TempDir() + "/ca.pem"
	require.NoError(t, os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	health := loadHealth(t, map[string]any{
		"endpoint": server.URL + "/health", "method": "POST", "status": []any{200, 204}, "body": "well$", "interval": "1s", "timeout": "1s",
		"headers": map[string]any{"X-Token": "s3cret"}, "tls": map[string]any{"ca_file": authority},
	})
	env, _ := probetest.Env()
	address := netip.MustParseAddrPort(server.Listener.Addr().String())
	env.Snapshots.Processes.Publish(&process.Snapshot{Instances: []process.Instance{{ID: "swap-api", Servers: []process.ServerProcess{
		{ID: process.ID{PID: 11}, Port: address.Port(), Address: address},
	}}}})
	p := New(NewDefaultConfig(), HistogramsConfig{}, []ConfiguredInstance{{Name: "swap-api", Health: health}}, true, env)
	require.NoError(t, p.Start(context.Background(), componenttest.NewNopHost()))
	defer func() { require.NoError(t, p.Shutdown(context.Background())) }()
	require.Eventually(t, func() bool {
		s := p.latest.Load()
		return s != nil && len(s.Servers) == 1 && s.Servers[0].State == webui.StateReady
	}, 10*time.Second, 5*time.Millisecond)
	got := p.latest.Load().Servers[0]
	require.Equal(t, address.Port(), got.Port)
	require.Equal(t, webui.KindHTTP, got.Kind)
	require.True(t, got.Health.OK, got.Health.ErrorType)
	require.Equal(t, server.Certificate().NotAfter, got.Health.CertificateExpiry.V)
}

func TestHealthBelongsToOneServer(t *testing.T) {
	check := &webui.HealthCheck{URL: &url.URL{Scheme: "http", Host: "127.0.0.1:8000"}}
	found := func(port uint16) webui.Target { return webui.Target{Instance: "a", Process: "1/1", Port: port} }
	with := func(t webui.Target) webui.Target { t.Check = check; return t }
	other := webui.Target{Instance: "b", Process: "2/2", Port: 8000}
	own := webui.Target{Instance: "a", Port: 8000, Check: check}
	gone := func(port uint16) webui.Target { return webui.Target{Instance: "a", Port: port, Gone: true} }
	for _, c := range []struct {
		name string
		list []webui.Target
		want []webui.Target
	}{
		{"on its port", []webui.Target{found(7860), found(8000), other}, []webui.Target{found(7860), with(found(8000)), other}},
		{"the only one, behind a proxy", []webui.Target{other, found(9000)}, []webui.Target{other, with(found(9000))}},
		{"one of several", []webui.Target{found(7860), found(7861)}, []webui.Target{found(7860), found(7861), own}},
		{"none", []webui.Target{other}, []webui.Target{other, own}},
		{"its process is gone", []webui.Target{gone(0)}, []webui.Target{gone(8000)}},
		{"its process is gone, the port is known", []webui.Target{gone(7860)}, []webui.Target{gone(7860)}},
		{"its process is gone, another is there", []webui.Target{gone(8000), found(7860)}, []webui.Target{gone(8000), found(7860)}},
		{"another one is gone", []webui.Target{gone(7861), found(7860)}, []webui.Target{gone(7861), with(found(7860))}},
	} {
		require.Equal(t, c.want, attach(c.list, "a", check), c.name)
	}
}

// TestGoneServersAreReported: what is named and has no process, and what the process table misses.
func TestGoneServersAreReported(t *testing.T) {
	gone := []webui.Target{{Instance: "a", Gone: true}}
	server, runner := process.RoleUsage{Role: process.RoleServer}, process.RoleUsage{Role: process.RoleRunner}
	for _, c := range []struct {
		name     string
		instance process.Instance
		want     []webui.Target
	}{
		{"named, never seen", process.Instance{ID: "a", Configured: true, Expected: true}, gone},
		{"named, never seen, not expected", process.Instance{ID: "a", Configured: true}, nil},
		{"found, its last one is known", process.Instance{ID: "a", Ended: []process.EndedService{
			{ID: process.ID{PID: 11, StartTicks: 12}, Port: 7860, Serves: true}, {ID: process.ID{PID: 13, StartTicks: 14}, Port: 7861, Serves: true, Stopped: true},
			{ID: process.ID{PID: 15, StartTicks: 16}}, // a worker without a port
		}}, []webui.Target{{Instance: "a", Process: "11/12", Port: 7860, Gone: true}, {Instance: "a", Process: "13/14", Port: 7861, Gone: true, Stopped: true}}},
		{"found, its server has left it or is forgotten", process.Instance{ID: "a", Roles: []process.RoleUsage{server}}, nil},
		{"found, batches only", process.Instance{ID: "a", Roles: []process.RoleUsage{runner}}, nil},
		{"named, a batch runs", process.Instance{ID: "a", Configured: true, Expected: true, Processes: []process.Process{{Role: process.RoleRunner}}}, nil},
	} {
		require.Equal(t, c.want, targets(&process.Snapshot{Instances: []process.Instance{c.instance}}, nil), c.name)
	}
}

// TestHealthIsValidated: each error names the field and the remedy.
func TestHealthIsValidated(t *testing.T) {
	const url = "http://127.0.0.1:8000/health"
	for want, settings := range map[string]map[string]any{
		"":                          {"endpoint": url, "status": []any{200, 204}, "body": "ok|healthy", "interval": "1m", "timeout": "10s", "method": "POST"},
		"give the whole URL":        {"endpoint": "127.0.0.1:8000/health"},
		"like http://127.0.0.1":     {"endpoint": "/health"},
		"endpoint is \"\"":          {},
		"health.auth.authenticator": {"endpoint": "http://user:secret@127.0.0.1:8000/health"},
		"interval is 15ns":          {"endpoint": url, "interval": 15},
		"timeout is 3ns":            {"endpoint": url, "timeout": 3},
		"up to the interval, 5s":    {"endpoint": url, "interval": "5s", "timeout": "10s"},
		"give one of GET, HEAD":     {"endpoint": url, "method": "get"},
		"codes from 100 to 599":     {"endpoint": url, "status": []any{2000}},
		"no regular expression":     {"endpoint": url, "body": "(ok"},
		"whose answers have none":   {"endpoint": url, "body": "ok", "method": "HEAD"},
	} {
		cfg := &HealthConfig{}
		require.NoError(t, confmap.NewFromStringMap(settings).Unmarshal(cfg))
		err := cfg.Validate()
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
	}
}
