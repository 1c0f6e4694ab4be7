package configcheck

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configfile"
)

// resolve merges files, and what else there is on a command line, as the agent does.
func resolve(t *testing.T, texts []string, more ...string) (*confmap.Conf, []string, error) {
	t.Helper()
	var files []string
	for _, text := range texts {
		file := filepath.Join(t.TempDir(), "part.yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		files = append(files, file)
	}
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs:               append(append([]string{}, files...), more...),
		ProviderFactories:  []confmap.ProviderFactory{configfile.NewFactory(), envprovider.NewFactory(), yamlprovider.NewFactory()},
		ConverterFactories: []confmap.ConverterFactory{NewFactory()},
		DefaultScheme:      "yaml",
	})
	require.NoError(t, err)
	conf, err := resolver.Resolve(t.Context())
	require.NoError(t, resolver.Shutdown(t.Context()))
	return conf, files, err
}

// TestExtensionsAddUp: the list of one file took the place of that of another, and what needed a
// lost extension did not start.
func TestExtensionsAddUp(t *testing.T) {
	a, b, none := "service: {extensions: [health_check]}", "service: {extensions: [state_storage, health_check]}", "receivers: {}"
	for _, c := range []struct {
		files []string
		more  []string
		want  []any
	}{
		{files: []string{a, b}, want: []any{"health_check", "state_storage"}},
		{files: []string{b, a}, want: []any{"state_storage", "health_check"}},
		{files: []string{a, none}, want: []any{"health_check"}},
		{files: []string{a, "service: {extensions: []}", "service: {extensions: [pprof]}"}, want: []any{"pprof"}},
		{files: []string{a, b}, more: []string{"yaml:service::extensions: [pprof]"}, want: []any{"pprof"}},
	} {
		conf, _, err := resolve(t, c.files, c.more...)
		require.NoError(t, err)
		require.Equal(t, c.want, conf.Get("service::extensions"), "%v", c)
	}
}

// TestExtensionsFromTheEnvironmentAddUp: a name that the environment gives was compared as it is
// written, and the list of the file before was replaced without a word.
func TestExtensionsFromTheEnvironmentAddUp(t *testing.T) {
	t.Setenv("EXT", "pprof")
	t.Setenv("EXTS", "[pprof, zpages]")
	a := "service: {extensions: [health_check]}"
	for _, c := range []struct {
		files []string
		more  []string
		want  []any
	}{
		{files: []string{a, `service: {extensions: ["${env:EXT}"]}`}, want: []any{"health_check", "pprof"}},
		{files: []string{`service: {extensions: ["${env:EXT}"]}`, a}, want: []any{"pprof", "health_check"}},
		{files: []string{a, `service: {extensions: ["${env:EXT}"]}`, `service: {extensions: [pprof, "${env:NONE:-zpages}"]}`}, want: []any{"health_check", "pprof", "zpages"}},
		{files: []string{a, `service: {extensions: "${env:EXTS}"}`}, want: []any{"health_check", "pprof", "zpages"}},
		{files: []string{a, `service: {extensions: ["${env:EXT}"]}`}, more: []string{"yaml:service::extensions: [zpages]"}, want: []any{"zpages"}},
	} {
		conf, _, err := resolve(t, c.files, c.more...)
		require.NoError(t, err)
		require.Equal(t, c.want, conf.Get("service::extensions"), "%v", c)
	}
}

// TestWhereWhatIsRefusedStands: the Collector names neither file nor line, and of a key at a wrong
// level not where it belongs.
func TestWhereWhatIsRefusedStands(t *testing.T) {
	fine := "receivers: {facefusion: {}}\n"
	for text, want := range map[string]string{
		"facefusion:\n  web: {}\n":                            ":1: facefusion is no section of a configuration",
		"service:\n  metrics:\n    receivers: [facefusion]\n": ":2: service: metrics is no setting: give one of extensions, pipelines, telemetry",
		"receivers:\n  facefusion:\n    match: {port: 1}\n    instances: [{name: a, match: {port: 1}}]\n": ":3: receivers: facefusion: match is no setting",
		"receivers:\n  facefusion/b:\n    web:\n      intervall: 1s\n":                                    ":4: receivers: facefusion/b: web: intervall is no setting: write interval",
		"receivers:\n  facefusion:\n    process: {enabled: maybe}\n":                                      ":3: receivers: facefusion: process: enabled is \"maybe\": give true or false",
	} {
		_, files, err := resolve(t, []string{fine, text})
		require.ErrorContains(t, err, files[1]+want, text)
		require.NotContains(t, err.Error(), files[0])
	}
	_, _, err := resolve(t, []string{fine}, "yaml:receivers::facefusion::intervall: 1s")
	require.ErrorContains(t, err, "receivers: facefusion: intervall is no setting")
}

