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
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestOwnPageBehindNginx: the agent's page about itself is opened by nginx with the configuration
// of deploy/nginx, in each of the ways that it has, for those who are known.
func TestOwnPageBehindNginx(t *testing.T) {
	p := startPage(t, "secure-tls.yaml")
	hash := sha1.Sum([]byte("right"))
	known := strings.Repeat("2f0c9ae1", 8) // as long as one of openssl rand -hex 32
	// Its workers read these, as an account of their own.
	for name, text := range map[string]string{"htpasswd": "prometheus:{SHA}" + base64.StdEncoding.EncodeToString(hash[:]) + "\n", "tokens": "\"~^Bearer " + known + "$\" 1;\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644))
	}
	require.NoError(t, os.Chmod(filepath.Dir(p.dir), 0o755))
	token := func(text string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+text) }
	}
	password := func(text string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth("prometheus", text) }
	}
	for way, c := range map[string]struct {
		refused int
		wrong   []func(*http.Request)
		right   func(*http.Request)
	}{
		"password":    {http.StatusUnauthorized, []func(*http.Request){password("wrong")}, password("right")},
		"token":       {http.StatusUnauthorized, []func(*http.Request){token("second"), token(strings.ToUpper(known)), token(known + "0")}, token(known)},
		"certificate": {http.StatusBadRequest, []func(*http.Request){nothing}, nil},
	} {
		t.Run(way, func(t *testing.T) {
			p.url = startNginx(t, p, way)
			require.Equal(t, c.refused, p.get(t, nothing))
			for _, wrong := range c.wrong {
				require.Equal(t, c.refused, p.get(t, wrong))
			}
			if c.right == nil {
				p.client.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{p.own}
				c.right = nothing
			}
			require.Equal(t, http.StatusOK, p.get(t, c.right))
			require.Equal(t, http.StatusBadRequest, p.get(t, func(r *http.Request) { r.URL.Scheme = "http" }), "without TLS")
		})
	}
}

// startNginx runs the shipped configuration with the lines of one way, and returns the address of
// the page.
func startNginx(t *testing.T, p *guardedPage, way string) string {
	t.Helper()
	shipped, err := os.ReadFile("../../deploy/nginx/own-page.conf")
	require.NoError(t, err)
	var kept strings.Builder
	for line := range strings.Lines(string(shipped)) {
		if _, of, ok := strings.Cut(line, "# way: "); !ok || strings.TrimSpace(of) == way {
			kept.WriteString(line)
		}
	}
	dir, port := t.TempDir(), steadyPorts(t, 1)[0]
	text := strings.NewReplacer(
		"9476", fmt.Sprint(port), "127.0.0.1:9466", fmt.Sprintf("127.0.0.1:%d", p.about),
		"/etc/otelcol-facefusion/page-clients.crt", filepath.Join(p.dir, "gateway.crt"), "/etc/otelcol-facefusion/page.crt", filepath.Join(p.dir, "gateway.crt"),
		"/etc/otelcol-facefusion/page.key", filepath.Join(p.dir, "gateway.key"), "/etc/nginx/own-page.htpasswd", filepath.Join(p.dir, "htpasswd"),
		"/etc/nginx/own-page.tokens", filepath.Join(p.dir, "tokens")).Replace(kept.String())
	file := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(file, []byte("daemon off;\nerror_log stderr;\npid "+dir+"/pid;\nevents {}\nhttp {\naccess_log off;\n"+text+"}\n"), 0o644))
	server := exec.Command("nginx", "-c", file, "-p", dir)
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
	})
	url := fmt.Sprintf("https://127.0.0.1:%d/metrics", port)
	require.Eventually(t, func() bool {
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
		require.NoError(t, err)
		answer, err := p.client.Do(request)
		if err != nil {
			return false
		}
		answer.Body.Close()
		return true
	}, 10*time.Second, 50*time.Millisecond)
	return url
}
