package webprobe

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configmiddleware"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
)

// endpointClient is the client of what is configured of one instance: its endpoint, with everything
// that the section web says, or its health check.
func (p *Probe) endpointClient(ctx context.Context, host component.Host, cfg confighttp.ClientConfig, instance ConfiguredInstance) (*http.Client, error) {
	d := &directTransport{viaProxy: cfg.ProxyURL != ""}
	// The web client has no endpoint in its own settings.
	if len(credentials(&cfg)) > 0 || bearsSecret(cfg.Endpoint) || cfg.Endpoint == "" && bearsSecret(instance.Endpoint.String()) {
		d.guard = newGuard(instance, p.env)
		d.guard.viaProxy = d.viaProxy
	}
	// confighttp hands its own transport to the innermost middleware, and to nobody else.
	extensions := maps.Clone(host.GetExtensions())
	if extensions == nil {
		extensions = make(map[component.ID]component.Component)
	}
	extensions[directID] = d
	cfg.Middlewares = append(slices.Clip(cfg.Middlewares), configmiddleware.Config{ID: directID})
	return cfg.ToClient(ctx, extensions, p.env.Settings.TelemetrySettings)
}

// directID cannot be that of a configured extension: its type is no word that a user could
// register.
var directID = component.MustNewIDWithName("facefusion_endpoint", "direct")

// directTransport takes the proxy of the environment out of a transport, and puts the guard in.
type directTransport struct {
	component.StartFunc
	component.ShutdownFunc
	viaProxy bool
	guard    *guard // nil where nothing is sent that a stranger must not have
}

var _ extensionmiddleware.HTTPClient = (*directTransport)(nil)

// GetHTTPRoundTripper implements extensionmiddleware.HTTPClient.
func (d *directTransport) GetHTTPRoundTripper(context.Context) (extensionmiddleware.WrapHTTPRoundTripperFunc, error) {
	return func(_ context.Context, base http.RoundTripper) (http.RoundTripper, error) {
		transport, ok := base.(*http.Transport)
		if !ok {
			return nil, fmt.Errorf("the transport of the HTTP client is a %T, no *http.Transport", base)
		}
		if !d.viaProxy {
			transport.Proxy = nil
		}
		if d.guard != nil {
			transport.DialContext = d.guard.dial
		}
		return transport, nil
	}, nil
}

// bearsSecret says whether a URL has a place where tokens are put: a query, or a user.
func bearsSecret(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err != nil || u.RawQuery != "" || u.User != nil
}

// credentials names the settings that send what only the configured endpoint may see.
func credentials(client *confighttp.ClientConfig) []string {
	var names []string
	for _, setting := range []struct {
		name string
		set  bool
	}{
		{"auth", client.Auth.HasValue()},
		{"headers", len(client.Headers) > 0},
		{"tls.cert_file", client.TLS.CertFile != ""},
		{"tls.cert_pem", client.TLS.CertPem != ""},
		{"cookies", client.Cookies.HasValue()},
		{"middlewares", len(client.Middlewares) > 0},
		// It may have a user and a password, and a proxy reads what is sent through it.
		{"proxy_url", client.ProxyURL != ""},
	} {
		if setting.set {
			names = append(names, setting.name)
		}
	}
	return names
}

// ForEndpointsOnly names the settings that have no effect on servers that were found.
func (c *Config) ForEndpointsOnly() []string {
	names := credentials(&c.ClientConfig)
	tls := &c.ClientConfig.TLS
	for _, setting := range []struct {
		name string
		set  bool
	}{
		{"tls.ca_file", tls.CAFile != ""},
		{"tls.ca_pem", tls.CAPem != ""},
		{"tls.insecure_skip_verify", tls.InsecureSkipVerify},
		{"tls.server_name_override", tls.ServerName != ""},
	} {
		if setting.set {
			names = append(names, setting.name)
		}
	}
	return names
}
