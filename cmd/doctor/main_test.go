package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// doctor runs it as the command line would, over a host that runs nothing.
func doctor(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	host, err := proctest.NewProcRoot(t.TempDir(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	var stdout, stderr bytes.Buffer
	code = run(append([]string{"doctor", "--self", "--root", host.Root()}, args...), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agent.yaml")
	require.NoError(t, os.WriteFile(file, []byte("exporters: {otlp_http: {endpoint: 'http://127.0.0.1:1', sending_queue: {storage: file_storage}}}\nservice: {pipelines: {metrics: {exporters: [otlp_http]}}}\n"), 0o600))
	code, out, errOut := doctor(t, "--json", "--config", file)
	require.Empty(t, errOut)
	assert.Equal(t, 1, code, "a storage is missing")

	var got report
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	assert.Equal(t, []string{file}, got.Config)
	assert.NotEmpty(t, got.CheckedAs)
	total := 0
	for _, n := range got.Summary {
		total += n
	}
	assert.Len(t, got.Findings, total)
	assert.Contains(t, got.Findings, finding{
		Check: "configuration", Status: Failure, Subject: file + ":1",
		Detail: `exporters::otlp_http::sending_queue::storage: there is no extension "file_storage"`, Remedy: "define it under extensions, and name it in service::extensions",
	})
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	r := newReport([]finding{
		{"gpu", OK, "driver", "version 570.124.06, 8 GPUs", ""},
		{"ports", Failure, "exporters::prometheus::endpoint", "127.0.0.1:9464 is taken by pid 7 (\x1b[2Jevil)", "give one of the two another port"},
	})
	r.Version, r.Host, r.CheckedAs, r.Config = "0.1.0", "gpu-host-1", "uid 997", []string{"agent.yaml"}
	require.NoError(t, printTable(&out, r))
	assert.Equal(t, `otelcol-facefusion-doctor 0.1.0 on gpu-host-1
checked as uid 997
configuration agent.yaml

ok    gpu   driver                          version 570.124.06, 8 GPUs
FAIL  ports exporters::prometheus::endpoint 127.0.0.1:9464 is taken by pid 7 ( [2Jevil)
           -> give one of the two another port

1 ok, 0 to know, 0 warnings, 1 failures
`, out.String())
	assert.Equal(t, 1, r.exitCode())
}

func TestWrongUse(t *testing.T) {
	code, _, errOut := doctor(t, "agent.yaml")
	assert.Equal(t, 2, code)
	assert.Contains(t, errOut, `unexpected argument "agent.yaml"`)
	code, _, _ = doctor(t, "--colour")
	assert.Equal(t, 2, code)
	code, _, _ = doctor(t, "--version")
	assert.Equal(t, 0, code)
}

func TestNoConfigurationIsNoFailure(t *testing.T) {
	code, out, _ := doctor(t)
	assert.Equal(t, 0, code)
	assert.Contains(t, out, "none to check")
	assert.Contains(t, out, "no FaceFusion runs here that can be seen")
}

func TestHealth(t *testing.T) {
	for status, want := range map[int]int{http.StatusOK: 0, http.StatusServiceUnavailable: 1} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		code, _, errOut := doctor(t, "--health", server.URL)
		server.Close()
		assert.Equal(t, want, code, errOut)
	}
	code, _, errOut := doctor(t, "--health", "http://127.0.0.1:1/")
	assert.Equal(t, 1, code)
	assert.Contains(t, errOut, "connection refused")
}
