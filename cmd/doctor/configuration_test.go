package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// of resolves a configuration that is written in a test.
func of(t *testing.T, text string) *resolvedConfig {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	c, err := resolve(t.Context(), []string{file}, nil)
	require.NoError(t, err)
	return c
}

// verdict is a finding without its remedy.
func verdict(f finding) string { return fmt.Sprintf("%s %s: %s", f.Status, f.Subject, f.Detail) }

func verdicts(findings []finding) (list []string) {
	for _, f := range findings {
		list = append(list, verdict(f))
	}
	return list
}

// atLine is where a configuration of a test is wrong.
var atLine = regexp.MustCompile(`^(failure) \S+:\d+: `)

// refused are what the agent refuses, without the line.
func refused(c *resolvedConfig) (list []string) {
	for _, v := range verdicts(c.refused()) {
		list = append(list, atLine.ReplaceAllString(v, "$1 "))
	}
	return list
}

func TestReferences(t *testing.T) {
	c := of(t, `
receivers: {facefusion: {storage: file_storage}, nop: {}}
exporters: {otlp_http: {auth: {authenticator: basicauth/store}, sending_queue: {storage: file_storage/queue}}}
extensions: {file_storage: {}, basicauth/store: {}, pprof: {}}
service:
  extensions: [file_storage, zpages]
  pipelines: {metrics: {receivers: [facefusion], processors: [batch, memory_limiter], exporters: [otlp_http]}}
`)
	assert.ElementsMatch(t, []string{
		`ok receivers::facefusion::storage: "file_storage" is defined and started`,
		`failure exporters::otlp_http::auth::authenticator: the extension "basicauth/store" is not started`,
		`failure exporters::otlp_http::sending_queue::storage: there is no extension "file_storage/queue"`,
		`info receivers::nop: is defined and not used`,
		`info extensions::pprof: is defined and not used`,
		`failure extensions::zpages: is used and not defined`,
		`failure processors::batch: is used and not defined`,
		`failure processors::memory_limiter: is used and not defined`,
	}, append(refused(c), verdicts(c.checkReferences())...))
	assert.Equal(t, []string{
		`warning service::pipelines::metrics: memory_limiter is not the first processor: what comes before it fills the memory all the same`,
	}, verdicts(c.checkPipelines()))
}

func TestStateOfTheReceiver(t *testing.T) {
	c := of(t, `
receivers: {facefusion: {}}
exporters: {otlp_http: {sending_queue: {storage: file_storage}}}
service: {pipelines: {metrics: {receivers: [facefusion], exporters: [otlp_http]}}}
`)
	assert.Equal(t, []string{
		`warning receivers::facefusion: keeps no state, although the queue does: jobs that end while the agent is away are not counted`,
	}, verdicts(c.checkPipelines()))
}

func TestConnectorsAreUsedByBothSides(t *testing.T) {
	c := of(t, `
receivers: {facefusion: {}}
connectors: {count: {}}
exporters: {debug: {}}
service: {pipelines: {logs: {receivers: [facefusion], exporters: [count]}, metrics: {receivers: [count], exporters: [debug]}}}
`)
	assert.Empty(t, verdicts(c.checkReferences()))
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), mode))
		return path
	}
	certificate, key := certificate(t, dir, time.Now().Add(-time.Hour), time.Now().Add(10*24*time.Hour))
	token, open, empty := write("token", "t", 0o640), write("open", "t", 0o644), write("empty", "", 0o600)
	c := of(t, fmt.Sprintf(`
exporters: {prometheus: {endpoint: 127.0.0.1:0, tls: {cert_file: %s, key_file: %s, client_ca_file: %s/missing}}}
extensions: {bearertokenauth: {filename: %s}, bearertokenauth/open: {filename: %s}, basicauth: {htpasswd: {file: %s}}, pprof: {filename: not-a-secret}}
service: {extensions: [bearertokenauth, bearertokenauth/open, basicauth], pipelines: {metrics: {exporters: [prometheus]}}}
`, certificate, key, dir, token, open, empty))
	until := time.Now().Add(10 * 24 * time.Hour).UTC().Format(time.DateOnly)
	assert.ElementsMatch(t, []string{
		`ok exporters::prometheus::tls::cert_file: ` + certificate + ` can be read`,
		`warning exporters::prometheus::tls::cert_file: the certificate ends on ` + until,
		`ok exporters::prometheus::tls::key_file: ` + key + ` can be read`,
		`ok extensions::bearertokenauth::filename: ` + token + ` can be read`,
		`warning extensions::bearertokenauth/open::filename: ` + open + ` can be read by everybody`,
		`failure extensions::basicauth::htpasswd::file: ` + empty + ` is empty`,
	}, verdicts(c.checkFiles()))
	assert.Equal(t, []string{`failure exporters::prometheus::tls::client_ca_file: there is no file "` + dir + `/missing"`}, refused(c))
}

