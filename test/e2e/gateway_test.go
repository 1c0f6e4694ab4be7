//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestGatewayOnTheNetwork: who shows no token, or a wrong one, or speaks no TLS, gets nothing into the store; and an agent hears "try again" while the store is away, not "done".
func TestGatewayOnTheNetwork(t *testing.T) {
	var written, broken atomic.Int64
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		written.Add(1)
		w.WriteHeader(int(broken.Load()))
	}))
	t.Cleanup(store.Close)
	broken.Store(http.StatusNoContent)
	dir := t.TempDir()
	authority := certificate(t, dir)
	tokens := filepath.Join(dir, "tokens")
	require.NoError(t, os.WriteFile(tokens, []byte("first\nsecond # of the new hosts\n"), 0o600))
	ports := steadyPorts(t, 4)
	gateway := collectorProgram(t, ports[0], []string{
		"REMOTE_WRITE_ENDPOINT=" + store.URL, "GATEWAY_ADDRESS=127.0.0.1", "GATEWAY_TOKEN_FILE=" + tokens,
		"GATEWAY_CERT_FILE=" + filepath.Join(dir, "gateway.crt"), "GATEWAY_KEY_FILE=" + filepath.Join(dir, "gateway.key"),
	}, []string{"../../config/gateway.yaml", "../../config/gateway-network.yaml"}, fmt.Sprintf(`
extensions: {health_check: {endpoint: "127.0.0.1:%d"}}
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:%d"}, http: {endpoint: "127.0.0.1:%d"}}}}
exporters: {prometheus_remote_write: {timeout: 1s}}
service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: %d}}}}]}}}
`, ports[0], ports[1], ports[2], ports[3]))
	gateway.start(t)

	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority}}}
	t.Cleanup(client.CloseIdleConnections)
	send := func(scheme, token string) (int, error) {
		const point = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"timeUnixNano":"1795381831000000000","asDouble":1}]}}]}]}]}`
		request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, fmt.Sprintf("%s://127.0.0.1:%d/v1/metrics", scheme, ports[2]), bytes.NewBufferString(point))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := client.Do(request)
		if err != nil {
			return 0, err
		}
		defer answer.Body.Close()
		return answer.StatusCode, nil
	}
	for _, refused := range []string{"", "third", "of", "firs"} {
		status, err := send("https", refused)
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, status, "token %q", refused)
	}
	status, err := send("http", "first")
	require.True(t, err != nil || status == http.StatusBadRequest, "without TLS: %d", status)
	require.Zero(t, written.Load())
	for _, taken := range []string{"first", "second"} {
		status, err := send("https", taken)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status, "token %q", taken)
	}
	require.EqualValues(t, 2, written.Load(), "answered when the store had answered")

	broken.Store(http.StatusServiceUnavailable)
	status, err = send("https", "first")
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, status, "the agent tries again")
	broken.Store(http.StatusBadRequest)
	status, err = send("https", "first")
	require.NoError(t, err)
	require.Equal(t, http.StatusInternalServerError, status, "what a store refuses is not sent for ever")
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
