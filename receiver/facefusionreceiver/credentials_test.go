package facefusionreceiver

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/configoptional"
)

// TestCredentialsWithoutAnEndpoint: they would be sent nowhere, which `validate` says.
func TestCredentialsWithoutAnEndpoint(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Web.ClientConfig.Auth = configoptional.Some(configauth.Config{})
	cfg.Web.ClientConfig.Headers.Set("X-Token", "s3cret")
	cfg.Web.ClientConfig.TLS.CAFile = "/etc/ssl/swap-ca.pem"
	cfg.Web.ClientConfig.TLS.InsecureSkipVerify = true
	cfg.Web.ClientConfig.TLS.ServerName = "swap.example.com"
	cfg.Web.ClientConfig.ProxyURL = "http://proxy.example.com:3128"
	require.EqualError(t, cfg.Validate(), "web: auth, headers, proxy_url, tls.ca_file, tls.insecure_skip_verify, tls.server_name_override is set, and no instance has an endpoint: credentials, headers, TLS and proxies are for configured endpoints only, "+
		"never for servers that were found; name the server as instances[].endpoint, or remove the setting")
	cfg.Instances = []InstanceConfig{{Name: "studio", Endpoint: "http://127.0.0.1:7860"}}
	require.NoError(t, cfg.Validate())

	cfg.Instances = []InstanceConfig{{Name: "studio", Path: "/opt/facefusion"}}
	cfg.Web.Enabled = false
	require.NoError(t, cfg.Validate())
}

func TestFoldersOfAnInstance(t *testing.T) {
	require.Equal(t, []string{"/host/opt/facefusion", "/host/opt/facefusion/.jobs", "/host/data/jobs"},
		(&InstanceConfig{Path: "/opt/facefusion", JobsPath: "/data/jobs"}).folders("/host"))
	require.Empty(t, (&InstanceConfig{Endpoint: "http://127.0.0.1:7860"}).folders("/"))
}
