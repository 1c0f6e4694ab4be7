//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestGatewayOnTheNetwork: a client without a token, with a wrong one or without TLS is refused,
// and while the store is away an agent gets a retryable error instead of success.
func TestGatewayOnTheNetwork(t *testing.T) {
	g := startGateway(t, "gateway-network.yaml")
	for _, refused := range []string{"", "third", "of", "firs"} {
		require.Equal(t, http.StatusUnauthorized, g.send(t, "https", refused), "token %q", refused)
	}
	require.NotEqual(t, http.StatusOK, g.send(t, "http", "first"), "without TLS")
	require.Zero(t, g.written.Load())
	for _, taken := range []string{"first", "second"} {
		require.Equal(t, http.StatusOK, g.send(t, "https", taken), "token %q", taken)
	}
	require.EqualValues(t, 2, g.written.Load(), "answered when the store had answered")

	g.answer.Store(http.StatusServiceUnavailable)
	require.Equal(t, http.StatusServiceUnavailable, g.send(t, "https", "first"), "the agent tries again")
	g.answer.Store(http.StatusBadRequest)
	require.Equal(t, http.StatusInternalServerError, g.send(t, "https", "first"), "what a store refuses is not sent for ever")
	g.answer.Store(http.StatusTooManyRequests)
	require.Equal(t, http.StatusInternalServerError, g.send(t, "https", "first"), "docs/scale-out.md says so; when this changes, no feature gate is needed any more")
}

// TestGatewayForPasswords: gateway-basic.yaml asks for one.
func TestGatewayForPasswords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "htpasswd")
	hash := sha1.Sum([]byte("right"))
	require.NoError(t, os.WriteFile(file, []byte("agent:{SHA}"+base64.StdEncoding.EncodeToString(hash[:])+"\n"), 0o600))
	g := startGateway(t, "gateway-basic.yaml", "GATEWAY_PASSWORD_FILE="+file)
	for _, refused := range []string{"", "agent:wrong", "other:right", "agent:"} {
		require.Equal(t, http.StatusUnauthorized, g.send(t, "https", refused), refused)
	}
	require.Zero(t, g.written.Load())
	require.Equal(t, http.StatusOK, g.send(t, "https", "agent:right"))
}

// TestGatewayForCertificates: with an authority, a token alone is not enough.
func TestGatewayForCertificates(t *testing.T) {
	g := startGateway(t, "gateway-network.yaml", "GATEWAY_CLIENT_CA_FILE=DIR/gateway.crt")
	g.wantsCertificate = true
	require.Zero(t, g.send(t, "https", "first"), "without a certificate")
	own, err := tls.LoadX509KeyPair(filepath.Join(g.dir, "gateway.crt"), filepath.Join(g.dir, "gateway.key"))
	require.NoError(t, err)
	g.client.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{own}
	require.Equal(t, http.StatusUnauthorized, g.send(t, "https", "third"), "with one, and a wrong token")
	require.Zero(t, g.written.Load())
	require.Equal(t, http.StatusOK, g.send(t, "https", "first"))
}

// TestGatewayBeforeAStoreWithLimits: with the feature gate that docs/scale-out.md names, too much
// is no refusal.
func TestGatewayBeforeAStoreWithLimits(t *testing.T) {
	g := startGateway(t, "gateway-network.yaml", "--feature-gates=exporter.prometheusremotewritexporter.RetryOn429")
	g.answer.Store(http.StatusTooManyRequests)
	require.Equal(t, http.StatusServiceUnavailable, g.send(t, "https", "first"), "the agent tries again")
}

// TestAgentBalancesOverGRPC has an agent send with the configuration that docs/scale-out.md shows
// for gRPC.
func TestAgentBalancesOverGRPC(t *testing.T) {
	g := startGateway(t, "gateway-network.yaml")
	ports := steadyPorts(t, 5)
	override := fmt.Sprintf(`
receivers: {facefusion: {collection_interval: 1s}, host_metrics: {collection_interval: 1s}}
exporters: {otlp_grpc: {endpoint: "dns:///127.0.0.1:%d", tls: {ca_file: %s}}}
`, g.grpcPort, filepath.Join(g.dir, "gateway.crt"))
	files := []string{agentConfig, "../../config/all-signals.yaml"}
	env := []string{"STATE_DIRECTORY=" + t.TempDir(), "OTLP_HEADERS={authorization: Bearer third}"}
	agent := collectorProgram(t, ports[1], env, files, listeners(ports), block(t, "# otelcol-facefusion --config config/agent.yaml"), override)
	agent.start(t)
	require.Eventually(t, func() bool { return agent.log.count("Unauthenticated") > 0 }, 20*time.Second, 50*time.Millisecond, "a wrong token: %s", agent.log.String())
	require.Zero(t, g.written.Load())
	agent.kill(t)
	agent.env[1] = "OTLP_HEADERS={authorization: Bearer second}"
	agent.start(t)
	require.Eventually(t, func() bool { return g.written.Load() > 2 }, 20*time.Second, 50*time.Millisecond, "%s", agent.log.String())
}

