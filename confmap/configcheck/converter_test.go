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
