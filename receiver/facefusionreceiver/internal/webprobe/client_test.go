package webprobe

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
)

// TestClientSettings: a server behind a proxy that speaks TLS and wants a header is ready with both
// settings, and not with one of them missing.
func TestClientSettings(t *testing.T) {
	var asked atomic.Int64
	proxy := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("X-Proxy-Token") != "s3cret" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		answer, known := map[string]string{
			"/gradio_api/startup-events": `false`,
			"/gradio_api/queue/status":   `{"msg":"estimation","queue_size":4}`,
			"/gradio_api/app_id":         `{"app_id":1234567890123456789}`,
		}[r.URL.Path]
		if !known {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(answer))
	}))
	defer proxy.Close()
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw}))

	trusted, token := NewDefaultConfig(), NewDefaultConfig()
	trusted.ClientConfig.TLS.CAPem = configopaque.String(authority)
	token.ClientConfig.Headers.Set("X-Proxy-Token", "s3cret")
	both := trusted
	both.ClientConfig.Headers.Set("X-Proxy-Token", "s3cret")

	require.Equal(t, webui.StateReady, stateWith(t, both, proxy.URL))
	before := asked.Load()
	require.Equal(t, webui.StateUnresponsive, stateWith(t, token, proxy.URL), "the certificate is not trusted")
	require.Equal(t, before, asked.Load(), "nothing is sent to who is not trusted")
	require.Equal(t, webui.StateUnresponsive, stateWith(t, trusted, proxy.URL), "the proxy refuses")
}

// stateWith is what a probe with these settings says of the endpoint.
func stateWith(t *testing.T, cfg Config, endpoint string, folders ...string) webui.ServerState {
	t.Helper()
	u, err := url.Parse(endpoint)
	require.NoError(t, err)
	env, _ := probetest.Env()
	p := New(cfg, HistogramsConfig{}, []ConfiguredInstance{{Name: "proxy", Endpoint: u, Folders: folders}}, false, env)
	require.NoError(t, p.Start(context.Background(), componenttest.NewNopHost()))
	defer func() { require.NoError(t, p.Shutdown(context.Background())) }()
	require.Eventually(t, func() bool {
		p.loop.Trigger() // silence is believed when it comes twice
		s := p.latest.Load()
		return s != nil && len(s.Servers) == 1 && s.Servers[0].State != webui.StateUnknown
	}, 10*time.Second, 5*time.Millisecond)
	return p.latest.Load().Servers[0].State
}

func TestClientSettingsThatNameNothing(t *testing.T) {
	cfg := NewDefaultConfig()
	cfg.ClientConfig.TLS.CAFile = "/does/not/exist.pem"
	env, _ := probetest.Env()
	p := New(cfg, HistogramsConfig{}, []ConfiguredInstance{{Name: "studio", Endpoint: &url.URL{Scheme: "https", Host: "ff.example.com"}}}, false, env)
	require.ErrorContains(t, p.Start(context.Background(), componenttest.NewNopHost()), "/does/not/exist.pem")
	require.NoError(t, p.Shutdown(context.Background()))
}
