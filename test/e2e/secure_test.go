//go:build e2e

package e2e

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// guardedPage is an agent whose page one of the shipped secure configurations protects.
type guardedPage struct {
	url    string
	client *http.Client
	own    tls.Certificate // which the authority signed
	dir    string          // with the certificate, its key, and the authority
	about  int             // the port of the agent's page about itself
}

func startPage(t *testing.T, file string, env ...string) *guardedPage {
	t.Helper()
	dir := t.TempDir()
	pool := certificate(t, dir)
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, "gateway.crt"), filepath.Join(dir, "gateway.key"))
	require.NoError(t, err)
	ports := steadyPorts(t, 3)
	p := &guardedPage{url: fmt.Sprintf("https://127.0.0.1:%d/metrics", ports[0]), own: own, dir: dir, about: ports[2]}
	p.client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	env = append(env, "PAGE_CERT_FILE="+filepath.Join(dir, "gateway.crt"), "PAGE_KEY_FILE="+filepath.Join(dir, "gateway.key"), "PAGE_CLIENT_CA_FILE="+filepath.Join(dir, "gateway.crt"))
	// As it is for the user but for the ports, and before what is tried: nothing here may loosen
	// it.
	agent := collectorProgram(t, ports[1], env, []string{agentConfig, "../../config/" + file}, listeners(ports))
	agent.start(t)
	return p
}

// get returns the status; 0 where there is no answer.
func (p *guardedPage) get(t *testing.T, change func(*http.Request)) int {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, p.url, nil)
	require.NoError(t, err)
	change(request)
	answer, err := p.client.Do(request)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

func nothing(*http.Request) {}

func TestPageOverTLS(t *testing.T) {
	p := startPage(t, "secure-tls.yaml")
	require.Equal(t, http.StatusOK, p.get(t, nothing))
	require.Equal(t, http.StatusBadRequest, p.get(t, func(r *http.Request) { r.URL.Scheme = "http" }), "without TLS")
	p.client.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS11
	p.client.Transport.(*http.Transport).TLSClientConfig.MinVersion = tls.VersionTLS10
	require.Zero(t, p.get(t, nothing), "with a version of TLS that is broken")
}

func TestPageForCertificates(t *testing.T) {
	p := startPage(t, "secure-mtls.yaml")
	require.Zero(t, p.get(t, nothing), "without a certificate")
	other := t.TempDir()
	certificate(t, other)
	stranger, err := tls.LoadX509KeyPair(filepath.Join(other, "gateway.crt"), filepath.Join(other, "gateway.key"))
	require.NoError(t, err)
	config := p.client.Transport.(*http.Transport).TLSClientConfig
	// A client keeps back what the server's list of authorities does not ask for. A stranger would
	// not.
	show := func(c tls.Certificate) {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c, nil }
	}
	show(stranger)
	require.Zero(t, p.get(t, nothing), "with a certificate of another authority")
	show(p.own)
	require.Equal(t, http.StatusOK, p.get(t, nothing))
}

func TestPageForPasswords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "htpasswd")
	// As htpasswd -s writes it, for which a test needs no package; -B is better.
	hash := sha1.Sum([]byte("right"))
	require.NoError(t, os.WriteFile(file, []byte("prometheus:{SHA}"+base64.StdEncoding.EncodeToString(hash[:])+"\n"), 0o600))
	p := startPage(t, "secure-basic.yaml", "PAGE_PASSWORD_FILE="+file)
	require.Equal(t, http.StatusUnauthorized, p.get(t, nothing))
	for user, password := range map[string]string{"prometheus": "wrong", "other": "right", "": ""} {
		require.Equal(t, http.StatusUnauthorized, p.get(t, func(r *http.Request) { r.SetBasicAuth(user, password) }), "%s:%s", user, password)
	}
	require.Equal(t, http.StatusOK, p.get(t, func(r *http.Request) { r.SetBasicAuth("prometheus", "right") }))
}

func TestPageForTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(file, []byte("first\nsecond\n"), 0o600))
	p := startPage(t, "secure-bearer.yaml", "PAGE_TOKEN_FILE="+file)
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	require.Equal(t, http.StatusUnauthorized, p.get(t, nothing))
	for _, token := range []string{"third", "firs", "first\tsecond", ""} {
		require.Equal(t, http.StatusUnauthorized, p.get(t, bearer(token)), "token %q", token)
	}
	require.Equal(t, http.StatusOK, p.get(t, bearer("first")))
	require.Equal(t, http.StatusOK, p.get(t, bearer("second")))
	// A leaked password is removed while the agent runs.
	require.NoError(t, os.WriteFile(file, []byte("second\n"), 0o600))
	require.Eventually(t, func() bool { return p.get(t, bearer("first")) == http.StatusUnauthorized }, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, http.StatusOK, p.get(t, bearer("second")))
}
