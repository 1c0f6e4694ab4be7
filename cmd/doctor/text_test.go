package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configcheck"
	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configfile"
)

func written(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// TestWhatIsNoYAML: the file, the line, and what to do.
func TestWhatIsNoYAML(t *testing.T) {
	for text, want := range map[string]string{
		"receivers:\n\tfacefusion:\n":                     ":2: is indented by a tab",
		"receivers:\n  facefusion:\n  \t  web: {}\n":      ":3: is indented by a tab",
		"receivers:\n  facefusion: {web\nexporters: {}\n": ": is no YAML: did not find expected",
	} {
		file := written(t, "mine.yaml", text)
		_, findings := readSources([]string{"../../config/agent.yaml", file})
		require.Len(t, findings, 1)
		assert.Contains(t, verdict(findings[0]), "failure "+file)
		assert.Contains(t, verdict(findings[0]), want)
		assert.NotEmpty(t, findings[0].Remedy)
	}
	_, findings := readSources([]string{written(t, "fine.yaml", "# a\ttab in a comment\nkey: a\tb\n"), "yaml:service: {}"})
	assert.Empty(t, findings)
}

// TestWhereAKeyStands: messages as the agent gives them.
func TestWhereAKeyStands(t *testing.T) {
	first := written(t, "first.yaml", "receivers:\n  facefusion:\n    web:\n      interval: 5s\n  host_metrics:\n    collection_interval: 15s\n")
	second := written(t, "second.yaml", `# comment
receivers:
  facefusion:
    metrics:
      facefusion_process_up: {enabled: false}
    web:
      intervall: 1s
exporters:
  prometheus:
    endpoint: 127.0.0.1:9464
    nonsense: 1
`)
	sources, findings := readSources([]string{first, second})
	require.Empty(t, findings)
	for message, want := range map[string]string{
		"receivers::facefusion: metrics: there is no facefusion_process_up: write facefusion.process.up": second + ":5",
		"receivers::facefusion: web: intervall is no setting: write interval":                            second + ":7",
		"exporters::prometheus: has invalid keys: nonsense":                                              second + ":11",
		"receivers::host_metrics: collection_interval: requires positive value":                          first + ":6",
		"nothing of it": "",
	} {
		assert.Equal(t, want, configfile.Locate(sources, message), message)
	}
}

func TestComplaints(t *testing.T) {
	assert.Equal(t, []string{
		"receivers::facefusion: jobs: enabled is \"no\": give true or false",
		"receivers::facefusion: web: intervall is no setting: write interval",
	}, complaints(`Error: failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):

'receivers' error reading configuration for "facefusion": decoding failed due to the following error(s):

'' jobs: enabled is "no": give true or false
web: intervall is no setting: write interval
`))
	assert.Equal(t, []string{"receivers::facefusion: web: interval is 1ms: give at least 500ms, or leave it out for 5s"},
		complaints("Error: invalid configuration: receivers::facefusion: web: interval is 1ms: give at least 500ms, or leave it out for 5s\n"))
}

// TestTheAgentsOwnValidation runs a program in the agent's place.
func TestTheAgentsOwnValidation(t *testing.T) {
	file := written(t, "mine.yaml", "receivers:\n  facefusion:\n    web:\n      intervall: 1s\n")
	sources, _ := readSources([]string{file})
	program := written(t, "otelcol-facefusion", "#!/bin/sh\n"+`test "$1" = validate && test "$2" = --config=`+file+` || exit 0
echo "Error: failed to get config: cannot unmarshal the configuration: 'receivers' error reading configuration for \"facefusion\": web: intervall is no setting: write interval"
exit 1
`)
	require.NoError(t, os.Chmod(program, 0o700))
	findings := validate(t.Context(), program, options{configs: list{file}}, sources)
	require.Len(t, findings, 1)
	assert.Equal(t, fmt.Sprintf("failure %s:4: receivers::facefusion: web: intervall is no setting: write interval", file), verdict(findings[0]))
	findings = validate(t.Context(), program, options{}, nil)
	require.Len(t, findings, 1)
	assert.Equal(t, OK, findings[0].Status)
}

// TestReferencesOfAWrongKind: the agent notices when it starts.
func TestReferencesOfAWrongKind(t *testing.T) {
	c := of(t, `
receivers: {facefusion: {storage: health_check}}
exporters: {otlp_http: {auth: {authenticator: state_storage}, sending_queue: {storage: basicauth/store}}}
extensions: {health_check: {}, state_storage: {}, basicauth/store: {}}
service: {extensions: [health_check, state_storage, basicauth/store], pipelines: {metrics: {receivers: [facefusion], exporters: [otlp_http]}}}
`)
	assert.ElementsMatch(t, []string{
		`failure receivers::facefusion::storage: the extension "health_check" is no storage`,
		`failure exporters::otlp_http::auth::authenticator: the extension "state_storage" is no authenticator`,
		`failure exporters::otlp_http::sending_queue::storage: the extension "basicauth/store" is no storage`,
	}, refused(c))
	assert.Empty(t, verdicts(c.checkReferences()))
}

// TestTheRemedyOfAnAddress: one that is a URL is no address that this host lacks.
func TestTheRemedyOfAnAddress(t *testing.T) {
	for _, address := range []string{"127.0.0.1:9464/metrics", "http://127.0.0.1:9464", "127.0.0.1"} {
		f := checkListener(t.Context(), configcheck.ListenAddress{Path: "exporters::prometheus::endpoint", Address: address}, "/proc", 0)
		assert.Equal(t, Failure, f.Status, address)
		assert.Contains(t, f.Remedy, "without a scheme or a path", address)
	}
	f := checkListener(t.Context(), configcheck.ListenAddress{Address: "192.0.2.1:9464"}, "/proc", 0)
	assert.Equal(t, "write 127.0.0.1, or an address that this host has", f.Remedy)
}