func TestFolders(t *testing.T) {
	dir := t.TempDir()
	findings := of(t, fmt.Sprintf(`
extensions: {file_storage: {directory: %s}, file_storage/later: {directory: %[1]s/later, create_directory: true}, file_storage/gone: {directory: %[1]s/gone}}
service: {extensions: [file_storage, file_storage/later, file_storage/gone]}
`, dir)).checkFolders()
	require.Len(t, findings, 3)
	assert.Equal(t, OK, findings[0].Status, verdict(findings[0]))
	assert.Equal(t, `info extensions::file_storage/later::directory: `+dir+`/later is not there yet: the agent makes it`, verdict(findings[1]))
	assert.Equal(t, `failure extensions::file_storage/gone::directory: stat `+dir+`/gone: no such file or directory`, verdict(findings[2]))
}

func TestListeners(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	c := of(t, fmt.Sprintf(`
receivers:
  otlp: {protocols: {grpc: {endpoint: "0.0.0.0:0"}, http: {endpoint: "0.0.0.0:0", auth: {authenticator: bearertokenauth}}}}
  httpcheck: {targets: [{endpoint: "http://127.0.0.1:%[1]d"}]}
exporters: {prometheus: {endpoint: "127.0.0.1:%[1]d"}}
extensions: {health_check: {endpoint: "127.0.0.1:%[1]d"}}
service:
  extensions: [health_check]
  pipelines: {metrics: {receivers: [otlp, httpcheck], exporters: [prometheus]}}
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 192.0.2.1, port: 9466}}}}]}}
`, port))
	got := verdicts(c.checkListeners(t.Context(), "/proc", 0))
	own := fmt.Sprintf("127.0.0.1:%d", port)
	assert.Contains(t, got, "warning receivers::otlp::protocols::grpc::endpoint: 0.0.0.0:0 can be reached from other hosts, and asks nobody who he is")
	assert.NotContains(t, strings.Join(got, "\n"), "httpcheck", "where it asks is no port of ours")
	assert.Contains(t, strings.Join(got, "\n"), fmt.Sprintf("failure exporters::prometheus::endpoint: %s is taken by pid %d (", own, os.Getpid()))
	assert.Contains(t, refused(c), "failure extensions::health_check::endpoint: "+own+" is that of exporters::prometheus::endpoint as well")
	assert.Contains(t, strings.Join(got, "\n"), "failure service::telemetry::metrics: listen tcp 192.0.2.1:9466")

	assert.Contains(t, verdicts(c.checkListeners(t.Context(), "/proc", os.Getpid())), "ok exporters::prometheus::endpoint: "+own+" is the agent's")
}