// TestValuesThatAreRefused: the receiver knew the value and the remedy, and nobody the file; a
// value of the command line was blamed on a file that has the same key.
func TestValuesThatAreRefused(t *testing.T) {
	fine := "receivers:\n  facefusion:\n    collection_interval: 15s\n    process: {interval: 1s}\n"
	for text, want := range map[string]string{
		"receivers:\n  facefusion:\n    collection_interval: 15\n":                                           ":3: receivers: facefusion: collection_interval is 15ns",
		"receivers:\n  facefusion:\n    web:\n      enabled: true\n    process:\n      interval: 1ms\n":      ":6: receivers: facefusion: process: interval is 1ms",
		"receivers:\n  facefusion:\n    instances:\n    - {name: a, path: /a}\n    - {name: b, path: b/c}\n": ":5: receivers: facefusion: instances[1]: path is \"b/c\"",
		"receivers:\n  facefusion:\n    instances:\n    - name: a\n      match:\n        port: 70000\n":      ":6: receivers: facefusion: instances[0]: match: port is 70000",
	} {
		_, files, err := resolve(t, []string{fine, text})
		require.ErrorContains(t, err, files[1]+want, text)
		require.NotContains(t, err.Error(), files[0])
	}
	for setting, want := range map[string]string{
		"receivers::facefusion::process::interval: 1ms":                "receivers: facefusion: process: interval is 1ms",
		"receivers::facefusion::collection_interval: 15":               "receivers: facefusion: collection_interval is 15ns",
		"receivers::facefusion::web: {intervall: 1s}":                  "receivers: facefusion: web: intervall is no setting",
		"receivers::facefusion::instances: [{name: a, path: b}]":       "receivers: facefusion: instances[0]: path is \"b\"",
		"receivers::facefusion::storage: state_storage/of_the_setting": "receivers: facefusion: storage: there is no extension \"state_storage/of_the_setting\"",
	} {
		_, files, err := resolve(t, []string{fine + "    storage: state_storage\nextensions: {state_storage: {}}\nservice: {extensions: [state_storage], pipelines: {metrics: {receivers: [facefusion]}}}\n"}, "yaml:"+setting)
		require.ErrorContains(t, err, configfile.OnTheCommandLine+": "+want, setting)
		require.NotContains(t, err.Error(), files[0])
	}
}

// TestWhatStartWouldRefuse: the Collector's validation does not look at what components refer to,
// and each of these ended the agent at its start.
func TestWhatStartWouldRefuse(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "tls.crt")
	for text, want := range map[string]string{
		"receivers:\n  facefusion:\n    storage: file_storage/gone\n":                                                                              ":3: receivers: facefusion: storage: there is no extension \"file_storage/gone\"",
		"receivers: {facefusion: {}}\nextensions: {health_check: {}}\nexporters:\n  otlp_http:\n    sending_queue:\n      storage: health_check\n": ":6: exporters: otlp_http: sending_queue: storage: the extension \"health_check\" is no storage",
		"extensions: {file_storage: {}}\nreceivers:\n  facefusion: {storage: file_storage}\n":                                                      ":3: receivers: facefusion: storage: the extension \"file_storage\" is not started",
		"exporters:\n  otlp_http: {auth: {authenticator: basicauth}}\n":                                                                            ":2: exporters: otlp_http: auth: authenticator: there is no extension \"basicauth\"",
		"exporters:\n  prometheus:\n    endpoint: 127.0.0.1:9464\n    tls: {cert_file: " + missing + "}\n":                                         ":4: exporters: prometheus: tls: cert_file: there is no file \"" + missing + "\"",
		"exporters:\n  prometheus: {endpoint: 127.0.0.1:9464}\nextensions: {health_check: {endpoint: 0.0.0.0:9464}}\n":                             ":3: extensions: health_check: endpoint: 0.0.0.0:9464 is taken by exporters::prometheus::endpoint, which has 127.0.0.1:9464",
	} {
		service := "service: {extensions: [health_check], pipelines: {metrics: {receivers: [facefusion], exporters: [otlp_http, prometheus]}}}\n"
		_, files, err := resolve(t, []string{service, text})
		require.ErrorContains(t, err, files[1]+want, text)
		require.NotContains(t, err.Error(), files[0])
	}
	_, _, err := resolve(t, []string{"exporters: {otlp_http: {tls: {insecure: true, cert_file: " + missing + "}}}\nservice: {pipelines: {metrics: {exporters: [otlp_http]}}}\n"})
	require.NoError(t, err, "nobody reads it")
	_, _, err = resolve(t, []string{"exporters: {prometheus: {tls: {cert_file: " + missing + "}}}\nservice: {pipelines: {metrics: {exporters: [otlp_http]}}}\n"})
	require.NoError(t, err, "nobody uses it")
}