// block is the YAML of docs/scale-out.md that begins so.
func block(t *testing.T, begin string) string {
	t.Helper()
	content, err := os.ReadFile("../../docs/scale-out.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(content), "```yaml\n"+begin)
	require.True(t, found, begin)
	// The line of which that is the beginning is a comment, with what remains of it.
	text, _, found = strings.Cut(begin+text, "```")
	require.True(t, found, begin)
	return text
}

// networkGateway is a gateway on the network in front of a store whose answers the test sets.
type networkGateway struct {
	client         *http.Client
	port, grpcPort int
	dir            string // has its certificate
	// wantsCertificate: it breaks the connection of a client that has none.
	wantsCertificate bool
	written, answer  atomic.Int64
}

func startGateway(t *testing.T, file string, options ...string) *networkGateway {
	t.Helper()
	g := &networkGateway{dir: t.TempDir()}
	g.answer.Store(http.StatusNoContent)
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		g.written.Add(1)
		w.WriteHeader(int(g.answer.Load()))
	}))
	t.Cleanup(store.Close)
	g.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certificate(t, g.dir)}}}
	t.Cleanup(g.client.CloseIdleConnections)
	tokens := filepath.Join(g.dir, "tokens")
	require.NoError(t, os.WriteFile(tokens, []byte("first\nsecond # of the new hosts\n"), 0o600))
	ports := steadyPorts(t, 4)
	g.port, g.grpcPort = ports[2], ports[1]
	p := collectorProgram(t, ports[0], []string{
		"REMOTE_WRITE_ENDPOINT=" + store.URL, "GATEWAY_ADDRESS=127.0.0.1", "GATEWAY_TOKEN_FILE=" + tokens,
		"GATEWAY_CERT_FILE=" + filepath.Join(g.dir, "gateway.crt"), "GATEWAY_KEY_FILE=" + filepath.Join(g.dir, "gateway.key"),
	}, []string{"../../config/gateway.yaml", "../../config/" + file}, fmt.Sprintf(`
extensions: {health_check: {endpoint: "127.0.0.1:%d"}}
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:%d"}, http: {endpoint: "127.0.0.1:%d"}}}}
exporters: {prometheus_remote_write: {timeout: 1s}}
service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: %d}}}}]}}}
`, ports[0], ports[1], ports[2], ports[3]))
	for _, option := range options {
		if strings.HasPrefix(option, "--") {
			p.args = append(p.args, option)
		} else {
			p.env = append(p.env, strings.ReplaceAll(option, "DIR", g.dir))
		}
	}
	p.start(t)
	return g
}

// send sends a point and returns the status of the answer; 0 without one.
func (g *networkGateway) send(t *testing.T, scheme, token string) int {
	t.Helper()
	const point = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"timeUnixNano":"1795381831000000000","asDouble":1}]}}]}]}]}`
	url := fmt.Sprintf("%s://127.0.0.1:%d/v1/metrics", scheme, g.port)
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewBufferString(point))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	switch user, password, basic := strings.Cut(token, ":"); {
	case basic:
		request.SetBasicAuth(user, password)
	case token != "":
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := g.client.Do(request)
	if err != nil {
		require.True(t, scheme == "http" || g.wantsCertificate, "%v", err)
		return 0
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// certificate writes gateway.crt and gateway.key for 127.0.0.1, and returns who trusts them.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	write := func(name, kind string, content []byte) []byte {
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
		return text
	}
	write("gateway.key", "PRIVATE KEY", private)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(write("gateway.crt", "CERTIFICATE", signed)))
	return pool
}