func TestStores(t *testing.T) {
	dir := t.TempDir()
	certificate, key := certificate(t, dir, time.Now().Add(-time.Hour), time.Now().Add(365*24*time.Hour))
	pair, err := tls.LoadX509KeyPair(certificate, key)
	require.NoError(t, err)
	secure, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	require.NoError(t, err)
	defer secure.Close()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer plain.Close()
	// The store gets nothing but the handshake.
	got := make(chan int, 8)
	go func() {
		defer close(got)
		for {
			connection, err := secure.Accept()
			if err != nil {
				return
			}
			n, _ := connection.Read(make([]byte, 1)) // it is closed again: that is what is asked
			got <- n
			connection.Close()
		}
	}()

	findings := of(t, fmt.Sprintf(`
exporters:
  otlp_http: {endpoint: "http://user:secret@%s", traces_endpoint: "https://%s/v1/traces", tls: {ca_file: %s}}
  otlp_grpc: {endpoint: "127.0.0.1:1", tls: {insecure: true}}
  prometheus_remote_write/unknown: {http: {endpoint: "https://%[2]s/api/v1/write"}}
service: {pipelines: {metrics: {exporters: [otlp_http, otlp_grpc, prometheus_remote_write/unknown]}}}
`, plain.Addr(), secure.Addr(), certificate)).checkStores(t.Context())
	until := time.Now().Add(365 * 24 * time.Hour).UTC().Format(time.DateOnly)
	assert.Equal(t, []string{
		fmt.Sprintf("ok exporters::otlp_http::endpoint: %s accepts connections", plain.Addr()),
		fmt.Sprintf("ok exporters::otlp_http::traces_endpoint (%s): the certificate is good until %s", secure.Addr(), until),
		"warning exporters::otlp_grpc::endpoint: dial tcp 127.0.0.1:1: connect: connection refused",
	}, verdicts(findings), "and each address once")

	unknown := of(t, fmt.Sprintf(`
exporters: {prometheus_remote_write: {http: {endpoint: "https://%s/api/v1/write"}}}
service: {pipelines: {metrics: {exporters: [prometheus_remote_write]}}}
`, secure.Addr())).checkStores(t.Context())
	require.Len(t, unknown, 1)
	assert.Contains(t, verdict(unknown[0]), "certificate signed by unknown authority")
	secure.Close()
	for n := range got {
		assert.Zero(t, n, "something was sent")
	}
}

func TestParseStore(t *testing.T) {
	for text, want := range map[string]string{
		"https://gateway.example.com":                   "gateway.example.com:443 secure",
		"http://127.0.0.1:9090/api/v1/write":            "127.0.0.1:9090",
		"gateway.example.com:4317":                      "gateway.example.com:4317 secure",
		"dns:///gateway-headless.monitoring:4317":       "gateway-headless.monitoring:4317 secure",
		"https://[2001:db8::1]:4318/v1/metrics?tenant=": "[2001:db8::1]:4318 secure",
	} {
		s, err := parseStore(text, nil)
		require.NoError(t, err, text)
		got := s.address
		if s.secure {
			got += " secure"
		}
		assert.Equal(t, want, got)
	}
	for _, text := range []string{"gateway", "ftp://x", "http://user:secret@host:port"} {
		_, err := parseStore(text, nil)
		require.Error(t, err, text)
		assert.NotContains(t, err.Error(), "secret")
	}
}

// TestShippedConfigurations: what is shipped has nothing that the doctor would fail it for,
// whatever runs on this machine.
func TestShippedConfigurations(t *testing.T) {
	for _, files := range [][]string{{"agent"}, {"agent", "all-signals"}, {"agent", "remote-write"}, {"gateway"}, {"gateway", "gateway-network"}, {"gateway", "gateway-basic"}} {
		var names []string
		for _, name := range files {
			names = append(names, "../../config/"+name+".yaml")
		}
		c, err := resolve(t.Context(), names, nil)
		require.NoError(t, err)
		for _, f := range append(c.checkReferences(), c.checkPipelines()...) {
			assert.NotEqual(t, Failure, f.Status, "%v: %s", files, verdict(f))
			assert.NotEqual(t, Warning, f.Status, "%v: %s", files, verdict(f))
		}
	}
}

// certificate makes one for 127.0.0.1 that signs itself.
func certificate(t *testing.T, dir string, from, until time.Time) (certificateFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: from, NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certificateFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	require.NoError(t, os.WriteFile(certificateFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return certificateFile, keyFile
}

// TestAConfigurationThatCanBeReadOnce: the first look emptied it, and the others found nothing.
func TestAConfigurationThatCanBeReadOnce(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "agent.yaml")
	require.NoError(t, unix.Mkfifo(fifo, 0o600))
	code, out, _ := doctor(t, "--config", fifo)
	require.Equal(t, 1, code)
	require.Contains(t, out, "is no regular file")
}

// TestRemedyOfAnExtensionThatIsNotStarted: lists add up, and the doctor said that the last counts.
func TestRemedyOfAnExtensionThatIsNotStarted(t *testing.T) {
	findings := of(t, "extensions: {state_storage: {}}\nexporters: {otlp_http: {sending_queue: {storage: state_storage}}}\nservice: {pipelines: {metrics: {exporters: [otlp_http]}}}\n").refused()
	i := slices.IndexFunc(findings, func(f finding) bool { return f.Status == Failure })
	require.GreaterOrEqual(t, i, 0, "%v", findings)
	require.Contains(t, findings[i].Remedy, "the lists of several files add up")
}
