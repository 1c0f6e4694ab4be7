//go:build cluster

package chart

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/cli"
)

// programs is where .ci/kubernetes/build.sh puts the real etcd, kube-apiserver and kubectl.
const programs = "../../.cache/kubernetes"

// cluster is a real API server with an etcd, and nothing that would run a pod.
type cluster struct {
	// flags are kubectl's.
	flags []string
	// settings are Helm's.
	settings *cli.EnvSettings
}

// startCluster starts a server with the definitions of the operators, and namespaces named after
// their levels of PodSecurity; "monitoring" is where the chart is installed to, "plain" has none.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	dir := t.TempDir()
	ports := freePorts(t, 3)
	store := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	peer := fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	background(t, dir, "etcd", "--data-dir", filepath.Join(dir, "etcd"), "--listen-client-urls", store, "--advertise-client-urls", store,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	key := filepath.Join(dir, "key.pem")
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)}
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(block), 0o600))
	// Accounts are made by a controller, of which there is none.
	ended := background(t, dir, "kube-apiserver", "--etcd-servers", store, "--secure-port", fmt.Sprint(ports[2]), "--bind-address", "127.0.0.1",
		"--advertise-address", "127.0.0.1", "--allow-privileged", "--cert-dir", dir, "--service-account-issuer", "https://cluster", "--service-account-key-file", key, "--service-account-signing-key-file", key,
		"--authorization-mode", "AlwaysAllow", "--token-auth-file", tokens(t, dir), "--service-cluster-ip-range", "10.0.0.0/24",
		"--disable-admission-plugins", "ServiceAccount")
	c := &cluster{settings: cli.New()}
	c.settings.KubeAPIServer, c.settings.KubeToken, c.settings.KubeInsecureSkipTLSVerify = fmt.Sprintf("https://127.0.0.1:%d", ports[2]), "secret", true
	c.flags = []string{"--server", c.settings.KubeAPIServer, "--insecure-skip-tls-verify", "--token", "secret", "--cache-dir", dir}
	require.Eventually(t, func() bool {
		_, err := c.kubectl("", "get", "--raw", "/readyz")
		return err == nil || ended()
	}, 3*time.Minute, 500*time.Millisecond)
	require.False(t, ended(), "the server ended")
	setup := "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: nvidia}\nhandler: nvidia\n"
	for name, level := range map[string]string{"monitoring": "privileged", "restricted": "restricted", "baseline": "baseline", "plain": "privileged"} {
		setup += fmt.Sprintf("---\napiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {pod-security.kubernetes.io/enforce: %s}}\n", name, level)
	}
	for _, d := range serverDefinitions {
		setup += "---\n" + read(t, filepath.Join(moduleFolder(t, d.module), d.file)) + "\n"
	}
	said, err := c.kubectl(setup, "apply", "--server-side", "-f", "-")
	require.NoError(t, err, said)
	// One that was just made has no condition yet, which is an error of kubectl's.
	require.Eventually(t, func() bool {
		_, err := c.kubectl("", "wait", "--for=condition=Established", "--timeout=10s", "crd", "--all")
		return err == nil
	}, time.Minute, 500*time.Millisecond)
	return c
}

// serverDefinitions are those that a server needs which tests without one know by Go types.
var serverDefinitions = append([]definition{
	{"github.com/prometheus-operator/prometheus-operator", "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"},
	{"github.com/prometheus-operator/prometheus-operator", "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"},
}, definitions["keda.sh/v1alpha1 ScaledObject"], definitions["opentelemetry.io/v1beta1 OpenTelemetryCollector"])

func tokens(t *testing.T, dir string) string {
	t.Helper()
	file := filepath.Join(dir, "tokens.csv")
	require.NoError(t, os.WriteFile(file, []byte("secret,admin,admin,system:masters\n"), 0o600))
	return file
}

// accepts requires that the server takes a manifest, and warns of nothing.
func (c *cluster) accepts(t *testing.T, namespace, manifest string) {
	t.Helper()
	said, err := c.apply(namespace, manifest)
	require.NoError(t, err, said)
	require.NotContains(t, said, "Warning", said)
	require.Contains(t, said, "(server dry run)")
}

// apply has the server decide, and keep nothing.
func (c *cluster) apply(namespace, manifest string) (string, error) {
	return c.kubectl(manifest, "apply", "--namespace", namespace, "--dry-run=server", "--validate=strict", "-f", "-")
}

func (c *cluster) kubectl(in string, arguments ...string) (string, error) {
	cmd := exec.Command(filepath.Join(programs, "kubectl"), append(c.flags, arguments...)...)
	cmd.Stdin = strings.NewReader(in)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	return said.String(), err
}

// background runs a program until the test ends. What it returns says whether it ended before.
func background(t *testing.T, dir, name string, arguments ...string) (ended func() bool) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, name+".log"))
	require.NoError(t, err)
	cmd := exec.Command(filepath.Join(programs, name), arguments...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start(), "make cluster-test builds it")
	gone := make(chan struct{})
	go func() { defer close(gone); _ = cmd.Wait() }() // how it ended is in its log
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-gone
		log.Close()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s: …%s", name, text[max(0, len(text)-2000):])
		}
	})
	return func() bool {
		select {
		case <-gone:
			return true
		default:
			return false
		}
	}
}

// freePorts are ports that nobody listens at.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}
